#!/usr/bin/env -S node --test-reporter=tap
// Who talks to Janus itself, as clients of the original do: rooms of /create are open to him, rooms of people are not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const PLUGIN = 'janus.plugin.videoroom';
const JOINED = 'joined';
const NEEDS_PIN = 429; // JANUS_VIDEOROOM_ERROR_MISSING_ELEMENT

let stack;
let token;

before(async () => {
    stack = await startStack();
    token = `Bearer ${(await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } })).json.token}`;
});
after(() => stack?.remove());

// A room of people is in Janus while somebody is in it.
async function roomOfPeople() {
    const { json: { code } } = await stack.request('/v1/rooms', { token, body: { name: 'Tea' } });
    assert.equal((await stack.request(`/v1/rooms/${code}/participants`, { body: { name: 'Ann' }, token })).status, 201);
    const [[id]] = await stack.sql(`SELECT room_id FROM rooms WHERE code = '${code.replaceAll('-', '')}'`);
    await eventually(async () => (await stack.sql(`SELECT in_janus FROM rooms WHERE room_id = ${id}`))[0][0] === '1',
        { within: 5000, what: 'the room is in Janus' });
    return id;
}

/// What Janus says to somebody who joins the room without a pin: JOINED, or its code of error.
async function joinDirectly(room) {
    const session = `/${(await stack.janus('', { janus: 'create' })).data.id}`;
    const handle = (await stack.janus(session, { janus: 'attach', plugin: PLUGIN })).data.id;
    await stack.janus(`${session}/${handle}`, { janus: 'message', body: { request: 'join', ptype: 'publisher', room: Number(room) } });
    const heard = await eventually(async () => {
        const answer = await stack.request(`/janus${session}?maxev=1`, { method: 'GET', port: stack.ports.janusHttp, agent: undefined });
        return answer.json.plugindata?.data; // of a keepalive: none
    }, { within: 5000, what: `Janus' answer about room ${room}` });
    await stack.janus(session, { janus: 'destroy' });
    return heard.videoroom === JOINED ? JOINED : heard.error_code;
}

test('a room of /create is open to whoever has its number', async () => {
    const { json: { room_id: room } } = await stack.request('/create', { token, body: {} });
    assert.equal(await joinDirectly(room), JOINED);
});

test('nobody gets into a room of people past the gateway', async () => {
    assert.equal(await joinDirectly(await roomOfPeople()), NEEDS_PIN);
});

test('also when Janus was started again', async () => {
    const room = await roomOfPeople();
    process.kill(await stack.pid('janus'), 'SIGKILL');
    await eventually(async () => await joinDirectly(room).catch(() => undefined) === NEEDS_PIN, { within: 10000, what: 'the room is back' });
});

test('a room that Janus has without a pin gets it', async () => {
    const room = await roomOfPeople();
    const [[secret]] = await stack.sql(`SELECT secret FROM rooms WHERE room_id = ${room}`);
    const session = `/${(await stack.janus('', { janus: 'create' })).data.id}`;
    const handle = (await stack.janus(session, { janus: 'attach', plugin: PLUGIN })).data.id;
    const ask = (body) => stack.janus(`${session}/${handle}`, { janus: 'message', body: { room: Number(room), secret, ...body } });
    await ask({ request: 'destroy' });
    await ask({ request: 'create', admin_key: await stack.secret('janus-admin-key') });
    await stack.janus(session, { janus: 'destroy' });
    assert.equal(await joinDirectly(room), JOINED);
    process.kill(await stack.pid('janusbridge'), 'SIGKILL');
    await eventually(async () => await joinDirectly(room).catch(() => undefined) === NEEDS_PIN, { within: 15000, what: 'the pin is there' });
});
