#!/usr/bin/env -S node --test-reporter=tap
// GET /v1/rooms/{room}/events on two gateways and two roomsvc, one gateway of which hears what is published through a relay that
// loses, doubles and swaps: all hear the same in the same order, once, whatever cuts them off.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { startRelay } from '../../support/bus-peer.mjs';
import { openEvents } from '../../support/event-stream.mjs';
import { startOwnGateway } from '../../support/own-gateway.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const PASSWORD = 'open it now';

let stack;
let relays; // one for each roomsvc
let second; // the gateway that hears through them
const people = {}; // name -> {id, token}

before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_LOGIN_ADDRESS_BURST: '1000', LYNKS_CREATE_BURST: '10000', LYNKS_MEMBER_BURST: '10000',
        LYNKS_USER_ROOMS_MAX: '10000', LYNKS_ADDRESS_PARTICIPANTS_MAX: '100000', LYNKS_JOIN_BURST: '100000', LYNKS_ROOM_CODE_BURST: '10000',
        LYNKS_STREAMS_PER_ADDRESS_MAX: '100000' });
    relays = await Promise.all([12, 32].map((offset, i) => startRelay(stack,
        { service: 'roomsvc', from: stack.base + offset, to: stack.base + 150 + i, percent: 20 })));
    second = await startSecond(0);
    await stack.sql("UPDATE users SET role = 2 WHERE username = 'testuser'");
    const admin = await signIn('testuser', 'test123');
    for (const name of ['carol', 'dave']) {
        const added = await ask('POST', '/v1/users', admin.token, { username: name, password: PASSWORD, display_name: `${name}!` });
        assert.equal(added.status, 201, added.text);
        people[name] = await signIn(name);
    }
});
after(async () => {
    await second?.end();
    await Promise.all((relays ?? []).map((relay) => relay.end()));
    await stack?.remove();
});

const startSecond = (number, env = {}) => startOwnGateway(stack, number, {
    LYNKS_AUTHSVC_ADDRESS: [1, 21].map((offset) => `127.0.0.1:${stack.base + offset}`).join(),
    LYNKS_AUTHSVC_EVENTS: [11, 31].map((offset) => `127.0.0.1:${stack.base + offset}`).join(),
    LYNKS_ROOMSVC_ADDRESS: [2, 22].map((offset) => `127.0.0.1:${stack.base + offset}`).join(),
    LYNKS_ROOMSVC_EVENTS: [150, 151].map((offset) => `127.0.0.1:${stack.base + offset}`).join(),
    LYNKS_PUBLIC_URL: `http://127.0.0.1:${stack.ports.http}`,
    LYNKS_JOIN_BURST: '100000',
    LYNKS_STREAMS_PER_ADDRESS_MAX: '100000',
    ...env,
});

const ask = (method, path, token, body, headers = {}) => stack.request(path, { method, token, body, headers });
async function does(status, ...asked) {
    const answer = await ask(...asked);
    assert.equal(answer.status, status, answer.text);
    return answer;
}

async function signIn(username, password = PASSWORD) {
    const answer = await stack.request('/v1/sessions', { body: { username, password } });
    assert.equal(answer.status, 201, answer.text);
    return { id: answer.json.user.id, token: answer.json.token };
}

const makeRoom = async (options = {}) =>
    (await does(201, 'POST', '/v1/rooms', people.carol.token, { name: 'Tea', guests_wait: false, ...options })).json;
const doorOf = (room) => `/v1/rooms/${room.code}/participants`;
const streamOf = (room) => `/v1/rooms/${room.id}/events`;
async function enter(room, token, name) {
    const { participant, token: own } = (await does(201, 'POST', doorOf(room), token, name === undefined ? {} : { name })).json;
    return { ...participant, token: own, path: `${doorOf(room)}/${participant.id}` };
}
const carolIn = (room) => enter(room, people.carol.token);
const guestIn = (room, name = 'Gus') => enter(room, undefined, name);

const openRoom = (room, { token }, { port = stack.ports.http, last, ...options } = {}) =>
    openEvents(port, { path: streamOf(room), token, headers: last === undefined ? {} : { 'last-event-id': last }, ...options });
const poll = (room, { token }, query, port = stack.ports.http) =>
    stack.request(`${streamOf(room)}?${query}`, { method: 'GET', token, port, headers: { accept: 'application/json' } });

