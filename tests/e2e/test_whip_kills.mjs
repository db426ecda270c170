#!/usr/bin/env -S node --test-reporter=tap
// The bridge is killed while one sends by WHIP and three watch by WHEP, by their own offer and by Janus': nobody notices, and what is asked
// of their connections afterwards the next bridge does. Then moderators and who owns the keys cut them off. The tests build on each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { endPeers, JANUS_H264, Sender, Watcher } from '../support/rtp-peer.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const CANDIDATE = 'm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.7 4000 typ host\r\n';
const OTHER_ICE = 'a=ice-ufrag:Neww\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n';
const CUT_OFF_MS = 1000;

let stack;
let owner;
let room;
let camera; // sends
const watchers = {}; // by their own offer, or by Janus'

const ask = (method, path, token, body, headers = {}) => stack.request(path, { method, token, body, headers: { ...(body === undefined ? {} : { 'content-type': SDP }), ...headers } });
const does = async (method, path, body, token = owner) => {
    const { status, json, text } = await stack.request(`/v1/rooms/${room.id}${path}`, { method, token, body });
    assert.ok(status >= 200 && status < 300, `${method} ${path}: ${text}`);
    return json;
};
const whep = () => `/v1/rooms/${room.code}/whep/${camera.participant}`;
const all = () => [camera, ...Object.values(watchers)];
const connections = async () => Number((await stack.sql(`SELECT COUNT(*) FROM rtc_connections WHERE room_id = ${room.id}`))[0][0]);

async function makeKey(label, use) {
    const { id, key } = await does('POST', '/stream-keys', { label, use });
    return { id, token: key, participant: async () => (await does('GET', `/stream-keys/${id}`)).participant };
}

async function begins(peer, token, answer) {
    await peer.take('answer', answer.text);
    await peer.isConnected();
    return Object.assign(peer, { token, session: answer.headers.location, etag: answer.headers.etag });
}

async function watchesByOwnOffer(key) {
    const peer = new Watcher({ h264: JANUS_H264 });
    const answer = await ask('POST', whep(), key.token, await peer.wish());
    assert.equal(answer.status, 201, answer.text);
    return Object.assign(await begins(peer, key.token, answer), { key });
}

async function watchesByOfferOfJanus(key) {
    const wish = new Watcher();
    const answer = await ask('POST', whep(), key.token, await wish.wish());
    assert.equal(answer.status, 406, answer.text);
    await wish.close();
    const peer = new Watcher();
    await peer.take('offer', answer.text);
    const told = await ask('PATCH', answer.headers.location, key.token, await peer.describe('answer'));
    assert.equal(told.status, 204, told.text);
    await peer.isConnected();
    return Object.assign(peer, { token: key.token, session: answer.headers.location, etag: answer.headers.etag, key });
}

const goesOn = (peer, ...kinds) => {
    const before = { ...peer.packets };
    return eventually(() => kinds.every((kind) => peer.packets[kind] > before[kind] + 10), { within: 5000, what: `${kinds} goes on` });
};
const allGoOn = (...kinds) => Promise.all(Object.values(watchers).map((peer) => goesOn(peer, ...kinds)));

async function isCutOff(name) {
    const { [name]: peer } = watchers;
    delete watchers[name];
    await eventually(async () => await connections() === all().length, { within: CUT_OFF_MS, what: `${name} is cut off` });
    await peer.isOver();
    return peer;
}

async function isRefused(peer, status, code) {
    const answer = await ask('POST', whep(), peer.token, peer.sdp);
    assert.deepEqual([answer.status, answer.json.code], [status, code]);
}

before(async () => {
    stack = await startStack();
    owner = `Bearer ${await stack.token()}`;
    const { json } = await stack.request('/v1/rooms', { token: owner, body: { name: 'Tea', guests_wait: false } });
    room = json;
    const key = await makeKey('camera', 'publish');
    const peer = new Sender();
    const answer = await ask('POST', `/v1/rooms/${room.code}/whip`, key.token, await peer.describe('offer'));
    assert.equal(answer.status, 201, answer.text);
    camera = Object.assign(await begins(peer, key.token, answer), { key, participant: await key.participant() });
    watchers.own = await watchesByOwnOffer(await makeKey('hall', 'watch'));
    watchers.other = await watchesByOfferOfJanus(await makeKey('lobby', 'watch'));
    watchers.third = await watchesByOwnOffer(await makeKey('roof', 'watch'));
    await allGoOn('audio', 'video');
});
after(async () => {
    for (const peer of all()) peer?.close();
    endPeers();
    await stack?.remove();
});

test('a bridge that is killed is not noticed', async () => {
    const killed = stack.crash('janusbridge');
    await allGoOn('audio', 'video');
    await killed;
    await allGoOn('audio', 'video');
    assert.deepEqual(all().map(({ state }) => state), all().map(() => 'connected'));
});

test('the next one knows all connections, and what may be told of them', async () => {
    for (const { session, token, etag } of all()) {
        assert.equal((await ask('GET', session, token)).status, 204);
        for (const headers of [{}, { 'if-match': etag }]) {
            const told = await ask('PATCH', session, token, CANDIDATE, { 'content-type': FRAGMENT, ...headers });
            assert.equal(told.status, 204, told.text);
        }
        const stale = await ask('PATCH', session, token, OTHER_ICE, { 'content-type': FRAGMENT, 'if-match': '"7"' });
        assert.deepEqual([stale.status, stale.json.code], [412, 'stale']);
    }
    await allGoOn('audio', 'video');
});

test('a moderator takes one out who watches, and he does not come in again', async () => {
    await does('DELETE', `/participants/${await watchers.own.key.participant()}`);
    await isRefused(await isCutOff('own'), 403, 'removed');
});

test('a key that is removed watches no more, and opens nothing', async () => {
    await does('DELETE', `/stream-keys/${watchers.other.key.id}`);
    await isRefused(await isCutOff('other'), 401, 'unauthorized');
    await allGoOn('audio', 'video');
});

test('a second POST with a key ends the connection of the first', async () => {
    const first = watchers.third;
    watchers.third = await watchesByOwnOffer(first.key);
    await first.isOver();
    assert.equal((await ask('GET', first.session, first.token)).status, 404);
    await allGoOn('audio', 'video');
});

test('who sends is made mute by a moderator: only the picture comes', async () => {
    await does('POST', `/participants/${camera.participant}/mute`, { sources: ['audio'] });
    await eventually(async () => {
        const before = watchers.third.packets.audio;
        await allGoOn('video');
        return watchers.third.packets.audio === before;
    }, { what: 'nothing is heard' });
});

test('DELETE ends those that are left', async () => {
    for (const peer of all()) {
        const ended = await ask('DELETE', peer.session, peer.token);
        assert.deepEqual([ended.status, ended.text], [200, '']);
        await peer.isOver();
    }
    await eventually(async () => await connections() === 0, { what: 'no connection is left' });
});
