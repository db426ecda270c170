#!/usr/bin/env -S node --test-reporter=tap
// GET /v1/events on two gateways and two authsvc: whatever ends a session ends its streams, on both, soon; also when the
// gateway does not hear of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCutProxy } from '../../support/cut-proxy.mjs';
import { openEvents } from '../../support/event-stream.mjs';
import { startOwnGateway } from '../../support/own-gateway.mjs';
import { startStack } from '../../support/stack.mjs';
import { hashOf } from '../../support/tokens.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const PASSWORD = 'a good password';
// A stream's session is asked for so long after it was opened at the soonest, whatever is heard (LOOK_MIN_MS in
// proto/session/session_follow.c): what ends a stream before is no such question. How long it took is printed.
const NET_MS = 20000;

let stack;
let other; // the second gateway, which hears authsvc through the proxies
let proxies;
let admin; // the token of one
let count = 0;

before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_LOGIN_ADDRESS_BURST: '10000', LYNKS_LOGIN_NAME_BURST: '1000' });
    proxies = await Promise.all([11, 31].map((offset) => startCutProxy(stack.base + offset)));
    other = await startOwnGateway(stack, 0, {
        LYNKS_AUTHSVC_ADDRESS: [1, 21].map((offset) => `127.0.0.1:${stack.base + offset}`).join(),
        LYNKS_AUTHSVC_EVENTS: proxies.map(({ port }) => `127.0.0.1:${port}`).join(),
        LYNKS_ROOMSVC_ADDRESS: [2, 22].map((offset) => `127.0.0.1:${stack.base + offset}`).join(),
        LYNKS_ROOMSVC_EVENTS: [12, 32].map((offset) => `127.0.0.1:${stack.base + offset}`).join(),
        LYNKS_STREAMS_PER_USER_MAX: '3',
    });
    await stack.sql("UPDATE users SET role = 2 WHERE username = 'testuser'");
    admin = await stack.token();
});
after(async () => {
    await other?.end();
    await Promise.all((proxies ?? []).map((proxy) => proxy.close()));
    await stack?.remove();
});

const doors = () => [stack.ports.http, other.port];
const call = (method, path, token, body, headers = {}) => stack.request(path, { method, token: `Bearer ${token}`, body, headers });

async function signIn(username, password = PASSWORD) {
    const answer = await stack.request('/v1/sessions', { body: { username, password } });
    assert.equal(answer.status, 201, answer.text);
    return answer.json;
}

// Somebody new, signed in.
async function newUser() {
    const username = `user ${count += 1}`;
    const added = await call('POST', '/v1/users', admin, { username, password: PASSWORD });
    assert.equal(added.status, 201, added.text);
    return { ...added.json, session: await signIn(username) };
}

// On both gateways, and running.
async function openBoth(token) {
    const opened = performance.now();
    const streams = await Promise.all(doors().map((port) => openEvents(port, { token })));
    for (const stream of streams) {
        assert.equal(stream.status, 200, stream.text);
        await stream.event('snapshot');
        stream.opened = opened;
    }
    return streams;
}