const told = (stream) => stream.events.map(({ id, event, data }) => ({ id, event, data }));
const seqOf = (id) => Number(/^g\d+\.(\d+)$/.exec(id)[1]);
const headOf = async (room) => Number((await stack.sql(`SELECT seq FROM rooms WHERE room_id = ${room.id}`))[0][0]);
const hasHead = (stream, head) => eventually(() => stream.events.some(({ id }) => id !== undefined && seqOf(id) === head),
    { within: 10000, what: `event ${head} of ${stream.events.length}` });

// A number of hands that go up and down, as fast as they can.
async function waveHands(participant, count) {
    for (let i = 0; i < count; i += 1) {
        await does(200, 'PATCH', participant.path, participant.token, { hand: i % 2 === 0 });
    }
}

// Each event once, and without a gap from one to the next.
function assertWhole(stream, after, head) {
    const seqs = stream.events.map(({ id }) => seqOf(id));
    assert.deepEqual(seqs, Array.from({ length: head - after }, (_, i) => after + 1 + i));
}

const gauge = async (port, line) => {
    const { text } = await stack.request('/metrics', { method: 'GET', port, agent: undefined });
    return text.split('\n').filter((one) => one.startsWith(line)).reduce((sum, one) => sum + Number(one.split(' ').at(-1)), 0);
};

// Of the journal and of rooms, by the gateway that hears all: what it has heard it asks nobody for.
const questionsOfFirst = async () => await gauge(stack.base + 100, 'lynks_room_follow_questions_total{message="journal_read"}')
    + await gauge(stack.base + 100, 'lynks_room_follow_questions_total{message="room_state"}');

const isPolling = (ops) => eventually(async () => await gauge(ops, 'lynks_gateway_waiting_room_polls') === 1, { what: 'a poll that waits' });

