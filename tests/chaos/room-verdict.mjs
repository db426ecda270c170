// What clients were told, held against the journal, and the journal against the tables.
import { audienceOf } from './room-audience.mjs';
import { eachChange, fold, OUT, ROLES, SOURCES, STATES } from './room-journal.mjs';
import { assertNone } from './stream-verdict.mjs';

const COMES = ['participant.joined', 'participant.waiting', 'participant.admitted'];

/* ---- the journal and the tables ---- */

function audienceFault(event, was) {
    const { all, staff, named = [] } = audienceOf(event, was);
    const expected = `${all ? 'all' : staff ? 'staff' : 'named'} ${[...named].sort()}`;
    const found = `${event.audience} ${[...event.named].sort()}`;
    return found === expected ? [] : [`${event.type} ${event.seq} is for ${found}, and not for ${expected}`];
}

// Both as text -> text: what one has and the other has not.
function differences(journal, table) {
    const faults = [];
    for (const [key, told] of journal) {
        if (table.get(key) !== told) faults.push(`${key}: the journal has ${told}, the table ${table.get(key)}`);
    }
    return [...faults, ...[...table].filter(([key]) => !journal.has(key)).map(([key, told]) => `${key}: ${told} is in the table alone`)];
}

const text = (hex) => Buffer.from(hex, 'hex').toString();

async function peopleFaults(stack, journal) {
    const query = 'SELECT room_id, participant_id, HEX(name), role, hand_unix_ms > 0, muted, state FROM participants WHERE state IN (1, 2)';
    const table = new Map((await stack.sql(query)).map(([room, id, name, role, hand, muted, state]) => [`${room} ${id}`,
        [text(name), ROLES[role], hand, SOURCES.filter((_, i) => (muted >> i) & 1), STATES[state]].join()]));
    const told = new Map([...journal].flatMap(([room, events]) => [...fold(events).values()].map((one) => [`${room} ${one.id}`,
        [one.name, one.role, Number(one.hand), one.muted, one.state].join()])));
    return differences(told, table);
}

async function chatFaults(stack, journal) {
    const query = 'SELECT room_id, seq, message_id, from_id, HEX(from_name), to_id, HEX(text) FROM room_messages';
    const table = new Map((await stack.sql(query)).map(([room, seq, id, from, name, to, said]) => [`${room} ${seq}`,
        [id, from, text(name), to, text(said)].join()]));
    const told = new Map([...journal].flatMap(([room, events]) => events.filter(({ message }) => message !== undefined)
        .map(({ seq, message }) => [`${room} ${seq}`, [message.id, message.from, message.fromName, message.to ?? 0, message.text].join()])));
    return differences(told, table);
}

async function invitationFaults(stack, journal) {
    const query = 'SELECT room_id, invitation_id, role, HEX(label), max_uses, uses, revoked_unix_ms IS NOT NULL FROM invitations';
    const table = new Map((await stack.sql(query)).map(([room, id, role, label, max, uses, revoked]) => [`${room} ${id}`,
        [ROLES[role], text(label), max, uses, revoked].join()]));
    const told = new Map([...journal].flatMap(([room, events]) => events.filter(({ invitation }) => invitation !== undefined)
        .map(({ type, invitation }) => [`${room} ${invitation.id}`, [invitation.role, invitation.label ?? '', invitation.max_uses ?? 0, invitation.uses,
            Number(type === 'invitation.revoked')].join()])));
    return differences(told, table);
}

/// Each room's events are numbered from 1 on without a gap up to what the room itself says; each is for whom such an event is;
/// and who is in or waits, the chat and the invitations, as the events have them, are what the tables have: no command has left a half.
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
    for (const events of journal.values()) eachChange(events, (event, was) => faults.push(...audienceFault(event, was)));
    assertNone(faults, 'events for others than those whom they are for');
    for (const look of [peopleFaults, chatFaults, invitationFaults]) faults.push(...await look(stack, journal));
    assertNone(faults, 'differences between the journal and the tables');
}

/* ---- commands and the journal ---- */

// What a command did, by what it is known. undefined: it is judged elsewhere.
const KEYS = {
    join: ({ room, name }) => `join ${room} ${name}`,
    rename: ({ room, id, name }) => `rename ${room} ${id} ${name}`,
    message: ({ room, from, to, text: said }) => `message ${room} ${from} ${to} ${said}`,
    leave: ({ room, id }) => `leave ${room} ${id}`,
    back: ({ room, id }) => `back ${room} ${id}`,
    invite: ({ room, label, role, max_uses: max }) => `invite ${room} ${label} ${role} ${max ?? null}`,
    relabel: ({ room, id, label }) => `relabel ${room} ${id} ${label}`,
    revoke: ({ room, id }) => `revoke ${room} ${id}`,
};

