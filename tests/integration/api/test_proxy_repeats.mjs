#!/usr/bin/env -S node --test-reporter=tap
// The proxy of deploy/front in front of a gateway that dies between what it has done and its answer: the proxy sends the
// request again, and it is known by its id. Streams come through it, whatever came on their connection before.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { openEvents } from '../../support/event-stream.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

let stack;
let token;
let proxy;
let port;

before(async () => {
    stack = await startStack({ LYNKS_STANDARD_ROOM: '0', LYNKS_OWN_FRONT: '127.0.0.1' });
    port = stack.base + 150;
    proxy = spawn('/usr/sbin/haproxy', ['-db', '-f', 'deploy/front/haproxy.cfg'], { stdio: 'ignore', env: {
        LYNKS_FRONT_PLAIN: `127.0.0.1:${port}`,
        LYNKS_FRONT_OPS: `127.0.0.1:${port + 1}`,
        LYNKS_FRONT_GATEWAY: `127.0.0.1:${stack.ports.http}`,
        LYNKS_FRONT_SOURCE: '127.0.0.1',
    } });
    token = await stack.token();
    await eventually(async () => (await create()).status === 200, { what: 'the proxy answers' });
});
after(async () => {
    if (proxy?.exitCode === null && proxy.signalCode === null) {
        proxy.kill();
        await once(proxy, 'exit');
    }
    await stack?.remove();
});

const create = (headers = {}) => stack.request('/create', { port, token, headers });
const rooms = async () => (await stack.sql('SELECT room_id FROM rooms ORDER BY created_unix_ms, room_id')).flat().map(Number);

test('a gateway dies when the room is in the registry and before it answers: there is one room', async () => {
    const before = await rooms();
    await stack.signal('janusbridge', 'SIGSTOP');
    const asked = create();
    const [made] = await eventually(async () => {
        const fresh = (await rooms()).filter((id) => !before.includes(id));
        return fresh.length > 0 && fresh;
    }, { what: 'the room is in the registry' });
    await stack.signal('gateway', 'SIGKILL');
    await stack.signal('janusbridge', 'SIGCONT');
    const answer = await asked;
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.room_id, made);
    assert.equal((await rooms()).length, before.length + 1);
});

test('a gateway dies when somebody is in a room and before it answers: he is in once, and gets his token', async () => {
    const room = (await stack.request('/v1/rooms', { port, token, body: { name: 'Tea', guests_wait: false } })).json;
    const door = `/v1/rooms/${room.code}/participants`;
    const inIt = async () => (await stack.sql(`SELECT participant_id FROM participants WHERE room_id = ${room.id}`)).flat();
    await stack.signal('janusbridge', 'SIGSTOP');
    const asked = stack.request(door, { port, body: { name: 'Gus' } });
    await eventually(async () => (await inIt()).length === 1, { what: 'he is in the database' });
    await stack.signal('gateway', 'SIGKILL');
    await stack.signal('janusbridge', 'SIGCONT');
    const answer = await asked;
    assert.equal(answer.status, 201, answer.text);
    assert.deepEqual(await inIt(), [answer.json.participant.id]);
    const back = await stack.request(door, { port, token: answer.json.token, body: {} });
    assert.deepEqual([back.status, back.json.participant.id], [201, answer.json.participant.id]);
    const another = await stack.request(door, { port, body: { name: 'Gus' } });
    assert.notEqual(another.json.participant.id, answer.json.participant.id);
});

test('what a client says is the id of its request is no id', async () => {
    const ids = new Set();
    for (let i = 0; i < 3; i += 1) ids.add((await create({ 'x-request-id': 'mine' })).json.room_id);
    assert.equal(ids.size, 3);
});

test('the events of a room come through, on connections that had requests before', async () => {
    const room = (await stack.request('/v1/rooms', { port, token, body: { name: 'Choir', guests_wait: false } })).json;
    const joined = await stack.request(`/v1/rooms/${room.code}/participants`, { port, body: { name: 'Ann' } });
    assert.equal(joined.status, 201, joined.text);
    const { participant, token: own } = joined.json;
    const streams = await Promise.all(Array.from({ length: 3 }, () => openEvents(port,
        { path: `/v1/rooms/${room.code}/events`, token: own, agent: stack.agent })));
    for (const stream of streams) assert.deepEqual((await stream.event('snapshot')).data.participants.map(({ name }) => name), ['Ann']);
    const renamed = await stack.request(`/v1/rooms/${room.id}/participants/${participant.id}`,
        { port, method: 'PATCH', token: `Bearer ${own}`, body: { name: 'Beth' } });
    assert.equal(renamed.status, 200, renamed.text);
    for (const stream of streams) assert.equal((await stream.event('participant.updated')).data.data.participant.name, 'Beth');
    const listed = await stack.request('/v1/rooms', { port, method: 'GET', token });
    assert.equal(listed.status, 200, listed.text);
    await Promise.all(streams.map((stream) => stream.end()));
});
