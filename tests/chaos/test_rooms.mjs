#!/usr/bin/env -S node --test-reporter=tap
// Rooms with people in them, lobbies before them, invitations, bans and a chat, their commands, and streams of their events at two
// gateways, while every process is killed and paused in turn, commits are held up, and what roomsvc publishes is lost, doubled and
// swapped on its way to one of the gateways. Whatever was acknowledged is in the journal once, and every stream has all that is
// for its participant, once and in order, and nothing else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRelay } from '../support/bus-peer.mjs';
import { blockCommits } from '../support/commit-block.mjs';
import { startOwnGateway } from '../support/own-gateway.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually, sleep } from '../support/wait.mjs';
import { Chaos } from './chaos.mjs';
import { hearingsOf } from './room-audience.mjs';
import { Commands } from './room-commands.mjs';
import { readJournal } from './room-journal.mjs';
import { bansHold, commandsAreThere, journalIsWhole, kindsOf, usesAreCounted } from './room-verdict.mjs';
import { allIsAsTold, isThrough, streamsAreWhole } from './stream-verdict.mjs';

const LONG = Number(process.env.LYNKS_CHAOS_SECONDS ?? 20) > 60;
const LOAD_MS = LONG ? 300000 : 30000;
const ROOMS = 50;
const SEATS = 5; // of a room, who stay: its owner, a moderator and others, each with two streams
const STREAMS = 2;
const AT_A_TIME = 10; // rooms that are filled
const USERS = 4; // who come now and then, besides guests
const RATE = 200; // commands a second
const SPOILT_PERCENT = 5;
const PAUSE_MS = 1500;
const BETWEEN_MS = 900;
const CAUGHT_UP_MS = 5000; // times the patience of tests: a gateway looks at all its rooms within 30 s
const MANY = '1000000';
const LIMITS = {
    LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX: '0',
    LYNKS_STREAMS_PER_PARTICIPANT_MAX: '10',
    LYNKS_UNKNOWN_TOKEN_BURST: MANY,
    LYNKS_DRAIN_TIMEOUT_MS: '30000', // a busy machine answers late what is in hand
};
// Of everything there is something.
const KINDS = ['participant.joined all', 'participant.updated all', 'participant.left all', 'participant.left staff', 'hand.raised all',
    'hand.lowered all', 'participant.waiting staff', 'participant.admitted all', 'participant.denied staff', 'participant.banned all',
    'participant.muted all', 'message.created all', 'message.created named', 'invitation.created staff', 'invitation.updated staff',
    'invitation.revoked staff'];

let stack;
let chaos;
let gateway; // the one that hears the relays
let relays;
let users;
const places = []; // { room, code, seats, staff, strangers, invitations }
const records = []; // of all commands
let sent = 0; // of them

const replicasAt = (number) => [0, 20].map((more) => `127.0.0.1:${stack.base + number + more}`).join();
const people = () => places.flatMap(({ seats, strangers }) => [...seats, ...strangers]);
const streamsOf = (all) => all.flatMap(({ streams }) => streams);
const seatStreams = () => streamsOf(places.flatMap(({ seats }) => seats));

async function streamsHaveBegun() {
    await eventually(() => seatStreams().every(({ blocks }) => blocks.length > 0), { within: 5000, what: 'all streams have begun' });
}

async function startRelays() {
    return Promise.all([12, 32].map((from, i) => startRelay(stack,
        { service: 'roomsvc', from: stack.base + from, to: stack.base + 170 + i, percent: SPOILT_PERCENT })));
}

async function startSpoiltGateway() {
    return startOwnGateway(stack, 0, {
        LYNKS_AUTHSVC_ADDRESS: replicasAt(1),
        LYNKS_AUTHSVC_EVENTS: replicasAt(11),
        LYNKS_ROOMSVC_ADDRESS: replicasAt(2),
        LYNKS_ROOMSVC_EVENTS: [170, 171].map((port) => `127.0.0.1:${stack.base + port}`).join(),
        ...LIMITS,
    });
}

async function does(path, token, body, method = 'POST') {
    const { status, json, text } = await stack.request(path, { method, token, body });
    assert.ok(status < 300, `${path}: ${text}`);
    return json;
}

async function signIn(username, password) {
    const { token, user } = await does('/v1/sessions', undefined, { username, password });
    return { id: user.id, token };
}

