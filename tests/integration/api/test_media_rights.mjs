#!/usr/bin/env -S node --test-reporter=tap
// Who may send and get media in a room, and that it ends with what allowed it. Nothing flows here: a real Janus answers, but nobody
// sends to it (tests/e2e/test_media.mjs has browsers).
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { AUDIO, SCREEN } from '../../support/rtc-offers.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

let stack;
let owner; // of a session
let room;
let host; // the owner as a participant

before(async () => {
    stack = await startStack();
    owner = `Bearer ${(await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } })).json.token}`;
});
after(() => stack?.remove());
beforeEach(async () => {
    room = await makeRoom();
    host = await enter({ name: 'Ann' }, owner);
});

async function makeRoom(options = {}) {
    const made = await stack.request('/v1/rooms', { token: owner, body: { name: 'Tea', ...options } });
    assert.equal(made.status, 201, made.text);
    return made.json;
}

async function enter(body, token, at = room) {
    const { status, json, text } = await stack.request(`/v1/rooms/${at.code}/participants`, { token, body });
    assert.ok(status === 201 || status === 202, text);
    return { id: json.participant.id, token: json.token };
}

const invited = async (role) => (await stack.request(`/v1/rooms/${room.code}/invitations`, { token: owner, body: { role } })).json.secret;
const publish = ({ token }, body = AUDIO, at = room) => stack.request(`/v1/rooms/${at.code}/publish`, { token, body });
const watch = ({ token }, ...wanted) => stack.request(`/v1/rooms/${room.code}/watch`, { method: 'PUT', token, body: { wanted } });
const about = (connection, method, { token }, body) => stack.request(`/v1/rtc/${connection}`, { method, token, body });
const says = ({ status, json, text }, wanted, code) => assert.deepEqual([status, json?.code], [wanted, code], text);

async function publishes(who) {
    const answer = await publish(who);
    assert.equal(answer.status, 201, answer.text);
    return answer.json.connection;
}

const isGone = (connection) => eventually(async () => {
    const [[rows]] = await stack.sql(`SELECT COUNT(*) FROM rtc_connections WHERE connection = UNHEX('${connection}')`);
    return rows === '0' && (await about(connection, 'GET', host)).status === 404;
}, { within: 2000, what: `connection ${connection} is gone` });

test('who may speak sends, and a viewer does not, by no way', async () => {
    const bob = await enter({ name: 'Bob' });
    const connection = await publishes(bob);
    says(await about(connection, 'GET', bob), 200, undefined);
    const vera = await enter({ name: 'Vera', invitation: await invited('viewer') });
    says(await publish(vera), 403, 'forbidden');
    assert.equal((await watch(vera, { participant: bob.id, source: 'audio' })).status, 200);
    says(await stack.request(`/v1/rtc/${connection}/offer`, { method: 'PUT', token: vera.token, body: AUDIO }), 404, 'not_found');
    const watching = (await watch(vera)).json.connection;
    const again = await stack.request(`/v1/rtc/${watching}/offer`, { method: 'PUT', token: vera.token, body: AUDIO });
    assert.ok(again.status >= 400 && again.status < 500, again.text);
});

test('a connection is his alone who made it', async () => {
    const [bob, eve] = [await enter({ name: 'Bob' }), await enter({ name: 'Eve' })];
    const connection = await publishes(bob);
    for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', { muted: ['audio'] }]]) says(await about(connection, method, eve, body), 404, 'not_found');
    says(await about(connection, 'GET', { token: owner }), 401, 'unauthorized');
    assert.equal((await about(connection, 'DELETE', bob)).status, 204);
    says(await about(connection, 'GET', bob), 404, 'not_found');
});

test('who waits to be let in sends and gets nothing', async () => {
    room = await makeRoom({ lobby: true });
    host = await enter({ name: 'Ann' }, owner);
    const bob = await enter({ name: 'Bob' });
    says(await publish(bob), 403, 'must_wait');
    says(await watch(bob, { participant: host.id, source: 'audio' }), 403, 'must_wait');
});

test('screens are shared where the room has them', async () => {
    room = await makeRoom({ screen_share: false });
    host = await enter({ name: 'Ann' }, owner);
    const bob = await enter({ name: 'Bob' });
    says(await publish(bob, SCREEN), 403, 'screen_off');
    assert.equal((await publish(bob)).status, 201);
});

test('what is no offer is refused', async () => {
    const bob = await enter({ name: 'Bob' });
    for (const sdp of ['v=0\r\n', AUDIO.sdp.replace('sendonly', 'recvonly'), AUDIO.sdp.replaceAll('a=fingerprint', 'a=x'), AUDIO.sdp + AUDIO.sdp]) {
        says(await publish(bob, { ...AUDIO, sdp }), 422, 'bad_sdp');
    }
    says(await publish(bob, { ...AUDIO, sources: { 7: 'audio' } }), 422, 'bad_sdp');
});

test('a room has as many who send as it says, also when two begin at once', async () => {
    room = await makeRoom({ publishers_max: 2 });
    host = await enter({ name: 'Ann' }, owner);
    const people = [host, await enter({ name: 'Bob' }), await enter({ name: 'Cid' })];
    const answers = await Promise.all(people.map((who) => publish(who)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 409]);
    assert.equal(answers.find(({ status }) => status === 409).json.code, 'room_full');
});

test('it ends with being in: leaving, removal, a ban, the end of the meeting', async () => {
    const people = [];
    for (const name of ['Bob', 'Cid', 'Dan', 'Eve']) people.push(await enter({ name, device: `${name}'s` }));
    const connections = [];
    for (const who of people) connections.push(await publishes(who));
    const [bob, cid, dan] = people;
    const at = `/v1/rooms/${room.code}`;
    assert.equal((await stack.request(`${at}/participants/${bob.id}`, { method: 'DELETE', token: bob.token })).status, 204);
    assert.equal((await stack.request(`${at}/participants/${cid.id}`, { method: 'DELETE', token: host.token })).status, 204);
    assert.equal((await stack.request(`${at}/bans`, { token: host.token, body: { participant: dan.id, by: ['device'] } })).status, 201);
    await Promise.all(connections.slice(0, 3).map(isGone));
    says(await about(connections[3], 'GET', people[3]), 200, undefined);
    assert.equal((await stack.request(`${at}/end`, { token: owner })).status, 204);
    await isGone(connections[3]);
});

test('also when the bridge dies between the word and the deed', async () => {
    const bob = await enter({ name: 'Bob' });
    const connection = await publishes(bob);
    const pid = await stack.signal('janusbridge', 'SIGSTOP');
    assert.equal((await stack.request(`/v1/rooms/${room.code}/participants/${bob.id}`, { method: 'DELETE', token: host.token })).status, 204);
    process.kill(pid, 'SIGKILL');
    await isGone(connection);
});

test('who loses the right to speak sends no more', async () => {
    const bob = await enter({ name: 'Bob' });
    const connection = await publishes(bob);
    const changed = await stack.request(`/v1/rooms/${room.code}/participants/${bob.id}`, { method: 'PATCH', token: host.token, body: { role: 'viewer' } });
    assert.equal(changed.status, 200, changed.text);
    await isGone(connection);
});