// The command that this event tells of, likewise. lasts: invitations as they were told of last, by their ids.
function keyOf(room, event, was, lasts) {
    const { type, participant: who, message, invitation, reason } = event;
    const last = lasts.get(invitation?.id);
    switch (type) {
        case 'participant.waiting': return KEYS.join({ room, name: who.name });
        case 'participant.joined': return lasts.has(who.id) ? KEYS.back({ room, id: who.id }) : KEYS.join({ room, name: who.name });
        case 'participant.updated':
            if (was.name !== who.name) return KEYS.rename({ room, ...who });
            return was.muted.length !== who.muted.length ? `sound ${room} ${who.id}` : `nothing ${room} ${event.seq}`;
        case 'participant.muted': return `sound ${room} ${who.id}`;
        case 'hand.raised': case 'hand.lowered': return `hand ${room} ${who.id}`;
        case 'participant.left': return reason === 'left' ? KEYS.leave({ room, id: who.id }) : `${reason} ${room} ${who.id}`;
        case 'participant.admitted': return `admit ${room} ${who.id}`;
        case 'participant.denied': return reason === undefined ? `deny ${room} ${who.id}` : `${reason} ${room} ${who.id}`;
        case 'participant.banned': return `banned ${room} ${who.id}`;
        case 'message.created': return KEYS.message({ room, ...message });
        case 'invitation.created': return KEYS.invite({ room, ...invitation });
        case 'invitation.revoked': return KEYS.revoke({ room, id: invitation.id });
        case 'invitation.updated':
            return last.label !== invitation.label ? KEYS.relabel({ room, ...invitation }) : `use ${room} ${invitation.id}`;
        default: return `${type} ${room}`;
    }
}

// Key -> the events, of all rooms.
function factsOf(journal) {
    const facts = new Map();
    for (const [room, events] of journal) {
        const lasts = new Map(); // of people and invitations
        eachChange(events, (event, was) => {
            const key = keyOf(room, event, was, lasts);
            if (!facts.has(key)) facts.set(key, []);
            facts.get(key).push(event);
            const { participant, invitation } = event;
            for (const one of [participant, invitation]) if (one !== undefined) lasts.set(one.id, one);
        });
    }
    return facts;
}

function groupBy(items, keyOfItem, groups = new Map()) {
    for (const item of items) {
        const key = keyOfItem(item);
        if (groups.has(key)) groups.get(key).push(item);
        else groups.set(key, [item]);
    }
    return groups;
}
const isDone = ({ outcome }) => outcome === 'done';
const mayBeDone = ({ outcome }) => outcome === 'done' || outcome === 'unknown';

const toldOf = (commands, events) => JSON.stringify({ commands: commands.map(({ outcome, status, code, tries }) => ({ outcome, status, code, tries })),
    events: events.map(({ seq, timeMs }) => `${seq} at ${timeMs}`) });

// Whose answer was lost, and who is out since, is told that when he asks again.
const wasMade = ({ kind, code }) => kind === 'join' && ['removed', 'denied'].includes(code);

// As often as it was acknowledged, and no more often than it may have been done.
function countFaults(records, facts) {
    const faults = [];
    for (const [key, commands] of groupBy(records.filter(({ kind }) => kind in KEYS), (record) => KEYS[record.kind](record))) {
        const found = facts.get(key) ?? [];
        const least = commands.filter(isDone).length + commands.filter(wasMade).length;
        const most = least + commands.filter((record) => record.outcome === 'unknown' || (record.isDoubtful && !wasMade(record))).length;
        if (found.length < least || found.length > most) faults.push(`${key} is there ${found.length} times, and not ${least} to ${most}: ${toldOf(commands, found)}`);
    }
    const joins = records.filter(({ kind, id }) => kind === 'join' && id !== undefined);
    const others = joins.filter((record) => facts.get(KEYS.join(record))?.[0].participant.id !== record.id);
    return [...faults, ...others.map(({ room, name, id }) => `${room} ${name} is not ${id}`)];
}

// Hands go up and down, and who is mute is heard again: an event may belong to any of its commands. One after a command of unknown
// outcome may have found all as it was to be.
function toggleFaults(records, facts) {
    const faults = [];
    const toggles = records.filter(({ kind }) => kind === 'hand' || kind === 'sound');
    for (const [key, commands] of groupBy(toggles, ({ kind, room, id }) => `${kind} ${room} ${id}`)) {
        const found = facts.get(key)?.length ?? 0;
        const least = commands.filter((record, i) => isDone(record) && commands[i - 1]?.outcome !== 'unknown').length;
        if (found < least || found > commands.length) faults.push(`${key}: ${found} events for ${least} to ${commands.length} commands`);
    }
    return faults;
}

