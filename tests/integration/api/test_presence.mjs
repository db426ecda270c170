#!/usr/bin/env -S node --test-reporter=tap
// Who has no stream any more leaves after LYNKS_AWAY_S, here 3 s, and nobody who has one does, whatever stood still for longer
// than that. Somebody who is away in earnest shows each time that people are taken out again; by then who is not had his time.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { openEvents } from '../../support/event-stream.mjs';
import { startOwnGateway } from '../../support/own-gateway.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const AWAY_S = 3;
const PAUSE_MS = 8000; // longer than AWAY_S and a lease
const PASSWORD = 'open it now';
const SOON = { within: 15000 };

let stack;
let second; // a gateway that may be killed
const people = {}; // name -> {id, token, session}

before(async () => {
    stack = await startStack({ LYNKS_AWAY_S: String(AWAY_S), LYNKS_LOGIN_ADDRESS_BURST: '1000' });
    await stack.sql("UPDATE users SET role = 2 WHERE username = 'testuser'");
    people.admin = await signIn('testuser', 'test123');
    for (const name of ['carol', 'dave', 'erin']) {
        await does(201, 'POST', '/v1/users', people.admin.token, { username: name, password: PASSWORD });
        people[name] = await signIn(name);
    }
    second = await startSecond(0);
});
after(async () => {
    await second?.end();
    await stack?.remove();
});

const startSecond = (number) => startOwnGateway(stack, number, { LYNKS_PUBLIC_URL: `http://127.0.0.1:${stack.ports.http}` });

const ask = (method, path, token, body, headers = {}) => stack.request(path, { method, token, body, headers });
async function does(status, ...asked) {
    const answer = await ask(...asked);
    assert.equal(answer.status, status, answer.text);
    return answer;
}

async function signIn(username, password = PASSWORD) {
    const { json } = await does(201, 'POST', '/v1/sessions', undefined, { username, password });
    return { id: json.user.id, token: json.token };
}

const makeRoom = async (owner = people.carol, options = {}) =>
    (await does(201, 'POST', '/v1/rooms', owner.token, { name: 'Tea', guests_wait: false, ...options })).json;
async function enter(room, token, name) {
    const path = `/v1/rooms/${room.code}/participants`;
    const { participant, token: own } = (await does(201, 'POST', path, token, name === undefined ? {} : { name })).json;
    return { ...participant, token: own, path: `${path}/${participant.id}` };
}
const openRoom = (room, { token }, { port = stack.ports.http, last } = {}) => openEvents(port,
    { path: `/v1/rooms/${room.id}/events`, token, headers: last === undefined ? {} : { 'last-event-id': last } });

/// Somebody in the room with a stream.
async function guest(room, name, port) {
    const one = await enter(room, undefined, name);
    return { ...one, stream: await openRoom(room, one, { port }) };
}
const leftOf = (stream, { id }) => stream.events.find(({ event, data }) => event === 'participant.left' && data.data.participant.id === id);
const hearsLeft = async (stream, who, reason = 'absent') => {
    const { data } = await eventually(() => leftOf(stream, who), { ...SOON, what: `${who.name} has left` });
    assert.equal(data.data.reason, reason);
};
/// Carol, who stays, hears what happens.
async function meeting() {
    const room = await makeRoom();
    const carol = await enter(room, people.carol.token);
    return { room, carol, stream: await openRoom(room, carol) };
}
const namesIn = async (room, { token }) => (await does(200, 'GET', `/v1/rooms/${room.code}/participants`, token)).json.items.map(({ name }) => name).sort();

test('who has closed his stream, or never had one, leaves', async () => {
    const { room, carol, stream } = await meeting();
    const never = await enter(room, undefined, 'Never');
    const gone = await guest(room, 'Gone');
    await gone.stream.end();
    await hearsLeft(stream, never);
    await hearsLeft(stream, gone);
    assert.deepEqual(await namesIn(room, carol), ['carol']);
    assert.equal((await ask('POST', `/v1/rooms/${room.code}/participants`, gone.token, {})).status, 201); // he may come back
    await stream.end();
});

