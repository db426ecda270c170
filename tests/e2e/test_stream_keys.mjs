#!/usr/bin/env -S node --test-reporter=tap
// A program that does what OBS does, by a stream key: it is one participant, whom moderators have in hand as any other, and who is out
// with the key.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { openEvents } from '../support/event-stream.mjs';
import { startObs } from '../support/obs.mjs';
import { endPeers } from '../support/rtp-peer.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';

const LABEL = 'Camera at the door';
// Nobody counts as away before all has been well for as long as LYNKS_AWAY_S says.
const LEAVES_MS = 30000;

let stack;
let owner; // of a session
let room;
let host; // the owner as a participant, who hears what happens
let events;
let key;
const running = [];

before(async () => {
    stack = await startStack();
    owner = (await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } })).json.token;
});
beforeEach(async () => {
    while (running.length > 0) running.pop().cut();
    await events?.end();
    room = await make('/v1/rooms', { name: 'Tea' });
    host = await make(`/v1/rooms/${room.code}/participants`, { name: 'Ann' });
    events = await openEvents(stack.ports.http, { path: `/v1/rooms/${room.code}/events`, token: host.token });
    key = await makeKey();
});
after(async () => {
    while (running.length > 0) running.pop().cut();
    endPeers();
    await events?.end();
    await stack?.remove();
});

async function make(path, body) {
    const made = await stack.request(path, { token: owner, body });
    assert.equal(made.status, 201, made.text);
    return made.json;
}
const at = (path) => `/v1/rooms/${room.id}${path}`;
const makeKey = (more = {}) => make(at('/stream-keys'), { label: LABEL, use: 'publish', ...more });
const does = async (path, method, body, token = owner) => {
    const { status, text } = await stack.request(at(path), { method, body, token });
    assert.ok(status === 200 || status === 201 || status === 204, `${method} ${path}: ${text}`);
};
const list = async () => (await stack.request(at('/participants'), { method: 'GET', token: owner })).json.items;
const streams = async () => (await list()).filter(({ kind }) => kind === 'stream');
const keyNow = async () => (await stack.request(at(`/stream-keys/${key.id}`), { method: 'GET', token: owner })).json;
const connections = async () => Number((await stack.sql(`SELECT COUNT(*) FROM rtc_connections WHERE room_id = ${room.id} AND kind = 1`))[0][0]);
const told = (name, id, within = 5000) => eventually(() => events.events.find(({ event, data }) => event === name && data.data.participant?.id === id)?.data.data,
    { within, what: `${name} of ${id}` });

/// It sends, and all of it arrives.
async function streamsBy(word) {
    const { obs, answer } = await startObs(key.url, key.key, word);
    running.push(obs);
    assert.deepEqual(answer, { status: 201 });
    const stream = await eventually(async () => (await streams()).find(({ tracks }) => tracks.filter(({ media }) => media === 'flowing').length === 2),
        { within: 5000, what: 'sound and picture arrive' });
    return { obs, stream };
}

async function isRefused(status, code) {
    assert.deepEqual((await startObs(key.url, key.key)).answer, { status, code });
}

const isCutOff = () => eventually(async () => (await connections()) === 0 && (await streams()).length === 0, { within: 1000, what: 'nobody sends any more' });

test('a key is one participant with its label, whom all see and hear of', async () => {
    const { obs, stream } = await streamsBy('Bearer ');
    assert.deepEqual([stream.name, stream.role, stream.kind, stream.guest, stream.muted], [LABEL, 'participant', 'stream', true, []]);
    assert.equal((await told('participant.joined', stream.id)).participant.kind, 'stream');
    await told('track.published', stream.id);
    const { participant, receives } = await keyNow();
    assert.deepEqual([participant, receives], [stream.id, true]);
    const late = await openEvents(stack.ports.http, { path: `/v1/rooms/${room.code}/events`, token: host.token });
    const { data: snapshot } = await late.event('snapshot');
    assert.equal(snapshot.participants.find(({ id }) => id === stream.id).kind, 'stream');
    await late.end();
    await obs.stop();
    await told('track.unpublished', stream.id);
    await told('participant.left', stream.id, LEAVES_MS);
    assert.deepEqual([(await keyNow()).participant, (await keyNow()).receives], [undefined, false]);
});