// Who waited was let in or not, once, by somebody who said so; nobody slipped in.
function lobbyFaults(records, facts) {
    const faults = [];
    const waited = new Map([...facts.values()].flat().filter(({ type }) => type === 'participant.waiting')
        .map(({ participant: { id } }) => [id, { admit: 0, deny: 0, other: 0 }]));
    for (const [key, events] of facts) {
        const [what, , id] = key.split(' ');
        if (waited.has(id) && (what in waited.get(id))) waited.get(id)[what] += events.length;
        if (waited.has(id) && ['leave', 'banned'].includes(what)) waited.get(id).other += events.length;
    }
    const decisions = records.filter(({ kind }) => kind === 'admit' || kind === 'deny');
    const of = groupBy(decisions.flatMap((record) => record.ids.map((id) => ({ ...record, id }))), ({ kind, id }) => `${kind} ${id}`);
    for (const [id, fate] of waited) {
        if (fate.admit + fate.deny > 1) faults.push(`${id} was admitted ${fate.admit} times and denied ${fate.deny} times`);
        for (const kind of ['admit', 'deny']) {
            const asked = of.get(`${kind} ${id}`) ?? [];
            if (fate[kind] > 0 && !asked.some(mayBeDone)) faults.push(`nobody has said ${kind} of ${id}`);
            if (fate[kind] === 0 && asked.some((record) => isDone(record) && !record.all)) faults.push(`${kind} of ${id} was not done`);
            const other = { admit: 'deny', deny: 'admit' }[kind];
            if (fate[other] === 0 && asked.some(({ code }) => code === 'conflict')) faults.push(`${kind} of ${id} was refused, and nobody had said ${other}`);
            const isWaiting = fate.admit + fate.deny + fate.other === 0;
            if (isWaiting && asked.some((record) => isDone(record) || record.outcome === 'refused')) faults.push(`${id} waits, and ${kind} was answered`);
        }
    }
    return faults;
}

/// What was acknowledged is in the journal once; what came to nothing known is there once at most; nothing else is there.
export function commandsAreThere(records, journal) {
    const failed = records.filter(({ outcome }) => outcome === 'failed');
    assertNone(failed.map(({ kind, of, status, why, id }) => `${kind} ${of ?? ''} ${id ?? ''}: ${status} ${why}`), 'commands that failed');
    const facts = factsOf(journal);
    const faults = [...countFaults(records, facts), ...toggleFaults(records, facts), ...lobbyFaults(records, facts)];
    const asked = new Set(records.flatMap((record) => (record.kind in KEYS ? KEYS[record.kind](record)
        : (record.ids ?? [record.id]).map((id) => `${record.kind} ${record.room} ${id}`))));
    const besides = ['banned', 'use', 'room.updated']; // see bansHold, usesAreCounted; of a room: when it gets its lobby
    for (const key of facts.keys()) if (!asked.has(key) && !besides.includes(key.split(' ')[0])) faults.push(`${key} was not asked for`);
    assertNone(faults, 'commands that are not in the journal as they were answered');
}

/* ---- invitations ---- */

/// Each who came by an invitation was counted once, and no more came than may.
export async function usesAreCounted(stack, records, journal) {
    const faults = [];
    const byName = new Map(records.filter(({ kind }) => kind === 'join').map((record) => [`${record.room} ${record.name}`, record]));
    const uses = new Map(); // invitation -> how many
    for (const [room, events] of journal) {
        const lasts = new Map();
        const seen = new Set();
        let due; // the invitation by which somebody has come right before
        events.forEach((event, i) => {
            const { participant: who, invitation } = event;
            if (invitation !== undefined) {
                const grown = invitation.uses - (lasts.get(invitation.id) ?? 0);
                if (grown !== Number(due === invitation.id)) faults.push(`invitation ${invitation.id} of room ${room} grows by ${grown} at ${event.seq}`);
                lasts.set(invitation.id, invitation.uses);
            } else if (due !== undefined) {
                faults.push(`who came in room ${room} at ${events[i - 1].seq} is not counted`);
            }
            const isNew = who !== undefined && !seen.has(who.id);
            due = isNew ? byName.get(`${room} ${who.name}`)?.invitation : undefined;
            seen.add(who?.id);
            if (due !== undefined) uses.set(due, (uses.get(due) ?? 0) + 1);
        });
    }
    const rows = await stack.sql('SELECT i.invitation_id, i.uses, i.max_uses, (SELECT COUNT(*) FROM participants p WHERE p.invitation_id = i.invitation_id) FROM invitations i');
    for (const [id, counted, max, people] of rows) {
        const came = uses.get(id) ?? 0;
        if (Number(counted) !== came || Number(people) !== came) faults.push(`${came} have come by ${id}, the table has ${people} and counts ${counted}`);
        if (Number(max) > 0 && came > Number(max)) faults.push(`${came} have come by ${id}, which is for ${max}`);
        const isRefused = records.some(({ invitation, code }) => invitation === id && code === 'invitation_used_up');
        if (isRefused && counted !== max) faults.push(`${id} is used up after ${counted} of ${max}`);
    }
    const revoked = new Set(records.filter((record) => record.kind === 'revoke' && mayBeDone(record)).map(({ id }) => id));
    for (const { invitation, code } of records) {
        if (code === 'invitation_revoked' && !revoked.has(invitation)) faults.push(`nobody has revoked ${invitation}`);
    }
    assertNone(faults, 'faults of uses');
}