test('a killed gateway leaves no ghosts, and who is elsewhere in time stays', async () => {
    const { room, carol, stream } = await meeting();
    const [ghost, mover] = [await guest(room, 'Ghost', second.port), await guest(room, 'Mover', second.port)];
    await eventually(async () => (await stack.sql(`SELECT COUNT(*) FROM presence WHERE participant_id IN (${ghost.id}, ${mover.id})`))[0][0] === '2',
        { what: 'both are reported' });
    second.child.kill('SIGKILL');
    await once(second.child, 'exit');
    const moved = await openRoom(room, mover, { last: mover.stream.events.at(-1).id });
    await hearsLeft(stream, ghost);
    assert.equal(leftOf(stream, mover), undefined);
    assert.deepEqual(await namesIn(room, carol), ['Mover', 'carol']);
    await hearsLeft(moved, ghost);
    await Promise.all([stream, moved].map((one) => one.end()));
    second = await startSecond(1);
});

test('whatever the number of streams, a gateway costs the database one statement a second', async (t) => {
    const statements = async () => Number((await stack.sql("SHOW GLOBAL STATUS LIKE 'Com_insert_select'"))[0][1]);
    const ports = [stack.ports.http, second.port];
    const room = await makeRoom();
    const others = await Promise.all(Array.from({ length: 20 }, (_, n) => enter(room, undefined, `Guest ${n}`)));
    const openAll = async (more) => {
        const streams = await Promise.all(others.map((one, n) => openRoom(room, one, { port: ports[(n + more) % 2] })));
        for (const stream of streams) assert.equal(stream.status, 200, stream.text);
        return streams;
    };
    const kept = await openAll(0); // nobody is away meanwhile
    const [before, began] = [await statements(), performance.now()];
    for (let i = 0; i < 5; i += 1) {
        const streams = await openAll(1);
        await Promise.all(streams.map((one) => one.end()));
        await sleep(1000); // what is counted is what a second costs
    }
    const [count, seconds] = [(await statements()) - before, (performance.now() - began) / 1000];
    t.diagnostic(`${count} statements of two gateways in ${seconds.toFixed(1)} s`);
    assert.ok(count >= 2 && count <= 2 * (seconds + 1), `${count} in ${seconds} s`);
    await Promise.all(kept.map((one) => one.end()));
});

/// Nobody of those who have streams leaves by what happens meanwhile; and afterwards who is away does.
async function nobodyDies(meanwhile) {
    const { room, carol, stream } = await meeting();
    const others = [await guest(room, 'Here'), await guest(room, 'There', second.port)];
    const away = await guest(room, 'Away');
    await eventually(async () => (await stack.sql(`SELECT COUNT(*) FROM presence WHERE participant_id IN
        (${[carol, ...others, away].map(({ id }) => id).join()})`))[0][0] === '4', { what: 'all are reported' });
    await meanwhile(away);
    await hearsLeft(stream, away);
    assert.deepEqual(await namesIn(room, carol), ['Here', 'There', 'carol']);
    for (const one of [{ stream }, ...others]) {
        assert.equal(one.stream.isClosed, undefined);
        await one.stream.end();
    }
}

async function stands(name, away) {
    await stack.signal(name, 'SIGSTOP');
    await away.stream.end();
    await sleep(PAUSE_MS); // what is tested is that time passes
    await stack.signal(name, 'SIGCONT');
}

test('nobody leaves because the database stood still', () => nobodyDies((away) => stands('mysql', away)));
test('nobody leaves because roomsvc stood still', () => nobodyDies((away) => stands('roomsvc', away)));
test('nobody leaves because roomsvc was killed', () => nobodyDies(async (away) => {
    await away.stream.end();
    await stack.crash('roomsvc');
}));
test('nobody leaves because the database was killed', () => nobodyDies(async (away) => {
    await away.stream.end();
    await stack.crash('mysql');
}));

test('whose session is ended is out at once; whose session has run out is not', async (t) => {
    const { room, carol, stream } = await meeting();
    const twice = await signIn('dave');
    const [dave, again] = [await enter(room, people.dave.token), await enter(room, twice.token)];
    const streams = [await openRoom(room, dave), await openRoom(room, again)];
    const hash = (await stack.sql(`SELECT HEX(session_hash) FROM participants WHERE participant_id = ${again.id}`))[0][0];
    assert.match(hash, /^[0-9A-F]{64}$/);
    await stack.sql(`DELETE FROM sessions WHERE token_hash = UNHEX('${hash}')`); // as the sweep of those that are over does
    const began = performance.now();
    await does(204, 'DELETE', '/v1/sessions/current', people.dave.token);
    await hearsLeft(stream, dave, 'session_ended');
    t.diagnostic(`out after ${(performance.now() - began).toFixed(0)} ms`);
    assert.deepEqual((await streams[0].event('end')).data, { reason: 'session_ended' });
    assert.equal((await ask('POST', `/v1/rooms/${room.code}/participants`, dave.token, {})).status, 401);
    assert.equal(streams[1].isClosed, undefined);
    assert.deepEqual(await namesIn(room, carol), ['carol', 'dave']);
    await Promise.all([stream, streams[1]].map((one) => one.end()));
    people.dave = await signIn('dave');
});

