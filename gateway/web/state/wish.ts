// What is wanted of the others: sound of all, and pictures of those that are on the page, as large as their tiles are. A pure function.
import type { Wish } from '../core/media/watch.js';
import type { RoomState, Source } from '../core/room.js';
import { othersNextTracks, othersTracks } from '../core/room.js';
import type { Step } from './quality.ts';

export interface Shown { participant: string; source: Source }
export interface Picture extends Shown { layer: 0 | 1 | 2 }

/**
 * @param pictures that are shown, the most important first
 * @param step how much the network takes
 */
export function wishOf(room: RoomState, pictures: readonly Picture[], step: Step): Wish[] {
    const shown = new Map(pictures.map((picture, index) => [`${picture.participant}/${picture.source}`, { ...picture, index }]));
    const sent = othersTracks(room).map(({ participant, source }): Wish => {
        if (source === 'audio') return { participant, source };
        const picture = shown.get(`${participant}/${source}`);
        // What is not on the page stays in the connection, so that it is there at once when the page is turned.
        if (picture === undefined || isTooMuch(step, picture.index)) return { participant, source, paused: true };
        if (source === 'screen') return { participant, source };
        return { participant, source, layer: step === 0 ? picture.layer : 0 };
    });
    // How large a picture will be is not known before it is there.
    const next = othersNextTracks(room).map(({ participant, source }): Wish => ({
        participant, source, isAhead: true,
        ...(source === 'video' && step > 0 ? { layer: 0 } : {}),
        ...(source !== 'audio' && isTooMuch(step, pictures.length) ? { paused: true } : {}),
    }));
    return [...sent, ...next];
}

/** What is seen of the pictures that are on the page: while it is hidden, only the one that floats beside it. */
export const seenOf = (pictures: readonly Picture[], isHidden: boolean, floating?: Shown): readonly Picture[] =>
    (isHidden ? pictures.filter(({ participant, source }) => participant === floating?.participant && source === floating.source) : pictures);

const isTooMuch = (step: Step, index: number) => step === 3 || (step === 2 && index > 0);
