#!/usr/bin/env -S node --test-reporter=tap
// What /v1/stats tells admins, through a whole Lynks: it agrees with what is done, and with what runs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openEvents } from '../../support/event-stream.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

let stack;
let admin;
const open = async (username, password) => {
    const answer = await stack.request('/v1/sessions', { body: { username, password } });
    assert.equal(answer.status, 201, answer.text);
    return answer.json.token;
};
const ask = (token = admin) => stack.request('/v1/stats', { method: 'GET', token });
async function stats() {
    const answer = await ask();
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
}

before(async () => {
    stack = await startStack();
    admin = await open('admin', await stack.secret('admin-password'));
});
after(() => stack?.remove());

test('only admins are told', async () => {
    const member = await open('testuser', 'test123');
    assert.deepEqual([(await ask(member)).status, (await ask(null)).status], [403, 401]);
});

test('a stack at rest has no warnings', async () => {
    const told = await stats();
    assert.deepEqual(told.warnings, []);
    assert.ok(told.services.every(({ ready }) => ready));
    for (const name of ['authsvc', 'roomsvc', 'janusbridge']) assert.ok(told.services.some((service) => service.name === name), name);
    assert.deepEqual(told.nodes.map(({ name, held, connections }) => [name, held, connections]), [['default', true, 0]]);
    assert.deepEqual(told.gateways, []); // nobody has a stream
    assert.deepEqual(told.participants, { joined: 0, waiting: 0 });
    assert.deepEqual(told.media, { publishing: 0, watching: 0 });
});

test('users, sessions, rooms and people in them are counted', async () => {
    const before = await stats();
    const added = await stack.request('/v1/users', { token: admin, body: { username: 'carol', password: 'open it now' } });
    const carol = await open('carol', 'open it now');
    const room = await stack.request('/v1/rooms', { token: carol, body: { name: 'Choir', lobby: true } });
    assert.equal(room.status, 201, room.text);
    await stack.request('/v1/rooms', { token: carol, body: { name: 'Nobody' } });
    const path = `/v1/rooms/${room.json.code}/participants`;
    const joined = await stack.request(path, { token: carol, body: { name: 'Carol' } });
    assert.deepEqual([joined.status, joined.json.participant.state], [201, 'joined'], joined.text);
    const waiting = await stack.request(path, { body: { name: 'Guest' } });
    assert.equal(waiting.json.participant.state, 'waiting', waiting.text);
    const events = await openEvents(stack.ports.http, { path: `/v1/rooms/${room.json.id}/events`, token: joined.json.token });
    await eventually(async () => (await stats()).gateways[0]?.participants === 1, { what: 'the stream is counted' });
    const now = await stats();
    assert.match(now.gateways[0].id, /^[0-9a-f]{32}$/);
    assert.ok(Date.parse(now.gateways[0].seen_at) > Date.parse(room.json.created_at));
    assert.deepEqual(now.participants, { joined: 1, waiting: 1 });
    assert.deepEqual([now.rooms.total - before.rooms.total, now.rooms.with_people - before.rooms.with_people], [2, 1]);
    assert.deepEqual([now.users.total - before.users.total, now.users.disabled - before.users.disabled,
        now.users.sessions - before.users.sessions], [1, 0, 1]);
    await events.end();
    const disabled = await stack.request(`/v1/users/${added.json.id}`, { method: 'PATCH', token: admin, body: { disabled: true },
        headers: { 'if-match': '*' } });
    assert.equal(disabled.status, 200, disabled.text);
    const later = await stats();
    assert.deepEqual([later.users.disabled - before.users.disabled, later.users.sessions - before.users.sessions], [1, 0]);
});

test('what is away is told in words, and the rest all the same', async () => {
    await stack.signal('roomsvc', 'SIGSTOP');
    try {
        await eventually(async () => (await stats()).warnings.some(({ code }) => code === 'not_counted'), { what: 'it is left out' });
        const told = await stats();
        assert.ok(!('rooms' in told) && told.users.total > 0);
    } finally {
        await stack.signal('roomsvc', 'SIGCONT');
    }
    await eventually(async () => (await stats()).warnings.length === 0, { what: 'all is well again' });
});