// ---- the life of rooms ----

async function inJanus(room) {
    const session = (await stack.janus('', { janus: 'create' })).data.id;
    const attached = await stack.janus(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' });
    const answer = await stack.janus(`/${session}/${attached.data.id}`, { janus: 'message', body: { request: 'exists', room: Number(room.id) } });
    await stack.janus(`/${session}`, { janus: 'destroy' });
    return answer.plugindata.data.exists;
}

test('a room is in Janus while somebody is in it, for a while longer, and again with the next', async () => {
    const room = await makeRoom(people.carol, { empty_timeout_s: 10 });
    assert.equal(await inJanus(room), false);
    const carol = await enter(room, people.carol.token);
    await eventually(() => inJanus(room), { within: 1000, what: 'it is in Janus' });
    await does(204, 'DELETE', carol.path, carol.token);
    assert.equal(await inJanus(room), true);
    await eventually(async () => !(await inJanus(room)), { within: 20000, what: 'it has left Janus' });
    assert.equal((await ask('GET', `/v1/rooms/${room.id}`, people.carol.token)).status, 200);
    await enter(room, undefined, 'Gus');
    await eventually(() => inJanus(room), { within: 1000, what: 'it is in Janus again' });
    await does(204, 'DELETE', `/v1/rooms/${room.id}`, people.carol.token, undefined, { 'if-match': '*' });
    await eventually(async () => !(await inJanus(room)), { ...SOON, what: 'the room that was ended is not in Janus' });
});

test('who comes into a room while Janus is away is in', async () => {
    const room = await makeRoom();
    await stack.signal('janus', 'SIGSTOP');
    const carol = await enter(room, people.carol.token);
    await stack.signal('janus', 'SIGCONT');
    await eventually(() => inJanus(room), { ...SOON, what: 'the room is in Janus' });
    await does(204, 'DELETE', carol.path, carol.token);
});

test('a room whose time is up, or whose owner is removed, ends and says so', async () => {
    const rooms = { expired: await makeRoom(), owner_removed: await makeRoom(people.erin) };
    for (const [reason, room] of Object.entries(rooms)) {
        const gus = await guest(room, 'Gus');
        if (reason === 'expired') await stack.sql(`UPDATE rooms SET expires_unix_ms = 1, due_unix_ms = 1 WHERE room_id = ${room.id}`);
        else await does(204, 'DELETE', `/v1/users/${people.erin.id}`, people.admin.token, undefined, { 'if-match': '*' });
        const ended = await gus.stream.event('room.ended', 10000);
        assert.equal(ended.data.data.reason, reason);
        assert.deepEqual((await gus.stream.event('end')).data, { reason: 'room_ended' });
        assert.equal((await ask('GET', `/v1/rooms/${room.code}`, people.carol.token)).status, 410);
        await eventually(async () => !(await inJanus(room)), { ...SOON, what: 'it is not in Janus' });
    }
});

test('/list_participants knows rooms of people for those who belong there', async () => {
    const room = await makeRoom(people.carol, { access: 'members' });
    const token = (name) => stack.login(name, PASSWORD).then(({ json }) => json.token);
    const [carol, dave] = [await token('carol'), await token('dave')];
    const list = async (who) => {
        const { status, json } = await stack.list(who, Number(room.id));
        return status === 200 ? json.publishers : status;
    };
    assert.deepEqual(await list(carol), []);
    assert.equal(await list(dave), 404);
    const gus = await enter(room, people.dave.token);
    assert.deepEqual(await list(dave), []);
    assert.deepEqual(await list(carol), []);
    assert.deepEqual(await list(await stack.token()), []); // an admin
    await does(204, 'DELETE', gus.path, gus.token);
    assert.equal(await list(dave), 404);
});

test('the metrics tell of it', async () => {
    const value = async (service, name) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await stack.ops(service, '/metrics')).text)?.[1]);
    assert.ok(await value('roomsvc', 'lynks_participants_swept_total\\{reason="absent"\\}') > 0);
    assert.ok(await value('roomsvc', 'lynks_rooms_due_total\\{outcome="left_janus"\\}') > 0);
    assert.ok(await value('gateway', 'lynks_presence_reports_total\\{result="told"\\}') > 0);
});
