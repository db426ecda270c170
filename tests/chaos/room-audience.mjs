// Whom an event of a room is for, told by what it is alone, and what each participant is to hear: what the journal and the
// streams are held against.
import { fold, OUT } from './room-journal.mjs';

const ENDS_ALL = ['meeting.ended', 'room.ended'];
export const STAFF = ['moderator', 'owner'];

/// { all }, { staff, named } or { named }. was: the participant whom it is about, as he was before it.
export function audienceOf({ type, participant, message }, was) {
    if (message !== undefined) return message.to === undefined ? { all: true } : { named: [message.from, message.to] };
    if (type.startsWith('invitation.')) return { staff: true, named: [] };
    const isOfLobby = type === 'participant.waiting' || (was?.state === 'waiting' && OUT.includes(type));
    return isOfLobby ? { staff: true, named: [participant.id] } : { all: true };
}

const isFor = ({ all, staff, named }, { id, role }) => Boolean(all || (staff && STAFF.includes(role)) || named?.includes(id));

// Who waits hears of his own fate only.
function hears(one, event, audience) {
    if (one.since !== undefined) return isFor(audience, one);
    return event.participant?.id === one.id || ENDS_ALL.includes(event.type);
}

/// Of all who have ever been in a room, or waited: id -> { id, first, since, role, heard, outs, isIn, hasWaited }. first: the
/// number of the event by which he came; since: of the one that let him in; heard: the events that are for him, all of them
/// over the times when he was out and came back; outs: those by which he was out.
export function hearingsOf(events) {
    const people = new Map();
    const state = new Map();
    for (const event of events) {
        const { participant } = event;
        const audience = audienceOf(event, state.get(participant?.id));
        fold([event], state);
        if (participant !== undefined && !people.has(participant.id)) {
            people.set(participant.id, { id: participant.id, first: event.seq, heard: [], missed: [], outs: [], hasWaited: participant.state === 'waiting' });
        }
        for (const one of people.values()) hear(one, event, audience, state.get(one.id));
    }
    return people;
}

// is: as he is after it; undefined: he is out.
function hear(one, event, audience, is) {
    const isIn = is !== undefined;
    one.role = is?.role ?? one.role;
    if (is?.state === 'joined') one.since ??= event.seq;
    if (hears(one, event, audience)) one.missed.push(event);
    if (isIn || one.isIn) one.heard.push(...one.missed.splice(0));
    if (one.isIn && !isIn) one.outs.push(event);
    one.isIn = isIn;
}

/// The word with which a stream ends by this event.
export function endOf({ type, reason }) {
    return reason ?? { 'participant.denied': 'denied', 'participant.left': 'left' }[type] ?? 'removed';
}
