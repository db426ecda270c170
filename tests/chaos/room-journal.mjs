// The journal of rooms as the database has it, and what follows from it: read here by means of our own, so that nothing that
// is tested takes part.

export const TYPES = [undefined, 'room.updated', 'room.ended', 'meeting.ended', 'participant.joined', 'participant.updated',
    'participant.left', 'participant.removed', 'hand.raised', 'hand.lowered', 'participant.waiting', 'participant.admitted', 'participant.denied',
    'participant.banned', 'participant.muted', 'message.created', 'invitation.created', 'invitation.updated', 'invitation.revoked'];
export const ROLES = [undefined, 'viewer', 'participant', 'moderator', 'owner'];
const EVENT = 4; // its field of room_news (proto/schema/messages.def)
const OUT = ['participant.left', 'participant.removed'];

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

function participantOf(record) {
    return record === undefined ? undefined
        : { id: String(record[1]), name: record[2], role: ROLES[record[3]], guest: Boolean(record[5]), hand: Boolean(record[6]) };
}

// What the journal keeps is the message with its envelope, or its fields alone.
function eventOf(hex) {
    const whole = unpack(Buffer.from(hex, 'hex'));
    const news = Array.isArray(whole) ? whole.at(-1) : whole;
    const record = news[EVENT] ?? news;
    return { seq: record[1], type: TYPES[record[2]], timeMs: record[4], participant: participantOf(record[5]) };
}

/// Room id -> its events, in order.
export async function readJournal(stack) {
    const journal = new Map();
    for (const [room, seq, data] of await stack.sql('SELECT room_id, seq, HEX(data) FROM room_events ORDER BY room_id, seq')) {
        const event = eventOf(data);
        if (String(event.seq) !== seq) throw new Error(`room ${room}: event ${seq} says that it is ${event.seq}`);
        if (!journal.has(room)) journal.set(room, []);
        journal.get(room).push(event);
    }
    return journal;
}

/// Who is in after these events: id -> participant.
export function fold(events, state = new Map()) {
    for (const { type, participant } of events) {
        if (OUT.includes(type)) state.delete(participant.id);
        else if (type === 'meeting.ended' || type === 'room.ended') state.clear();
        else if (participant !== undefined) state.set(participant.id, participant);
    }
    return state;
}
