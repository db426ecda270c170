// Who is in a room, in the orders in which people are shown: pure functions of what is known of it.
import type { Participant, RoomState, Source } from '../core/room.js';

const RANKS: Record<string, number> = { owner: 0, moderator: 1, participant: 2, viewer: 3 };

const trackOf = (participant: Participant | undefined, source: Source) =>
    participant?.tracks?.find((track) => track.source === source);

/** Whether others can hear or see it now. */
export function isSent(participant: Participant | undefined, source: Source): boolean {
    const track = trackOf(participant, source);
    return track !== undefined && !track.muted && track.media === 'flowing';
}

/** One tile: a person with his camera or without, or a screen. */
export interface Tile { key: string; participant: Participant; source: 'video' | 'screen'; isMine: boolean }

/** Screens first; then people in the order in which they came, oneself last: nobody jumps because somebody spoke. */
export function tilesOf(room: RoomState): Tile[] {
    const people = [...room.participants.values()];
    const others = people.filter(({ id }) => id !== room.me.id);
    const mine = people.filter(({ id }) => id === room.me.id);
    const tile = (participant: Participant, source: Tile['source']): Tile =>
        ({ key: `${participant.id}/${source}`, participant, source, isMine: participant.id === room.me.id });
    return [
        ...others.filter((one) => isSent(one, 'screen')).map((one) => tile(one, 'screen')),
        ...[...others, ...mine].map((one) => tile(one, 'video')),
    ];
}

/** Raised hands in the order in which they were raised, then by role, then by name. */
export function inPeopleOrder(room: RoomState, language: string): Participant[] {
    const byName = new Intl.Collator(language, { sensitivity: 'base', numeric: true });
    return [...room.participants.values()].sort((a, b) => handOrder(a, b)
        || (RANKS[a.role] ?? 9) - (RANKS[b.role] ?? 9) || byName.compare(a.name, b.name));
}

function handOrder(a: Participant, b: Participant): number {
    if (a.hand_raised_at === undefined || b.hand_raised_at === undefined) {
        return Number(a.hand_raised_at === undefined) - Number(b.hand_raised_at === undefined);
    }
    return Date.parse(a.hand_raised_at) - Date.parse(b.hand_raised_at);
}

/** Whether one may do something to somebody: the action at all, and his role is lower. */
export function mayActOn(room: RoomState, action: string, target: Participant): boolean {
    const me = room.participants.get(room.me.id ?? '');
    if (me === undefined || me.id === target.id || !room.me.can.includes(action)) return false;
    return (RANKS[me.role] ?? 9) < (RANKS[target.role] ?? 9);
}

/** The first letters of the first and the last word of a name. */
export function initialsOf(name: string): string {
    const words = name.trim().split(/\s+/).filter(Boolean);
    const chosen = words.length > 1 ? [words[0]!, words[words.length - 1]!] : words;
    return chosen.map((word) => [...word][0]!.toLocaleUpperCase()).join('');
}

/** A quiet hue that follows from the name: the same on every screen. */
export function hueOf(name: string): number {
    let hash = 7;
    for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)!) % 360;
    return hash;
}
