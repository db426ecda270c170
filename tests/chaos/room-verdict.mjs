// What clients were told and what streams have read, held against the journal and the tables.
import assert from 'node:assert/strict';
import { fold } from './room-journal.mjs';

const SHOWN = 5;

function assertNone(items, what) {
    assert.equal(items.length, 0, `${items.length} ${what}: ${items.slice(0, SHOWN).join('; ')}`);
}

/// Each room's events are numbered from 1 on without a gap up to what the room itself says, and who is in, as its events
/// have it, is who is in by the table: no command has left a half.
export async function journalIsWhole(stack, journal) {
    const faults = [];
    for (const [room, seq] of await stack.sql('SELECT room_id, seq FROM rooms WHERE code IS NOT NULL')) {
        const events = journal.get(room) ?? [];
        if (events.length !== Number(seq)) faults.push(`room ${room} is at ${seq} and has ${events.length} events`);
        events.forEach((event, i) => {
            if (event.seq !== i + 1) faults.push(`room ${room}: event ${event.seq} comes at place ${i + 1}`);
        });
    }
    assertNone(faults, 'gaps in the journal');
    const rows = new Map();
    const query = 'SELECT room_id, participant_id, HEX(name), role, hand_unix_ms > 0 FROM participants WHERE state = 2';
    for (const [room, id, name, role, hand] of await stack.sql(query)) {
        rows.set(`${room} ${id}`, `${Buffer.from(name, 'hex')} ${role} ${hand}`);
    }
    const roles = { viewer: 1, participant: 2, moderator: 3, owner: 4 };
    for (const [room, events] of journal) {
        for (const one of fold(events).values()) {
            const [key, told] = [`${room} ${one.id}`, `${one.name} ${roles[one.role]} ${Number(one.hand)}`];
            if (rows.get(key) !== told) faults.push(`${key}: the journal has ${told}, the table ${rows.get(key)}`);
            rows.delete(key);
        }
    }
    faults.push(...[...rows.keys()].map((key) => `${key} is in, and the journal does not know`));
    assertNone(faults, 'differences between the journal and who is in');
}

// By room and name, which no two joins share: one that was done twice has made two people, of different ids.
function joinsAreThere(joins, journal) {
    const found = new Map(); // "room name" -> ids
    for (const [room, events] of journal) {
        for (const { type, participant } of events) {
            if (type !== 'participant.joined') continue;
            const key = `${room} ${participant.name}`;
            found.set(key, [...(found.get(key) ?? []), participant.id]);
        }
    }
    const faults = [];
    for (const { room, name, id } of joins) {
        const ids = found.get(`${room} ${name}`) ?? [];
        if (ids.length !== 1 || ids[0] !== id) faults.push(`${room} ${name}, who is ${id}, has come in as ${ids.join() || 'nobody'}`);
        found.delete(`${room} ${name}`);
    }
    return [...faults, ...[...found.keys()].map((key) => `${key} has come in and was not asked for`)];
}

/// What was acknowledged is in the journal once; what came to nothing known is there once at most; nothing else is there.
/// seats: who came in before the commands.
export function commandsAreThere(records, seats, journal) {
    const faults = records.filter(({ outcome }) => outcome === 'failed').map(({ kind, status, why }) => `${kind}: ${status} ${why}`);
    assertNone(faults, 'commands that failed');
    const counts = new Map(); // of "type id name"
    const count = (key) => counts.get(key) ?? 0;
    for (const [room, events] of journal) {
        for (const { type, participant } of events) {
            if (participant === undefined) continue;
            const key = `${room} ${type} ${participant.id}${type === 'participant.updated' ? ` ${participant.name}` : ''}`;
            counts.set(key, count(key) + 1);
        }
    }
    const keyOf = { rename: ({ room, id, name }) => `${room} participant.updated ${id} ${name}`,
        leave: ({ room, id }) => `${room} participant.left ${id}` };
    for (const record of records.filter(({ kind }) => kind in keyOf)) {
        const found = count(keyOf[record.kind](record));
        if (found > 1 || (found === 0 && record.outcome === 'done')) {
            faults.push(`${keyOf[record.kind](record)} (${record.outcome}) is there ${found} times`);
        }
    }
    faults.push(...joinsAreThere([...seats, ...records.filter(({ kind }) => kind === 'join')], journal));
    faults.push(...handsAreThere(records, count));
    const names = new Set(records.filter(({ kind }) => kind === 'rename').map(keyOf.rename));
    for (const key of counts.keys()) {
        if (key.includes(' participant.updated ') && !names.has(key)) faults.push(`${key} was not asked for`);
    }
    assertNone(faults, 'commands that are not in the journal as they were answered');
}

