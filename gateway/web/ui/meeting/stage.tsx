// Where people are seen: a grid of equal tiles on pages, or one large and the others in a strip.
import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Call } from '../../state/call.ts';
import { type Box, gridBoxes, layerFor, type Size, stageBoxes } from '../../state/layout.ts';
import { isSent, type Tile as TileOf, tilesOf } from '../../state/people.ts';
import type { Picture } from '../../state/wish.ts';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Tile } from './tile.tsx';

const GAP = 8;
const PAGE_MOST = 16;
const NARROW_PAGE_MOST = 6;
const NARROW = 560;
/** Who has spoken for so long is worth turning the page for. */
const TURNS_AFTER_MS = 3000;

interface Placed { tile: TileOf; box: Box }
interface View { placed: Placed[]; page: number; pages: number }

function placeAll(tiles: TileOf[], size: Size, main: string | undefined, page: number): View {
    const large = tiles.find(({ key }) => key === main);
    if (large !== undefined) {
        const others = tiles.filter((tile) => tile !== large);
        const boxes = stageBoxes(size, others.length, GAP);
        const pages = Math.max(1, Math.ceil(others.length / Math.max(1, boxes.stripHolds)));
        const at = Math.min(page, pages - 1);
        const shown = others.slice(at * boxes.stripHolds, at * boxes.stripHolds + boxes.strip.length);
        return { placed: [{ tile: large, box: boxes.main }, ...shown.map((tile, index) => ({ tile, box: boxes.strip[index]! }))], page: at, pages };
    }
    const most = size.width < NARROW ? NARROW_PAGE_MOST : PAGE_MOST;
    const pages = Math.max(1, Math.ceil(tiles.length / most));
    const at = Math.min(page, pages - 1);
    const shown = tiles.slice(at * most, (at + 1) * most);
    return { placed: gridBoxes(size, shown.length, GAP).map((box, index) => ({ tile: shown[index]!, box })), page: at, pages };
}

/** What is wanted of the others for what is shown. */
function picturesOf(placed: Placed[]): Picture[] {
    return placed.filter(({ tile }) => !tile.isMine)
        .map(({ tile, box }) => ({ participant: tile.participant.id, source: tile.source, layer: layerFor(box.height, devicePixelRatio) }));
}

/** @param children what lies over the tiles */
export function Stage({ call, children }: { call: Call; children: ComponentChildren }) {
    const element = useRef<HTMLDivElement>(null);
    const size = useSignal<Size>({ width: 0, height: 0 });
    const page = useSignal(0);
    const pinned = useSignal<string | undefined>(undefined);
    const tiles = useComputed(() => tilesOf(call.room.value));
    const main = useComputed(() => {
        const isThere = tiles.value.some(({ key }) => key === pinned.value);
        return isThere ? pinned.value : tiles.value.find(({ source }) => source === 'screen')?.key;
    });
    const view = useComputed(() => placeAll(tiles.value, size.value, main.value, page.value));

    useEffect(() => {
        const observer = new ResizeObserver(([entry]) => {
            const { width, height } = entry!.contentRect;
            size.value = { width: Math.floor(width), height: Math.floor(height) };
        });
        observer.observe(element.current!);
        return () => observer.disconnect();
    }, []);
    useSignalEffect(() => { call.setPictures(picturesOf(view.value.placed)); });
    useTurning(call, view, page);

    return (
        <div class="tiles-frame">
            <div class="tiles" ref={element}>
                {size.value.width > 0 && view.value.placed.map(({ tile, box }) => (
                    <Tile key={tile.key} tile={tile} box={box} call={call} track={trackFor(call, tile)} isPinned={pinned.value === tile.key}
                        isLarge={main.value === tile.key} onPin={() => { pinned.value = pinned.value === tile.key ? undefined : tile.key; }} />
                ))}
                {children}
            </div>
            {view.value.pages > 1 && (
                <nav class="pages" aria-label={t('meeting.pages')}>
                    <button type="button" class="button icon" aria-label={t('meeting.pageBefore')} disabled={view.value.page === 0}
                        onClick={() => { page.value = view.value.page - 1; }}><Icon name="back" /></button>
                    <span>{t('meeting.page', { page: view.value.page + 1, pages: view.value.pages })}</span>
                    <button type="button" class="button icon" aria-label={t('meeting.pageNext')} disabled={view.value.page === view.value.pages - 1}
                        onClick={() => { page.value = view.value.page + 1; }}><Icon name="next" /></button>
                </nav>
            )}
        </div>
    );
}

/** The page turns to who has spoken for a while and is not seen; nobody jumps within a page. */
function useTurning(call: Call, view: { value: View }, page: { value: number }) {
    useEffect(() => {
        const timer = setInterval(() => {
            const { placed, pages } = view.value;
            if (pages < 2) return;
            const speaker = call.speakingFor(TURNS_AFTER_MS).find((id) => id !== call.id);
            const all = tilesOf(call.room.peek());
            const at = all.findIndex(({ participant, source }) => participant.id === speaker && source === 'video');
            if (speaker === undefined || at < 0 || placed.some(({ tile }) => tile.participant.id === speaker)) return;
            page.value = Math.floor(at / Math.max(1, Math.ceil(all.length / pages)));
        }, 1000);
        return () => clearInterval(timer);
    }, [call]);
}

/** The track that a tile shows, if it is sent, and wanted. */
function trackFor(call: Call, { participant, source, isMine }: TileOf): MediaStreamTrack | null {
    if (isMine) return source === 'video' && call.cameraIsOn.value ? call.media.camera.track.value : null;
    if (!isSent(participant, source) || call.step.value === 3) return null;
    return call.streams.value.find((stream) => stream.participant === participant.id && stream.source === source)?.track ?? null;
}
