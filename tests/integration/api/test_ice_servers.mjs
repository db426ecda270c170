#!/usr/bin/env -S node --test-reporter=tap
// TURN servers of others (LYNKS_TURN_URLS): whom the gateway gives credentials for them, and which. Those of our own are in
// tests/e2e/test_turn.mjs.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';

const URLS = ['turn:turn.example.org:3478?transport=udp', 'turns:turn.example.org:5349?transport=tcp'];
const SECRET = 'what the two of them share';

let stack;
let owner; // of a session

before(async () => {
    stack = await startStack({ LYNKS_TURN_URLS: URLS.join(','), LYNKS_TURN_SECRET: SECRET });
    owner = `Bearer ${(await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } })).json.token}`;
});
after(() => stack?.remove());

async function makeRoom(options = {}) {
    const made = await stack.request('/v1/rooms', { token: owner, body: { name: 'Tea', ...options } });
    assert.equal(made.status, 201, made.text);
    return made.json;
}

async function enter(room, body, token) {
    const { status, json, text } = await stack.request(`/v1/rooms/${room.code}/participants`, { token, body });
    assert.ok(status === 201 || status === 202, text);
    return { id: json.participant.id, token: json.token, servers: json.ice_servers };
}

const ask = (room, { token }) => stack.request(`/v1/rooms/${room.code}/ice-servers`, { method: 'GET', token });
const says = ({ status, json, text }, wanted, code) => assert.deepEqual([status, json?.code], [wanted, code], text);

function assertGood(servers, id) {
    assert.equal(servers.length, 1);
    const [{ urls, username, credential, ...rest }] = servers;
    assert.deepEqual([urls, rest], [URLS, {}]);
    const [expiry, whose] = username.split(':');
    assert.equal(whose, id);
    const left = Number(expiry) - Date.now() / 1000;
    assert.ok(left > 60 && left <= 121, String(left));
    assert.equal(credential, createHmac('sha1', SECRET).update(username).digest('base64'));
}

test('who is in has credentials for two minutes, from the first and again', async () => {
    const room = await makeRoom();
    const ann = await enter(room, { name: 'Ann' }, owner);
    const bob = await enter(room, { name: 'Bob' });
    for (const who of [ann, bob]) {
        assertGood(who.servers, who.id);
        const answer = await ask(room, who);
        assert.deepEqual([answer.status, Object.keys(answer.json)], [200, ['ice_servers']], answer.text);
        assertGood(answer.json.ice_servers, who.id);
    }
});

test('nobody else has any', async () => {
    const room = await makeRoom({ lobby: true });
    const ann = await enter(room, { name: 'Ann' }, owner);
    const bob = await enter(room, { name: 'Bob' });
    assert.deepEqual(bob.servers, []);
    says(await ask(room, bob), 403, 'must_wait');
    assert.equal((await stack.request(`/v1/rooms/${room.code}/participants/${bob.id}/admit`, { token: ann.token })).status, 204);
    assertGood((await ask(room, bob)).json.ice_servers, bob.id);
    says(await ask(await makeRoom(), bob), 404, 'no_such_room');
    says(await ask(room, {}), 401, 'unauthorized');
    says(await ask(room, { token: owner }), 401, 'unauthorized');
    assert.equal((await stack.request(`/v1/rooms/${room.code}/participants/${bob.id}`, { method: 'DELETE', token: ann.token })).status, 204);
    says(await ask(room, bob), 403, 'removed');
    assert.equal((await stack.request(`/v1/rooms/${room.code}/participants/${ann.id}`, { method: 'DELETE', token: ann.token })).status, 204);
    says(await ask(room, ann), 409, 'not_joined');
});

test('the secret is in no log and in no arguments', async () => {
    for (const [name, text] of await stack.logs()) assert.ok(!text.includes(SECRET), name);
});