// A hand goes up and down, and an event may belong to any of its commands. One after a command of unknown outcome may have
// found the hand where it was to be.
function handsAreThere(records, count) {
    const faults = [];
    const bySeat = Map.groupBy ? Map.groupBy(hands(records), seatOf) : groupBy(hands(records), seatOf);
    for (const [seat, commands] of bySeat) {
        const [room, id] = seat.split(' ');
        const found = count(`${room} hand.raised ${id}`) + count(`${room} hand.lowered ${id}`);
        const least = commands.filter(({ outcome }, i) => outcome === 'done' && commands[i - 1]?.outcome !== 'unknown').length;
        if (found < least || found > commands.length) faults.push(`${seat}: ${found} events for ${least} to ${commands.length} commands`);
    }
    return faults;
}
const hands = (records) => records.filter(({ kind }) => kind === 'hand');
const seatOf = ({ room, id }) => `${room} ${id}`;
function groupBy(items, keyOf) {
    const groups = new Map();
    for (const item of items) {
        const key = keyOf(item);
        if (!groups.has(key)) groups.set(key, []);
        groups.get(key).push(item);
    }
    return groups;
}

const shown = (one) => `${one.id} ${one.name} ${one.role} ${Boolean(one.guest)} ${Boolean(one.hand)}`;
const shownAll = (all) => [...all].map(shown).sort().join(', ');

/// Over all its connections a stream has a snapshot as the journal has it at that number, and then each event once and in
/// order, up to the last one. Gives how many events that were.
export function streamsAreWhole(streams, journal) {
    const faults = [];
    let read = 0;
    for (const [i, stream] of streams.entries()) {
        const events = journal.get(stream.seat.room);
        let at;
        for (const { event, id, data } of stream.blocks) {
            const seq = id === undefined ? undefined : Number(id.split('.')[1]);
            const fault = event === 'snapshot' ? snapshotFault(at, seq, JSON.parse(data), events) : eventFault(event, at, seq, data, events);
            if (fault !== undefined) faults.push(`stream ${i} of room ${stream.seat.room}: ${fault}`);
            if (seq !== undefined) at = seq;
            read += event !== 'snapshot' && seq !== undefined;
        }
        if (at !== events.length) faults.push(`stream ${i} of room ${stream.seat.room} ends with ${at}, and not with ${events.length}`);
        faults.push(...stream.faults.map((fault) => `stream ${i} of room ${stream.seat.room}: ${fault}`));
    }
    assertNone(faults, 'faults of streams');
    return read;
}

function snapshotFault(at, seq, { participants }, events) {
    if (at !== undefined) return `a second snapshot, at ${seq} after ${at}`;
    const expected = shownAll(fold(events.slice(0, seq)).values());
    const found = shownAll(participants.map((one) => ({ ...one, hand: handOf(one) })));
    return found === expected ? undefined : `the snapshot at ${seq} has ${found}; the journal ${expected}`;
}

const handOf = (one) => one.hand_raised_at !== undefined;

function eventFault(event, at, seq, data, events) {
    if (event === 'end') return undefined; // it comes back
    if (event === 'me') return undefined; // what he may, before he is another one
    if (seq === undefined) return `${event} ${data}`;
    if (seq !== at + 1) return `${event} ${seq} after ${at}`;
    const expected = events[seq - 1];
    const { type, time, data: { participant } = {} } = JSON.parse(data);
    const isSame = expected !== undefined && event === expected.type && type === event && Date.parse(time) === expected.timeMs
        && (participant === undefined) === (expected.participant === undefined)
        && (participant === undefined || shown({ ...participant, hand: handOf(participant) }) === shown(expected.participant));
    return isSame ? undefined : `${event} ${seq} ${data}; the journal has ${JSON.stringify(expected)}`;
}