/* ---- bans ---- */

const WAYS = ['device', 'user', 'invitation'];
const matches = (ban, one) => WAYS.filter((way) => ban[way] !== undefined && ban[way] === one[way]);

// created: by the database's clock, by which events have their times, too. people: who has ever been in the room: { id, device,
// user, invitation, role }.
function banFaults(ban, created, people, events) {
    const faults = [];
    const before = fold(events.filter(({ timeMs }) => timeMs < created));
    const after = fold(events.filter(({ timeMs }) => timeMs <= created));
    const later = events.filter(({ type, timeMs }) => timeMs > created && COMES.includes(type));
    for (const one of people) {
        const ways = matches(ban, one);
        const isEnded = one.id === ban.id || (ways.some((way) => way !== 'invitation') && ROLES.indexOf(one.role) < ROLES.indexOf(ban.by));
        if (isEnded && after.has(one.id)) faults.push(`${one.id} is in after ${ban.note} of ${ban.id}`);
        const out = events.find((event) => event.timeMs === created && OUT.includes(event.type) && event.participant.id === one.id);
        if (isEnded && before.has(one.id) && out === undefined) faults.push(`${one.id} is not ended by ${ban.note}`);
        const returns = later.filter(({ participant }) => participant.id === one.id);
        const isNew = !events.some(({ participant, timeMs }) => participant?.id === one.id && timeMs <= created);
        if (returns.length > 0 && (isEnded || (ways.length > 0 && isNew))) faults.push(`${one.id} has come at ${returns[0].seq}, after ${ban.note}`);
    }
    return faults;
}

/// A ban is there once, has ended all who match at its own time, and nobody who matches has come after it; nobody was banned or
/// refused for a ban that is not there.
export async function bansHold(stack, records, journal) {
    const faults = [];
    const rows = new Map((await stack.sql('SELECT note, ban_id, room_id, created_unix_ms FROM bans')).map(([note, ...row]) => [note, row]));
    const bans = records.filter(({ kind }) => kind === 'ban');
    const joins = records.filter(({ kind }) => kind === 'join');
    const total = Number((await stack.sql('SELECT COUNT(*) FROM bans'))[0][0]);
    if (total !== rows.size || total !== bans.length) faults.push(`${bans.length} bans were made, and ${total} are there`);
    for (const [room, events] of journal) {
        const roles = new Map(events.filter(({ participant }) => participant !== undefined).map(({ participant }) => [participant.id, participant.role]));
        const firsts = new Map(events.filter(({ type }) => COMES.includes(type)).reverse().map(({ participant }) => [participant.name, participant.id]));
        const people = joins.filter((record) => record.room === room && firsts.has(record.name))
            .map((record) => ({ ...record, id: firsts.get(record.name), role: roles.get(firsts.get(record.name)) }));
        const here = bans.filter((ban) => ban.room === room);
        for (const ban of here) {
            const [id, where, created] = rows.get(ban.note) ?? [];
            if (id !== ban.ban || where !== room) faults.push(`${ban.note} is ${id} in ${where}, and was to be ${ban.ban} in ${room}`);
            else faults.push(...banFaults(ban, Number(created), people, events));
        }
        for (const { reason, participant, seq } of events.filter((event) => event.reason === 'banned')) {
            const one = people.find(({ id }) => id === participant.id);
            if (!here.some((ban) => ban.id === one?.id || matches(ban, one).length > 0)) faults.push(`${participant.id} is ${reason} at ${seq}, by nobody`);
        }
        for (const one of joins.filter((record) => record.room === room && record.code === 'banned')) {
            if (!here.some((ban) => matches(ban, one).length > 0)) faults.push(`${one.name} was refused for no ban`);
        }
    }
    assertNone(faults, 'bans that do not hold');
}

/// That nothing of it was left out: how many events there are of each kind, and for whom.
export function kindsOf(journal) {
    const all = [...journal.values()].flat();
    const kinds = groupBy(all, ({ type, audience }) => `${type} ${audience}`);
    return new Map([...kinds].map(([kind, events]) => [kind, events.length]).sort());
}