// Those who stay are in before there is a lobby, which every other room has.
async function fill(commands, owner, i) {
    const { id: room, code } = await does('/v1/rooms', owner.token, { name: `room ${i}`, guests_wait: false });
    const place = { room, code, seats: [], staff: [], strangers: [], invitations: [] };
    const join = async (n, how = {}) => {
        const { outcome, why, id } = await commands.strangers.join(place, { name: `seat ${n}`, ...how });
        assert.equal(outcome, 'done', why);
        const seat = place.strangers.find((one) => one.id === id);
        seat.read(STREAMS - seat.streams.length, commands.ports);
        return seat;
    };
    place.staff.push(await join(0, { user: owner }));
    const { id, answer } = await commands.strangers.invite(place, { role: 'moderator', label: 'staff' });
    place.staff.push(await join(1, { invitation: { id, secret: answer.secret } }));
    place.seats = [...place.staff, ...await Promise.all(Array.from({ length: SEATS - 2 }, (_, n) => join(2 + n)))];
    Object.assign(place, { strangers: [], invitations: [] });
    if (i % 2 === 1) await does(`/v1/rooms/${room}`, owner.token, { lobby: true }, 'PATCH');
    places.push(place);
}

before(async () => {
    stack = await startStack({
        LYNKS_REPLICAS: '2',
        LYNKS_CREATE_BURST: MANY,
        LYNKS_USER_PARTICIPANTS_MAX: '64',
        LYNKS_AWAY_S: '300', // nobody leaves but by a command
        ...LIMITS,
    });
    chaos = new Chaos(stack, { end() {} });
    relays = await startRelays();
    gateway = await startSpoiltGateway();
    await stack.sql("UPDATE users SET role = 2 WHERE username = 'testuser'");
    const owner = await signIn('testuser', 'test123');
    users = await Promise.all(Array.from({ length: USERS }, async (_, n) => {
        await does('/v1/users', owner.token, { username: `user${n}`, password: 'open it now' });
        return signIn(`user${n}`, 'open it now');
    }));
    const commands = commandsOf();
    const left = Array.from({ length: ROOMS }, (_, i) => i);
    const fillAll = async () => { while (left.length > 0) await fill(commands, owner, left.pop()); };
    await Promise.all(Array.from({ length: AT_A_TIME }, fillAll));
    records.push(...await commands.stop());
    await streamsHaveBegun();
});
after(async () => {
    await Promise.all(streamsOf(people()).map((stream) => stream.end()));
    try {
        await gateway?.end();
        await Promise.all((relays ?? []).map((relay) => relay.end()));
    } finally {
        await chaos?.end();
    }
});

function commandsOf() {
    return new Commands(stack, { ports: [stack.ports.http, gateway.port], places, users, rate: RATE, first: sent });
}

// Done, and waiting for its commit: in the middle of a transaction, whichever command that is.
async function inTransaction(what) {
    // It may have been killed just before.
    const block = await eventually(() => blockCommits(stack), { within: 10000, what: 'the database has its commits held up' });
    try {
        await block.isWaiting();
        await what();
    } finally {
        await block.end();
    }
}

const FAULTS = [
    () => chaos.signal('roomsvc', 'SIGKILL'),
    () => chaos.pause('roomsvc-2', PAUSE_MS),
    () => chaos.signal('gateway', 'SIGKILL'),
    () => chaos.pause('gateway', PAUSE_MS),
    () => chaos.signal('authsvc', 'SIGKILL'),
    () => inTransaction(() => chaos.signal('roomsvc-2', 'SIGKILL')),
    () => chaos.pause('authsvc-2', PAUSE_MS),
    () => chaos.signal('mysql', 'SIGKILL'),
    () => inTransaction(() => chaos.pause('roomsvc', PAUSE_MS / 2)),
    () => chaos.pause('mysql', PAUSE_MS),
];

async function doAll(end) {
    for (let turn = 0; turn < FAULTS.length || performance.now() < end; turn += 1) {
        await FAULTS[turn % FAULTS.length]();
        await sleep(BETWEEN_MS);
    }
}

// The journal, and what each is to hear, when every stream has read to its end; it is read anew where the rooms have gone on.
async function whenAllIsRead() {
    let heads;
    let journal;
    let hearings;
    return eventually(async () => {
        const now = JSON.stringify(await stack.sql('SELECT room_id, seq FROM rooms WHERE code IS NOT NULL'));
        if (now !== heads) {
            journal = await readJournal(stack);
            hearings = new Map([...journal].map(([room, events]) => [room, hearingsOf(events)]));
            heads = now;
        }
        const unknown = people().filter(({ room, id }) => !hearings.get(room).has(id));
        if (unknown.length > 0) throw new Error(`${unknown[0].name} (${unknown[0].id}) in room ${unknown[0].room} is not in the journal`);
        const one = ({ person: { room, id } }) => hearings.get(room).get(id);
        const behind = streamsOf(people()).filter((stream) => !isThrough(stream, one(stream)));
        if (behind.length === 0) return { journal, hearings };
        const [first] = behind;
        const { isIn, heard } = one(first);
        throw new Error(`${behind.length} streams are not through; one of ${first.person.id} (${first.person.state}) in room ${first.person.room} at ${
            first.id} of ${heard.at(-1).seq}, where he is ${isIn ? 'in' : 'out'}`);
    }, { within: CAUGHT_UP_MS, what: 'all streams have read to the end' });
}

