#!/usr/bin/env -S node --test-reporter=tap
// Rooms with people in them, their commands, and streams of their events at two gateways, while every process is killed and
// paused in turn, commits are held up, and what roomsvc publishes is lost, doubled and swapped on its way to one of the
// gateways. Whatever was acknowledged is in the journal once, and every stream has all of it once and in order.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRelay } from '../support/bus-peer.mjs';
import { blockCommits } from '../support/commit-block.mjs';
import { startOwnGateway } from '../support/own-gateway.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually, sleep } from '../support/wait.mjs';
import { Chaos } from './chaos.mjs';
import { Commands, join } from './room-commands.mjs';
import { readJournal } from './room-journal.mjs';
import { RoomStream } from './room-streams.mjs';
import { commandsAreThere, journalIsWhole, streamsAreWhole } from './room-verdict.mjs';

const LONG = Number(process.env.LYNKS_CHAOS_SECONDS ?? 20) > 60;
const LOAD_MS = LONG ? 300000 : 30000;
const ROOMS = 50;
const SEATS = 5; // of a room, each with two streams
const STREAMS = 2;
const RATE = 200; // commands a second
const SPOILT_PERCENT = 5;
const PAUSE_MS = 1500;
const BETWEEN_MS = 900;
const CAUGHT_UP_MS = 5000; // times the patience of tests: a gateway looks at all its rooms within 30 s
const MANY = '1000000';

let stack;
let chaos;
let gateway; // the one that hears the relays
let relays;
const seats = [];
const codes = [];
const streams = [];
const records = []; // of all commands
let sent = 0; // of them

const replicasAt = (number) => [0, 20].map((more) => `127.0.0.1:${stack.base + number + more}`).join();

// As many as at first, besides those that there are.
async function openStreams() {
    for (const seat of seats) for (let i = 0; i < STREAMS; i += 1) streams.push(new RoomStream(seat, [stack.ports.http, gateway.port]));
    for (const stream of streams) stream.reading ?? stream.begin();
    await eventually(() => streams.every(({ blocks }) => blocks.length > 0), { within: 5000, what: 'all streams have begun' });
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
        LYNKS_STREAMS_PER_PARTICIPANT_MAX: '10',
        LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX: '0',
    });
}

before(async () => {
    stack = await startStack({
        LYNKS_REPLICAS: '2',
        LYNKS_CREATE_BURST: MANY,
        LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX: '0',
        LYNKS_STREAMS_PER_PARTICIPANT_MAX: '10',
    });
    chaos = new Chaos(stack, { end() {} });
    relays = await startRelays();
    gateway = await startSpoiltGateway();
    const ports = [stack.ports.http, gateway.port];
    const token = await stack.token();
    for (let i = 0; i < ROOMS; i += 1) {
        const made = await stack.request('/v1/rooms', { token, body: { name: `room ${i}`, guests_wait: false } });
        assert.equal(made.status, 201, made.text);
        const { id, code } = made.json;
        codes.push({ room: id, code });
        seats.push(...await Promise.all(Array.from({ length: SEATS }, async (_, n) => ({
            ...await join(stack, ports, { room: code, name: `seat ${n}`, address: `127.1.${i}.${1 + n}` }), room: id }))));
    }
    await openStreams();
});
after(async () => {
    await Promise.all(streams.map((stream) => stream.end()));
    await gateway?.end();
    await Promise.all((relays ?? []).map((relay) => relay.end()));
    await chaos?.end();
});

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

async function headsAreRead() {
    const heads = new Map((await stack.sql('SELECT room_id, seq FROM rooms WHERE code IS NOT NULL')).map(([id, seq]) => [id, Number(seq)]));
    const behind = streams.filter(({ seq, seat, faults }) => faults.length === 0 && seq < heads.get(seat.room));
    if (behind.length > 0) throw new Error(`${behind.length} streams are behind; one at ${behind[0].id} of ${heads.get(behind[0].seat.room)}`);
    return true;
}

// Commands while something is done; then every stream has read to the end, and what they have is judged.
async function underCommands(t, faults) {
    chaos.done = [];
    const load = new Commands(stack, { ports: [stack.ports.http, gateway.port], seats, codes, rate: RATE, first: sent });
    const connected = () => streams.reduce((sum, { connects }) => sum + connects, 0);
    const before = connected();
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
    await eventually(headsAreRead, { within: CAUGHT_UP_MS, what: 'all streams have read to the end' });
    const caughtUp = performance.now() - stopped;
    for (const { at, text } of chaos.done) t.diagnostic(`${((at - load.began) / 1000).toFixed(1)} s: ${text}`);
    const of = (outcome) => own.filter((record) => record.outcome === outcome).length;
    t.diagnostic(`${own.length} commands: ${of('done')} acknowledged, ${of('unknown')} of unknown outcome, ${load.skipped} not sent; ${streams.length
    } streams connected ${connected() - before} times, and had all ${caughtUp.toFixed(0)} ms after the last command`);
    assert.ok(of('done') > own.length / 2, 'most commands were acknowledged');
    const journal = await readJournal(stack);
    await journalIsWhole(stack, journal);
    commandsAreThere(records, seats, journal);
    const read = streamsAreWhole(streams, journal);
    t.diagnostic(`${read} events read, of ${[...journal.values()].reduce((sum, { length }) => sum + length, 0)} in the journal`);
}

test('what is acknowledged is in the journal once, and every stream reads it once and in order', async (t) => {
    await underCommands(t, async () => {
        const end = performance.now() + LOAD_MS;
        await doAll(end);
        await sleep(end - performance.now());
    });
    const spoilt = await Promise.all(relays.map((relay) => relay.end()));
    t.diagnostic(`of what was published ${JSON.stringify(spoilt)}`);
    assert.ok(spoilt.every(({ lost, doubled, swapped }) => lost > 0 && doubled > 0 && swapped > 0));
    relays = await startRelays();
});

const isReady = async () => (await stack.ops('gateway', '/readyz')).status === 200;

// Of a gateway, since it was started.
async function questionsOf(port) {
    const { text } = await stack.request('/metrics', { method: 'GET', port, agent: undefined });
    return [...text.matchAll(/^lynks_room_follow_questions_total\{[^}]*\} (\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

test('both gateways are started again one after the other: a thousand streams move, and each room is asked for a few times', async (t) => {
    await openStreams();
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
    const ended = streams.filter(({ blocks }) => blocks.some(({ event, data }) => event === 'end' && JSON.parse(data).reason === 'draining'));
    assert.ok(ended.length > streams.length / 2, `${ended.length} were told to come again`);
    const waits = new Set(streams.map(({ retry }) => retry));
    assert.ok(waits.size > 50, `they were told ${waits.size} different times to wait`);
});