test('the bearer goes without the word, too', async () => {
    const { obs } = await streamsBy('');
    await obs.stop();
});

test('who comes again after a cut network meets no ghost', async () => {
    const first = await streamsBy();
    await first.obs.cut();
    const second = await streamsBy();
    assert.equal(second.stream.id, first.stream.id);
    assert.deepEqual([(await streams()).length, await connections()], [1, 1]);
    await second.obs.stop();
});

test('a key that is removed is cut off within a second, and opens nothing any more', async () => {
    const { stream } = await streamsBy();
    await does(`/stream-keys/${key.id}`, 'DELETE');
    await isCutOff();
    assert.equal((await told('participant.removed', stream.id)).reason, 'stream_key_ended');
    await isRefused(401, 'unauthorized');
});

test('so is one whose time is up', async () => {
    await streamsBy();
    await stack.sql(`UPDATE stream_keys SET expires_unix_ms = UNIX_TIMESTAMP(NOW(3)) * 1000 WHERE stream_key_id = ${key.id}`);
    await isCutOff();
    await isRefused(401, 'unauthorized');
});

test('it waits neither in a lobby nor for a host; a lock keeps it out, but not if it was in of late', async () => {
    await does('', 'PATCH', { lobby: true, locked: true });
    await isRefused(423, 'room_locked');
    await does('', 'PATCH', { locked: false });
    const { obs } = await streamsBy();
    await does('', 'PATCH', { locked: true });
    await obs.stop();
    await eventually(async () => (await streams()).length === 0, { within: LEAVES_MS, what: 'it has left' });
    await streamsBy();
});

test('moderators make it mute, and take it out until the meeting is over', async () => {
    const { stream } = await streamsBy();
    await does(`/participants/${stream.id}/mute`, 'POST', { sources: ['audio'] }, host.token);
    assert.deepEqual((await streams())[0].muted, ['audio']);
    await does(`/participants/${stream.id}`, 'DELETE', undefined, host.token);
    await isCutOff();
    await isRefused(403, 'removed');
    await does('/end', 'POST');
    const again = await streamsBy();
    assert.deepEqual([again.stream.id, again.stream.muted], [stream.id, []]);
});

test('a ban of who has made it holds for it', async () => {
    const [[dave]] = await stack.sql("INSERT INTO users (username, password) VALUES ('dave', 'x') ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id); SELECT LAST_INSERT_ID()");
    await stack.sql(`UPDATE stream_keys SET user_id = ${dave} WHERE stream_key_id = ${key.id}`);
    await streamsBy();
    const gus = (await stack.request(`/v1/rooms/${room.code}/participants`, { body: { name: 'Gus' } })).json.participant;
    await stack.sql(`UPDATE participants SET user_id = ${dave} WHERE participant_id = ${gus.id}`);
    await does('/bans', 'POST', { participant: gus.id, by: ['user'] });
    await isCutOff();
    await isRefused(403, 'removed'); // as long as the meeting goes on
    await does('/end', 'POST');
    await isRefused(403, 'banned');
});

test('a room has as many publishers and participants as it says, and none when it has ended', async () => {
    await stack.sql(`UPDATE rooms SET participants_max = 1 WHERE room_id = ${room.id}`);
    await isRefused(409, 'room_full');
    await stack.sql(`UPDATE rooms SET participants_max = 5, publishers_max = 0 WHERE room_id = ${room.id}`);
    await isRefused(409, 'room_full');
    await stack.sql(`UPDATE rooms SET publishers_max = 5 WHERE room_id = ${room.id}`);
    await streamsBy();
    const { status } = await stack.request(at(''), { method: 'DELETE', token: owner, headers: { 'if-match': '*' } });
    assert.equal(status, 204);
    await eventually(async () => (await connections()) === 0, { within: 1000, what: 'it is cut off' });
    await isRefused(410, 'gone');
});

test('a key for watching does not send, and one of another room neither', async () => {
    const other = key;
    key = { ...await makeKey({ use: 'watch' }), url: key.url };
    await isRefused(403, 'forbidden');
    room = await make('/v1/rooms', { name: 'Coffee' });
    key = { ...other, url: (await makeKey()).url };
    await isRefused(404, 'no_such_room');
});