const memoryOf = async (service) =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${await stack.pid(service)}/status`, 'utf8'))[1]);

test('two hear the same in the same order, on both gateways, whatever becomes of what is published', async () => {
    const room = await makeRoom();
    const carol = await carolIn(room);
    const gus = await guestIn(room);
    const streams = await Promise.all([
        openRoom(room, carol), openRoom(room, gus), openRoom(room, carol, { port: second.port }), openRoom(room, gus, { port: second.port })]);
    const firsts = await Promise.all(streams.map((stream) => stream.event('snapshot')));
    for (const { data } of firsts) {
        assert.equal(data.room.id, room.id);
        assert.deepEqual(data.participants.map(({ id }) => id).sort(), [carol.id, gus.id].sort());
    }
    assert.ok(firsts[0].data.me.can.includes('end_meeting'));
    assert.ok(!firsts[1].data.me.can.includes('end_meeting'));
    const from = seqOf(firsts[0].id);
    await Promise.all([waveHands(carol, 60), waveHands(gus, 60)]);
    await does(200, 'PATCH', gus.path, gus.token, { name: 'Gustav' });
    await does(200, 'PATCH', `/v1/rooms/${room.id}`, people.carol.token, { locked: true });
    const head = await headOf(room);
    assert.equal(head, from + 122);
    await Promise.all(streams.map((stream) => hasHead(stream, head)));
    for (const stream of streams) stream.events.shift();
    for (const stream of streams) {
        assert.deepEqual(told(stream), told(streams[0]));
        assert.equal(stream.garbage, undefined);
        assertWhole(stream, from, head);
    }
    assert.ok(await gauge(second.opsPort, 'lynks_room_follow_gaps_total') > 0);
    assert.ok(await gauge(second.opsPort, 'lynks_room_follow_rounds_total{why="gap"}') > 0);
    assert.ok(await gauge(second.opsPort, 'lynks_room_follow_lag_seconds_count') > 0);
    await eventually(async () => await gauge(second.opsPort, 'lynks_room_follow_behind_rooms') === 0, { what: 'no room is behind' });
    assert.equal(await gauge(second.opsPort, 'lynks_gateway_room_streams{state="live"}'), 2);
    assert.equal(await gauge(second.opsPort, 'lynks_room_follow_resets_total'), 0);
    const last = streams[0].events.slice(-2);
    assert.deepEqual(last.map(({ event }) => event), ['participant.updated', 'room.updated']);
    assert.equal(last[0].data.type, 'participant.updated');
    assert.equal(last[0].data.room, room.id);
    assert.equal(last[0].data.data.participant.name, 'Gustav');
    assert.equal(last[1].data.data.room.locked, true);
    await Promise.all(streams.map((stream) => stream.end()));
});

test('who is cut off goes on where he was, on the other gateway', async () => {
    const room = await makeRoom();
    const carol = await carolIn(room);
    const gus = await guestIn(room);
    const first = await openRoom(room, carol);
    const { id: begin } = await first.event('snapshot');
    await first.end();
    let last = begin;
    const seen = [];
    let isOver = false;
    let turn = 0;
    const readOnce = async () => { // now here, now there
        const stream = await openRoom(room, carol, { last, port: (turn += 1) % 2 === 0 ? second.port : stack.ports.http });
        assert.equal(stream.status, 200, stream.text);
        await eventually(() => stream.events.length > 0 || isOver, { within: 10000, what: 'something' });
        await stream.end();
        seen.push(...stream.events);
        last = seen.at(-1)?.id ?? last;
    };
    const reader = (async () => {
        while (!isOver) await readOnce();
    })();
    await waveHands(gus, 200).finally(() => { isOver = true; });
    await reader;
    const head = await headOf(room);
    await eventually(async () => {
        await readOnce();
        return seqOf(last) >= head;
    }, { within: 10000, what: `event ${head}` });
    assertWhole({ events: seen }, seqOf(begin), head);
});

test('what cannot be gone on from is answered with a reset', async () => {
    const room = await makeRoom();
    const carol = await carolIn(room);
    await waveHands(carol, 4);
    const head = await headOf(room);
    const [[generation]] = await stack.sql('SELECT generation FROM journal_generation');
    const before = `g${generation}.0`; // she came in
    for (const last of [`g${generation}.${head + 1}`, `g${Number(generation) + 1}.1`, before, 'garbage', `g${generation}.`, '7']) {
        for (const port of [stack.ports.http, second.port]) {
            const stream = await openRoom(room, carol, { last, port });
            const snapshot = await stream.event('snapshot');
            assert.deepEqual(stream.events.map(({ event }) => event), ['reset', 'snapshot'], last);
            assert.equal(stream.events[0].id, undefined);
            assert.equal(snapshot.id, `g${generation}.${head}`);
            await stream.end();
        }
    }
    const whole = await openRoom(room, carol, { last: `g${generation}.1` });
    await hasHead(whole, head);
    assertWhole(whole, 1, head);
    await whole.end();
});

test('what is older than what the gateway keeps comes from the journal; what that does not keep, resets', async () => {
    const room = await makeRoom();
    const carol = await carolIn(room);
    const live = await openRoom(room, carol);
    const { id } = await live.event('snapshot');
    await waveHands(carol, 200);
    const head = await headOf(room);
    const fresh = await startSecond(1, { LYNKS_ROOM_TAILS_MAX_BYTES: '65536' }); // some 100 events
    try {
        const stream = await openRoom(room, carol, { last: id, port: fresh.port });
        await hasHead(stream, head);
        assertWhole(stream, seqOf(id), head);
        assert.ok(await gauge(fresh.opsPort, 'lynks_room_follow_questions_total{message="journal_read"}') >= 4);
        await stack.sql(`DELETE FROM room_events WHERE room_id = ${room.id} AND seq <= ${seqOf(id) + 1}`);
        const late = await openRoom(room, carol, { last: id, port: fresh.port });
        await late.event('snapshot');
        assert.deepEqual(late.events.map(({ event }) => event), ['reset', 'snapshot']);
        await Promise.all([stream.end(), late.end()]);
    } finally {
        await fresh.end();
    }
    await live.end();
});

test('a long poll has the same events with the same ids', async () => {
    const room = await makeRoom();
    const carol = await carolIn(room);
    const gus = await guestIn(room);
    const stream = await openRoom(room, gus);
    await stream.event('snapshot');
    const polled = [];
    let after;
    const take = async (query) => {
        const answer = await poll(room, gus, query, after === undefined ? undefined : second.port);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.headers['cache-control'], 'no-store');
        polled.push(...answer.json.events);
        after = answer.json.next;
        return answer.json.events.length;
    };
    assert.equal(await take(''), 1);
    assert.equal(await take(`after=${after}&wait_s=0`), 0);
    const waiting = take(`after=${after}&wait_s=20`);
    await waveHands(carol, 30);
    await waiting;
    const head = await headOf(room);
    await eventually(async () => {
        if (seqOf(after) < head) await take(`after=${after}&wait_s=1`);
        return seqOf(after) === head;
    }, { within: 10000, what: `event ${head}` });
    await hasHead(stream, head);
    assert.deepEqual(polled, JSON.parse(JSON.stringify(told(stream))));
    const bad = await poll(room, gus, 'wait_s=26');
    assert.equal(bad.status, 400, bad.text);
    const reset = await poll(room, gus, 'after=x');
    assert.deepEqual(reset.json.events.map(({ event }) => event), ['reset', 'snapshot']);
    await stream.end();
});

test('the last event says why, soon', async (t) => {
    const WAYS = {
        left: { event: 'participant.left', end: (_, gus) => does(204, 'DELETE', gus.path, gus.token) },
        removed: { event: 'participant.removed', end: (carol, gus) => does(204, 'DELETE', gus.path, carol.token) },
        meeting_ended: { event: 'meeting.ended', end: (carol, _, room) => does(204, 'POST', `/v1/rooms/${room.id}/end`, carol.token) },
        room_ended: { event: 'room.ended', end: (_, __, room) => does(204, 'DELETE', `/v1/rooms/${room.id}`, people.carol.token, undefined, { 'if-match': '*' }) },
    };
    for (const [reason, { event, end }] of Object.entries(WAYS)) {
        const room = await makeRoom();
        const carol = await carolIn(room);
        const gus = await guestIn(room);
        const streams = await Promise.all([stack.ports.http, second.port].map((port) => openRoom(room, gus, { port })));
        await Promise.all(streams.map((stream) => stream.event('snapshot')));
        const waiting = poll(room, gus, `after=${streams[0].events[0].id}`);
        await isPolling(stack.base + 100);
        const asked = await questionsOfFirst();
        const began = performance.now();
        await end(carol, gus, room);
        for (const stream of streams) {
            const last = await stream.event('end');
            assert.deepEqual(last.data, { reason }, reason);
            await stream.closed;
            assert.equal(stream.isComplete, true);
            assert.deepEqual(stream.events.map((one) => one.event), ['snapshot', event, 'end'], reason);
            t.diagnostic(`${reason}: over after ${(last.at - began).toFixed(0)} ms`);
        }
        assert.deepEqual((await waiting).json.events.map((one) => one.event), [event, 'end']);
        assert.equal(await questionsOfFirst(), asked, `${reason}: heard of, and not found by the net`);
        const again = await openRoom(room, gus);
        const { code } = JSON.parse(again.text);
        assert.equal(code, { left: 'not_joined', removed: 'removed', meeting_ended: 'unauthorized', room_ended: 'unauthorized' }[reason], again.text);
    }
});

test('who has left and comes back reads on', async () => {
    const room = await makeRoom();
    await carolIn(room);
    const gus = await guestIn(room);
    const stream = await openRoom(room, gus);
    const { id } = await stream.event('snapshot');
    await does(204, 'DELETE', gus.path, gus.token);
    await stream.event('end');
    await does(201, 'POST', doorOf(room), gus.token, {});
    const again = await openRoom(room, gus, { last: id, port: second.port });
    await again.event('participant.joined');
    assert.deepEqual(again.events.map(({ event }) => event), ['participant.left', 'participant.joined']);
    assert.equal(again.isClosed, undefined);
    await again.end();
});

test('who is of another room, or nobody, gets no stream', async () => {
    const room = await makeRoom();
    const other = await makeRoom();
    const gus = await guestIn(room);
    for (const [token, status, code] of [[gus.token, 404, 'no_such_room'], [undefined, 401, 'unauthorized'],
        [people.carol.token, 401, 'unauthorized'], [`lp_${'ab'.repeat(32)}`, 401, 'unauthorized']]) {
        const answer = await openRoom(other, { token });
        assert.equal(answer.status, status, answer.text);
        assert.equal(JSON.parse(answer.text).code, code);
    }
    const streams = [];
    for (let i = 0; i < 3; i += 1) streams.push(await openRoom(room, gus));
    const refused = await openRoom(room, gus);
    assert.equal(refused.status, 429, refused.text);
    assert.equal(refused.headers['retry-after'], '10');
    await Promise.all(streams.map((stream) => stream.end()));
});

test('a gateway that ends moves its streams, which lose nothing', async () => {
    const room = await makeRoom();
    const carol = await carolIn(room);
    const guests = await Promise.all(Array.from({ length: 30 }, (_, i) => guestIn(room, `Guest ${i}`)));
    const leaving = await startSecond(2);
    const streams = await Promise.all(guests.map((guest) => openRoom(room, guest, { port: leaving.port })));
    await Promise.all(streams.map((stream) => stream.event('snapshot')));
    const waiting = poll(room, guests[0], `after=${streams[0].events[0].id}`, leaving.port);
    await isPolling(leaving.opsPort);
    const asked = await questionsOfFirst();
    let isOver = false;
    const waves = (async () => {
        while (!isOver) await waveHands(carol, 2);
    })();
    const move = async () => {
        await leaving.end();
        assert.equal((await waiting).status, 200);
        return Promise.all(streams.map(async (stream, i) => {
            await stream.closed;
            assert.deepEqual(stream.events.at(-1).data, { reason: 'draining' });
            assert.ok(stream.retry >= 500 && stream.retry < 3500, `${stream.retry}`);
            stream.events.pop();
            return openRoom(room, guests[i], { last: stream.events.at(-1).id });
        }));
    };
    const moved = await move().finally(() => { isOver = true; });
    await waves;
    const head = await headOf(room);
    await Promise.all(moved.map((stream) => hasHead(stream, head)));
    moved.forEach((stream, i) => assertWhole({ events: [...streams[i].events.slice(1), ...stream.events] }, seqOf(streams[i].events[0].id), head));
    const cost = await questionsOfFirst() - asked;
    assert.ok(cost <= 5, `${cost} questions for one room`);
    await Promise.all(moved.map((stream) => stream.end()));
});

// Throws where one of them is not there.
async function killBoth() {
    const pids = await Promise.all(['roomsvc', 'roomsvc-2'].map((name) => stack.pid(name)));
    for (const pid of pids) process.kill(pid, 0);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    return true;
}

test('while roomsvc is away streams wait, and lose nothing', async () => {
    const room = await makeRoom();
    const carol = await carolIn(room);
    const streams = await Promise.all([stack.ports.http, second.port].map((port) => openRoom(room, carol, { port })));
    const firsts = await Promise.all(streams.map((stream) => stream.event('snapshot')));
    for (let i = 0; i < 3; i += 1) {
        await eventually(killBoth, { what: 'both roomsvc are there to be killed' });
        await eventually(async () => (await ask('PATCH', carol.path, carol.token, { hand: i % 2 === 0 })).status === 200,
            { within: 10000, what: 'a hand' });
        await waveHands(carol, 10);
    }
    const head = await headOf(room);
    await Promise.all(streams.map((stream) => hasHead(stream, head)));
    for (const [i, stream] of streams.entries()) {
        assert.equal(stream.isClosed, undefined);
        stream.events.shift();
        assertWhole(stream, seqOf(firsts[i].id), head);
        await stream.end();
    }
});

test('another generation of the journal resets all', async () => {
    const room = await makeRoom();
    const carol = await carolIn(room);
    const streams = await Promise.all([stack.ports.http, second.port].map((port) => openRoom(room, carol, { port })));
    await Promise.all(streams.map((stream) => stream.event('snapshot')));
    await stack.sql('UPDATE journal_generation SET generation = generation + 1');
    for (const stream of streams) {
        await stream.event('reset', 35000); // the net, where nothing else happens
        await eventually(() => stream.events.length === 3, { what: 'a snapshot' });
        const [before, reset, snapshot] = stream.events;
        assert.deepEqual([reset.event, snapshot.event], ['reset', 'snapshot']);
        assert.notEqual(before.id, snapshot.id);
        assert.deepEqual(before.data, snapshot.data);
        await stream.end();
    }
});

test('streams that are opened and cut leave nothing behind', async () => {
    const room = await makeRoom();
    const ops = stack.base + 100;
    // In turn: that a stream is over may be seen here before the gateway sees it, and each may have a few only.
    const guests = await Promise.all(Array.from({ length: 20 }, (_, i) => guestIn(room, `Guest ${i}`)));
    const openAndCut = async (count) => {
        for (let i = 0; i < count; i += 1) {
            const stream = await openRoom(room, guests[i % guests.length]);
            assert.equal(stream.status, 200, stream.text);
            if (i % 3 !== 0) await stream.event('snapshot');
            await stream.end();
        }
    };
    const isEmpty = () => eventually(async () => await gauge(ops, 'lynks_gateway_room_streams{') === 0, { what: 'no stream' });
    await openAndCut(2000);
    await isEmpty();
    const before = await memoryOf('gateway');
    await openAndCut(8000);
    await isEmpty();
    const grown = await memoryOf('gateway') - before;
    assert.ok(grown < 2048, `${grown} KiB`);
});