// Commands while something is done; then every stream has read to the end, and what they have is judged.
async function underCommands(t, faults) {
    chaos.done = [];
    const load = commandsOf();
    const connected = () => streamsOf(people()).reduce((sum, { connects }) => sum + connects, 0);
    const connectedBefore = connected();
    load.start();
    let own;
    try {
        await faults();
    } finally {
        own = await load.stop();
    }
    sent += load.sent;
    records.push(...own);
    const stopped = performance.now();
    const { journal, hearings } = await whenAllIsRead();
    const caughtUp = performance.now() - stopped;
    const streams = streamsOf(people());
    for (const { at, text } of chaos.done) t.diagnostic(`${((at - load.began) / 1000).toFixed(1)} s: ${text}`);
    const of = (outcome) => own.filter((record) => record.outcome === outcome).length;
    t.diagnostic(`${own.length} commands: ${of('done')} acknowledged, ${of('refused')} refused, ${of('unknown')} of unknown outcome, ${
        load.skipped} not sent; ${streams.length} streams connected ${connected() - connectedBefore} times, and had all ${
        caughtUp.toFixed(0)} ms after the last command`);
    assert.ok(of('done') > own.length / 2, 'most commands were acknowledged');
    await journalIsWhole(stack, journal);
    commandsAreThere(records, journal);
    await usesAreCounted(stack, records, journal);
    await bansHold(stack, records, journal);
    const read = streamsAreWhole(streams, journal, hearings);
    const kinds = kindsOf(journal);
    t.diagnostic(`${read} events read, of ${[...kinds.values()].reduce((sum, count) => sum + count)} in the journal: ${
        [...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
    for (const kind of KINDS) assert.ok(kinds.has(kind), `there is no ${kind}`);
    return { journal, hearings };
}

test('what is acknowledged is in the journal once, and every stream reads what is for it once and in order', async (t) => {
    const { journal, hearings } = await underCommands(t, async () => {
        const end = performance.now() + LOAD_MS;
        await doAll(end);
        await sleep(end - performance.now());
    });
    await allIsAsTold(stack, people(), journal, hearings, [stack.ports.http, gateway.port]);
    const spoilt = await Promise.all(relays.map((relay) => relay.end()));
    t.diagnostic(`of what was published ${JSON.stringify(spoilt)}`);
    assert.ok(spoilt.every(({ lost, doubled, swapped }) => lost > 0 && doubled > 0 && swapped > 0));
    relays = await startRelays();
});

const isReady = async () => (await stack.ops('gateway', '/readyz')).status === 200;

// Of a gateway, since it was started, about rooms; what those who are let in may is asked for of each.
async function questionsOf(port) {
    const { text } = await stack.request('/metrics', { method: 'GET', port, agent: undefined });
    return [...text.matchAll(/^lynks_room_follow_questions_total\{message="(\w+)"\} (\d+)/gm)]
        .reduce((sum, [, message, count]) => sum + (message === 'stream_open' ? 0 : Number(count)), 0);
}

test('both gateways are started again one after the other: a thousand streams move, and each room is asked for a few times', async (t) => {
    for (const { seats } of places) for (const seat of seats) seat.read(STREAMS, [stack.ports.http, gateway.port]);
    await streamsHaveBegun();
    await underCommands(t, async () => {
        for (let turn = 0; turn < 2; turn += 1) {
            const old = await stack.pid('gateway');
            await chaos.signal('gateway', 'SIGTERM');
            await eventually(async () => (await stack.pid('gateway')) !== old && isReady(), { within: 10000, what: 'the gateway is back' });
            await gateway.end();
            gateway = await startSpoiltGateway();
            chaos.note('the other gateway was started again');
        }
        const asked = await questionsOf(stack.base + 100);
        t.diagnostic(`${asked} questions about ${ROOMS} rooms by a gateway that hears all`);
        assert.ok(asked >= ROOMS && asked <= 6 * ROOMS, `${asked} questions`);
    });
    const streams = seatStreams();
    const ended = streams.filter(({ blocks }) => blocks.some(({ event, data }) => event === 'end' && JSON.parse(data).reason === 'draining'));
    assert.ok(ended.length > streams.length / 2, `${ended.length} were told to come again`);
    const waits = new Set(streams.map(({ retry }) => retry));
    assert.ok(waits.size > 50, `they were told ${waits.size} different times to wait`);
});