async function assertEnded(t, streams, began, what, reason = 'session_ended') {
    const times = [];
    for (const stream of streams) {
        const end = await stream.event('end');
        assert.deepEqual(end.data, { reason });
        await stream.closed;
        assert.equal(stream.isComplete, true);
        assert.equal(stream.garbage, undefined);
        times.push(end.at - began);
        assert.ok(end.at - stream.opened < NET_MS, `${what}: over ${end.at - stream.opened} ms after it was opened, perhaps by the net`);
    }
    t.diagnostic(`${what}: over after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
}

async function assertGoOn(streams, token) {
    await sleep(1500); // real time, in which they would have ended
    // What was done may still be told.
    const ends = ({ isClosed, events }) => [isClosed, events.some(({ event }) => event === 'end')];
    assert.deepEqual(streams.map(ends), streams.map(() => [undefined, false]));
    for (const port of doors()) {
        const answer = await stack.request('/v1/users/me', { method: 'GET', token: `Bearer ${token}`, port, agent: undefined });
        assert.equal(answer.status, 200);
    }
}

// What ends a session: name -> what is done. Each leaves `kept`, another session of the same user, but the last two.
const WAYS = {
    'signing out': ({ session }) => call('DELETE', '/v1/sessions/current', session.token),
    'one session is ended from another': ({ session }, kept) => call('DELETE', `/v1/sessions/${session.id}`, kept.token),
    'all others are ended': (_, kept) => call('DELETE', '/v1/sessions', kept.token),
    'another password': (_, kept) => call('PUT', '/v1/users/me/password', kept.token,
        { current_password: PASSWORD, new_password: 'another good one' }),
    'being removed': ({ id }) => call('DELETE', `/v1/users/${id}`, admin, undefined, { 'if-match': '*' }),
    'being disabled': ({ id }) => call('PATCH', `/v1/users/${id}`, admin, { disabled: true }, { 'if-match': '*' }),
};

async function endInEveryWay(t, made = async () => {}) {
    for (const [what, end] of Object.entries(WAYS)) {
        const user = await newUser();
        const kept = await signIn(user.username);
        const streams = await openBoth(user.session.token);
        const [keptHere] = await openBoth(kept.token);
        await made();
        const began = performance.now();
        const answer = await end(user, kept);
        assert.ok(answer.status === 204 || answer.status === 200, answer.text);
        await assertEnded(t, streams, began, what);
        if (!what.startsWith('being')) assert.equal(keptHere.isClosed, undefined, what);
        await keptHere.end();
    }
}

const metricsOf = async (opsPort) => (await stack.request('/metrics', { method: 'GET', port: opsPort, agent: undefined })).text;
const metric = async (opsPort, line) => Number(new RegExp(`^${line} (\\d+)$`, 'm').exec(await metricsOf(opsPort))[1]);

// ---- what a stream is ----

test('a stream begins with who one is', async () => {
    const user = await newUser();
    const [stream, second] = await openBoth(user.session.token);
    const me = await call('GET', '/v1/users/me', user.session.token);
    assert.deepEqual(stream.events[0].data, { me: me.json, rooms: [] });
    assert.equal(stream.headers['content-type'], 'text/event-stream');
    assert.equal(stream.headers['cache-control'], 'no-store, no-transform');
    assert.equal(stream.headers['x-accel-buffering'], 'no');
    assert.match(stream.headers['x-request-id'], /^[0-9a-f]{16}$/);
    await Promise.all([stream.end(), second.end()]);
});

test('a user hears which of his rooms begin and end, and an admin of all', async () => {
    const [carol, dave, eve] = [await newUser(), await newUser(), await newUser()];
    const root = await signIn('testuser', 'test123');
    const room = (await call('POST', '/v1/rooms', carol.session.token, { name: 'Tea' })).json;
    const path = `/v1/rooms/${room.id}`;
    await call('PUT', `${path}/members/${dave.id}`, carol.session.token, { role: 'participant' });
    const people = [carol.session, dave.session, root, eve.session];
    const streams = await Promise.all(people.map(({ token }) => openBoth(token)));
    const [stranger] = streams.splice(-1);
    const joined = await call('POST', `${path}/participants`, carol.session.token, {});
    assert.equal(joined.status, 201, joined.text);
    for (const stream of streams.flat()) assert.deepEqual((await stream.event('meeting.began')).data, { room: room.id, seq: 1 });
    // Who comes later is told what there is.
    const late = await openEvents(other.port, { token: dave.session.token });
    assert.deepEqual((await late.event('snapshot')).data.rooms, [{ room: room.id, seq: 1 }]);
    const second = await call('POST', `${path}/participants`, dave.session.token, {});
    assert.equal(second.status, 201, second.text);
    assert.equal((await call('POST', `${path}/end`, carol.session.token)).status, 204);
    for (const stream of [late, ...streams.flat()]) {
        assert.deepEqual((await stream.event('meeting.ended')).data, { room: room.id, seq: 3 });
        assert.deepEqual(stream.events.map(({ event }) => event).filter((name) => name !== 'snapshot'),
            [...(stream === late ? [] : ['meeting.began']), 'meeting.ended']);
    }
    assert.deepEqual(stranger.flatMap(({ events }) => events.slice(1)), []);
    await Promise.all([late, ...streams.flat(), ...stranger].map((stream) => stream.end()));
});

// A publisher that was silent for half a second, as on a machine that is busy, has all asked for: then it is done again.
test('what begins is heard of, and not asked for', async () => {
    const carol = await newUser();
    const path = `/v1/rooms/${(await call('POST', '/v1/rooms', carol.session.token, { name: 'Tea' })).json.id}`;
    const streams = await openBoth(carol.session.token);
    const named = (stream, name) => stream.events.filter(({ event }) => event === name).length;
    const haveAll = (name, count) => eventually(() => streams.every((stream) => named(stream, name) === count), { what: `${name} ${count}` });
    const questions = () => Promise.all([stack.base + 100, other.opsPort].map((port) =>
        metric(port, 'lynks_user_meetings_questions_total\\{result="asked"\\}')));
    const counts = [];
    for (let turn = 1; turn <= 5; turn += 1) {
        const before = await questions();
        assert.equal((await call('POST', `${path}/participants`, carol.session.token, {})).status, 201);
        await haveAll('meeting.began', turn);
        const after = await questions();
        assert.equal((await call('POST', `${path}/end`, carol.session.token)).status, 204);
        await haveAll('meeting.ended', turn);
        counts.push(`${before} to ${after}`);
        if (`${after}` === `${before}`) break;
        assert.ok(turn < 5, `asked each time: ${counts.join('; ')}`);
    }
    await Promise.all(streams.map((stream) => stream.end()));
});

test('whom no session belongs to gets no stream', async () => {
    for (const token of [undefined, 'x', 'ab'.repeat(32)]) {
        const answer = await openEvents(stack.ports.http, { token });
        assert.equal(answer.status, 401);
    }
});

test('a connection that had a request before is sent again, to the same URL', async () => {
    const { token } = (await newUser()).session;
    assert.equal((await call('GET', '/v1/users/me', token)).status, 200); // over the stack's agent, which keeps it
    const answer = await openEvents(stack.ports.http, { token, agent: stack.agent });
    assert.equal(answer.status, 307);
    assert.equal(answer.headers.location, '/v1/events');
    assert.equal(answer.headers.connection, 'close');
});

test('a user has so many streams at a gateway, and may have another when one has ended', async () => {
    const { token } = (await newUser()).session;
    const streams = [];
    for (let i = 0; i < 3; i += 1) streams.push(await openEvents(other.port, { token }));
    const refused = await openEvents(other.port, { token });
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers['retry-after']) > 0);
    await streams[0].end();
    await eventually(async () => {
        streams[0] = await openEvents(other.port, { token });
        return streams[0].status === 200;
    }, { what: 'another stream' });
    await Promise.all(streams.map((stream) => stream.end()));
});

test('all streams together are bounded, and requests go on', async () => {
    const { token } = (await newUser()).session;
    const own = await startOwnGateway(stack, 1, { LYNKS_STREAMS_MAX: '2' });
    const streams = [];
    for (let i = 0; i < 2; i += 1) streams.push(await openEvents(own.port, { token }));
    const refused = await openEvents(own.port, { token });
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.equal(JSON.parse(refused.text).code, 'overloaded');
    assert.equal((await stack.request('/v1/users/me', { method: 'GET', token, port: own.port, agent: undefined })).status, 200);
    await Promise.all(streams.map((stream) => stream.end()));
    await own.end();
});

test('a comment comes now and then', async () => {
    const { token } = (await newUser()).session;
    const [stream, second] = await openBoth(token);
    await eventually(() => stream.comments > 0 && second.comments > 0, { within: 16000, what: 'a comment' });
    assert.deepEqual([stream.garbage, second.garbage], [undefined, undefined]);
    await Promise.all([stream.end(), second.end()]);
});

// ---- how it ends ----

test('whatever ends a session ends its streams on both gateways, and no others', async (t) => {
    await endInEveryWay(t);
});

test('another role ends nothing, and neither does another name', async () => {
    const user = await newUser();
    const streams = await openBoth(user.session.token);
    for (const body of [{ role: 'admin' }, { role: 'member' }, { display_name: 'Somebody' }]) {
        const answer = await call('PATCH', `/v1/users/${user.id}`, admin, body, { 'if-match': '*' });
        assert.equal(answer.status, 200, answer.text);
    }
    await assertGoOn(streams, user.session.token);
    await Promise.all(streams.map((stream) => stream.end()));
});

// Real time has to pass here: it is what is tested.
test('an open stream is no use of its session, which runs out of time', async () => {
    const user = await newUser();
    const token = (await stack.login(user.username, PASSWORD)).json.token;
    const streams = await openBoth(token);
    await stack.sql(`UPDATE sessions SET expires_unix_ms = ROUND(1000 * UNIX_TIMESTAMP(NOW(3))) + 12000 WHERE token_hash = UNHEX('${hashOf(token)}')`);
    for (const name of ['authsvc', 'authsvc-2']) await stack.signal(name, 'SIGKILL'); // they have it in memory
    for (const stream of streams) assert.deepEqual((await stream.event('end', 20000)).data, { reason: 'expired' });
});

// ---- what gets lost ----

test('the same when authsvc does not live to tell: it is killed after its commit', async (t) => {
    const user = await newUser();
    const streams = await openBoth(user.session.token);
    const hash = hashOf(user.session.token);
    const began = performance.now();
    // All that such a one leaves behind.
    await stack.sql(`DELETE FROM sessions WHERE token_hash = UNHEX('${hash}'); INSERT INTO session_revocations (token_hash, created_unix_ms)`
        + ` VALUES (UNHEX('${hash}'), ROUND(1000 * UNIX_TIMESTAMP(NOW(3))))`);
    await assertEnded(t, streams, began, 'as read in the log of revocations');
});

test('the same when each event is lost on the way: the connection is cut before it', async (t) => {
    const gaps = await metric(other.opsPort, 'lynks_session_follow_rounds_total\\{why="gap"\\}');
    await endInEveryWay(t, async () => proxies.forEach((proxy) => proxy.cut()));
    assert.ok(await metric(other.opsPort, 'lynks_session_follow_rounds_total\\{why="gap"\\}') > gaps);
});

test('the same while nothing is heard of authsvc', async (t) => {
    for (const proxy of proxies) {
        proxy.lead(stack.base + 199); // nobody is there
        proxy.cut();
    }
    await endInEveryWay(t);
    assert.ok(await metric(other.opsPort, 'lynks_session_follow_rounds_total\\{why="silence"\\}') > 0);
    [11, 31].forEach((offset, i) => proxies[i].lead(stack.base + offset));
});

test('the same while a replica of authsvc stands still', async (t) => {
    for (const name of ['authsvc', 'authsvc-2']) {
        await stack.signal(name, 'SIGSTOP');
        try {
            await endInEveryWay(t);
        } finally {
            await stack.signal(name, 'SIGCONT');
        }
    }
});

// ---- gateways that end ----

test('a gateway that drains tells its readers when to come again', async () => {
    const { token } = (await newUser()).session;
    const own = await startOwnGateway(stack, 1, {});
    const stream = await openEvents(own.port, { token });
    await stream.event('snapshot');
    await own.end();
    assert.deepEqual((await stream.event('end')).data, { reason: 'draining' });
    assert.ok(stream.retry >= 500 && stream.retry <= 3500, String(stream.retry));
    await stream.closed;
    assert.equal(stream.isComplete, true);
});
