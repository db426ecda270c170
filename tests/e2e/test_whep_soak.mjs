#!/usr/bin/env -S node --test-reporter=tap
// Programs over libdatachannel that watch by their own offer (201), one after the other, each a process of its own: how many of them get
// sound and picture. Half of them want the picture first, so that Janus' parts have other mids than theirs.
// LYNKS_WHEP_CONNECTIONS: how many (30; 1,000 is what the figure in WHIP.md is of).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { endPeers, JANUS_H264, Sender, Watcher } from '../support/rtp-peer.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';

const CONNECTIONS = Number(process.env.LYNKS_WHEP_CONNECTIONS ?? 30);
const AT_A_TIME = 3;
const SHARE = 0.99;
const PACKETS = { audio: 10, video: 5 };
const SDP = 'application/sdp';

let stack;
let owner;
let room;
let sender;
let whep;

const ask = (method, path, token, body) => stack.request(path, { method, token, body, headers: body === undefined ? {} : { 'content-type': SDP } });

async function made(path, body) {
    const { status, json, text } = await stack.request(path, { token: owner, body });
    assert.equal(status, 201, text);
    return json;
}

before(async () => {
    stack = await startStack();
    owner = `Bearer ${await stack.token()}`;
    room = await made('/v1/rooms', { name: 'Tea', guests_wait: false });
    const guest = await made(`/v1/rooms/${room.code}/participants`, { name: 'Camera' });
    sender = new Sender();
    const answer = await ask('POST', `/v1/rooms/${room.code}/whip`, guest.token, await sender.describe('offer'));
    assert.equal(answer.status, 201, answer.text);
    await sender.take('answer', answer.text);
    await sender.isConnected();
    whep = `/v1/rooms/${room.code}/whep/${guest.participant.id}`;
});
after(async () => {
    sender?.close();
    endPeers();
    await stack?.remove();
});

// What came of one: { ms } until sound and picture came, or { why }.
async function watch(key, number) {
    const peer = new Watcher({ h264: JANUS_H264, isVideoFirst: number % 2 === 1 });
    const began = performance.now();
    let session;
    try {
        const answer = await ask('POST', whep, key, await peer.wish());
        if (answer.status !== 201) return { why: `${answer.status} ${answer.text}` };
        session = answer.headers.location;
        await peer.take('answer', answer.text);
        await eventually(() => peer.packets.audio >= PACKETS.audio && peer.packets.video >= PACKETS.video, { within: 1500, what: 'sound and picture' });
        return { ms: performance.now() - began };
    } catch (error) {
        return { why: `${error.message}; ${peer.state}, ${JSON.stringify(peer.packets)}` };
    } finally {
        if (session) await ask('DELETE', session, key);
        await peer.close();
    }
}

test(`${100 * SHARE} % of ${CONNECTIONS} who make an offer get sound and picture`, { timeout: 3600000 }, async (t) => {
    const results = [];
    let begun = 0;
    async function lane(key) {
        while (begun < CONNECTIONS) {
            begun += 1;
            results.push(await watch(key, begun));
        }
    }
    const keys = await Promise.all(Array.from({ length: AT_A_TIME }, (_, i) => made(`/v1/rooms/${room.id}/stream-keys`, { label: `screen ${i}`, use: 'watch' })));
    await Promise.all(keys.map(({ key }) => lane(key)));
    const times = results.flatMap(({ ms }) => ms ?? []).sort((a, b) => a - b);
    const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))]?.toFixed(0);
    t.diagnostic(`${times.length} of ${results.length} got sound and picture, half of them after ${at(0.5)} ms, 95 % after ${at(0.95)} ms, the last after ${at(1)} ms`);
    for (const { why } of results.filter((result) => result.why)) t.diagnostic(why);
    assert.ok(times.length >= SHARE * CONNECTIONS, `${times.length} of ${results.length}`);
});
