// The journal of rooms as the database has it, and what follows from it: read here by means of our own, so that nothing that
// is tested takes part.

export const TYPES = [undefined, 'room.updated', 'room.ended', 'meeting.ended', 'participant.joined', 'participant.updated',
    'participant.left', 'participant.removed', 'hand.raised', 'hand.lowered', 'participant.waiting', 'participant.admitted', 'participant.denied',
    'participant.banned', 'participant.muted', 'message.created', 'invitation.created', 'invitation.updated', 'invitation.revoked'];
export const ROLES = [undefined, 'viewer', 'participant', 'moderator', 'owner'];
export const STATES = [undefined, 'waiting', 'joined', 'left', 'removed', 'denied', 'ended'];
export const SOURCES = ['audio', 'video', 'screen'];
export const AUDIENCES = [undefined, 'all', 'staff', 'named'];
const REASONS = [undefined, 'left', 'absent', 'removed', 'session_ended', 'meeting_ended', 'closed', 'expired', 'unused', 'owner_removed',
    'not_a_member', 'banned', 'invitation_revoked', 'waited_too_long', 'stream_key_ended'];
const EVENT = 4; // its field of room_news (proto/schema/messages.def)
export const OUT = ['participant.left', 'participant.removed', 'participant.denied', 'participant.banned'];

// As much of msgpack as the bus uses; ids fit into a Number.
function unpack(bytes) {
    let at = 0;
    const take = (count) => bytes.subarray(at, at += count);
    const uint = (count) => {
        let value = 0;
        for (const byte of take(count)) value = value * 256 + byte;
        return value;
    };
    const items = (count) => Array.from({ length: count }, one);
    const map = (count) => {
        const found = {};
        for (let i = 0; i < count; i += 1) found[one()] = one();
        return found;
    };
    function one() {
        const head = uint(1);
        if (head < 0x80) return head;
        if (head < 0x90) return map(head & 0x0f);
        if (head < 0xa0) return items(head & 0x0f);
        if (head < 0xc0) return take(head & 0x1f).toString();
        switch (head) {
            case 0xc0: return undefined;
            case 0xc2: return false;
            case 0xc3: return true;
            case 0xc4: return take(uint(1));
            case 0xc5: return take(uint(2));
            case 0xcc: return uint(1);
            case 0xcd: return uint(2);
            case 0xce: return uint(4);
            case 0xcf: return uint(8);
            case 0xd9: return take(uint(1)).toString();
            case 0xda: return take(uint(2)).toString();
            case 0xdc: return items(uint(2));
            case 0xde: return map(uint(2));
            default: throw new Error(`msgpack: 0x${head.toString(16)}`);
        }
    }
    return one();
}

const of = (record, read) => (record === undefined ? undefined : read(record));
const participantOf = (record) => ({ id: String(record[1]), name: record[2], role: ROLES[record[3]], state: STATES[record[4]],
    guest: Boolean(record[5]), hand: Boolean(record[6]), muted: SOURCES.filter((_, i) => (record[8] >> i) & 1) });
const messageOf = (record) => ({ id: String(record[1]), seq: record[2], text: record[3], from: String(record[4]), fromName: record[5],
    to: record[6] ? String(record[6]) : undefined });
const invitationOf = (record) => ({ id: String(record[1]), role: ROLES[record[2]], label: record[3] || undefined, max_uses: record[4] || null,
    uses: record[5] ?? 0 });

// What the journal keeps is the message with its envelope, or its fields alone.
function eventOf(hex) {
    const whole = unpack(Buffer.from(hex, 'hex'));
    const news = Array.isArray(whole) ? whole.at(-1) : whole;
    const record = news[EVENT] ?? news;
    return { seq: record[1], type: TYPES[record[2]], audience: AUDIENCES[record[3]], timeMs: record[4], participant: of(record[5], participantOf),
        reason: REASONS[record[7]], named: (record[8] ?? []).map(String), message: of(record[9], messageOf),
        invitation: of(record[10], invitationOf) };
}

/// Room id -> its events, in order.
export async function readJournal(stack) {
    const journal = new Map();
    for (const [room, seq, audience, data] of await stack.sql(
        'SELECT room_id, seq, audience, HEX(data) FROM room_events ORDER BY room_id, seq')) {
        const event = eventOf(data);
        if (String(event.seq) !== seq) throw new Error(`room ${room}: event ${seq} says that it is ${event.seq}`);
        if (AUDIENCES[audience] !== event.audience) throw new Error(`room ${room}: event ${seq} is for ${audience}, and says ${event.audience}`);
        if (!journal.has(room)) journal.set(room, []);
        journal.get(room).push(event);
    }
    return journal;
}

/// Who is in after these events, or waits to be let in: id -> participant.
export function fold(events, state = new Map()) {
    for (const { type, participant } of events) {
        if (OUT.includes(type)) state.delete(participant.id);
        else if (type === 'meeting.ended' || type === 'room.ended') state.clear();
        else if (participant !== undefined) state.set(participant.id, participant);
    }
    return state;
}

/// What each event has changed: fn(event, was), where was is the participant as he was before it, or undefined.
export function eachChange(events, fn) {
    const state = new Map();
    for (const event of events) {
        fn(event, state.get(event.participant?.id));
        fold([event], state);
    }
}
