#!/usr/bin/env -S node --test-reporter=tap
// Programs that know nothing of Lynks send to a room by WHIP, and somebody in a browser sees and hears them: the library whip-whep on a page
// of another site, and one that does what OBS does (plugins/obs-webrtc of OBS 30): one offer with H264 as payload type 96, nothing
// trickled, its bearer with POST and DELETE only, and no other answers than 201 and 200. The tests build on each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { endPeers, Sender } from '../support/rtp-peer.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { startPeople } from './people.mjs';

let people;
let stack;
let gateway;
let owner;
let room;
let bob; // watches
const sent = {}; // name -> who sends

const refusals = []; // of whip-whep's page

before(async () => {
    people = await startPeople();
    stack = await startStack({ LYNKS_CORS_ORIGINS: people.origin });
    gateway = `http://127.0.0.1:${stack.ports.http}`;
    owner = `Bearer ${await stack.token()}`;
    const made = await stack.request('/v1/rooms', { token: owner, body: { name: 'Tea', guests_wait: false } });
    assert.equal(made.status, 201, made.text);
    room = made.json.code;
    bob = await people.person('bob');
    await bob.enter(gateway, room);
});
after(async () => {
    for (const { sender } of Object.values(sent)) sender?.close();
    endPeers();
    await people?.close();
    await stack?.remove();
});

const join = async (name) => {
    const { status, json, text } = await stack.request(`/v1/rooms/${room}/participants`, { body: { name } });
    assert.equal(status, 201, text);
    return { id: json.participant.id, name, token: json.token };
};

const hears = async (whose, ...expected) => eventually(async () => {
    const tracks = (await bob.call('people'))[whose.id]?.tracks ?? [];
    assert.deepEqual(tracks.map(({ source, media }) => `${source} ${media}`).sort(), expected.sort());
    return true;
}, { within: 10000, what: `bob is told that ${whose.name} sends ${expected}` });

// What OBS is set up with: an address and a key.
async function makeKey(name) {
    const { status, json, text } = await stack.request(`/v1/rooms/${room}/stream-keys`, { token: owner, body: { label: name, use: 'publish' } });
    assert.equal(status, 201, text);
    return { name, token: json.key, key: json.id, url: new URL(json.url).pathname };
}

// What OBS does, and no more.
async function obsBegins(name, whose) {
    const sender = new Sender();
    sent[name] = { ...whose, sender };
    const offer = await sender.describe('offer');
    assert.match(offer, /m=video \d+ UDP\/TLS\/RTP\/SAVPF 96\r\n/);
    const answer = await stack.request(whose.url, { token: `Bearer ${whose.token}`, body: offer, headers: { 'content-type': 'application/sdp' } });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.headers['content-type'], 'application/sdp');
    assert.match(answer.headers.location, /^\/v1\/rtc\/[0-9a-f]{32}$/);
    await sender.take('answer', answer.text);
    await sender.isConnected();
    const { json: { participant } } = await stack.request(`/v1/rooms/${room}/stream-keys/${whose.key}`, { method: 'GET', token: owner });
    return Object.assign(sent[name], { location: answer.headers.location, id: participant });
}

test('what OBS sends is seen and heard', async () => {
    const obs = await obsBegins('obs', await makeKey('studio'));
    await hears(obs, 'audio flowing', 'video flowing');
    await bob.gets([[obs, 'audio', 'video']]);
    assert.deepEqual([(await bob.seen())[`${obs.id}/video`]].map(({ width, height }) => [width, height]), [[16, 16]]);
});

test('a second start after a cut takes the place of the first, which is no ghost', async () => {
    const first = sent.obs;
    const second = await obsBegins('again', first);
    delete sent.obs;
    await first.sender.isOver();
    await first.sender.close();
    const gone = await stack.request(first.location, { method: 'GET', token: `Bearer ${first.token}` });
    assert.equal(gone.status, 404, gone.text);
    await hears(second, 'audio flowing', 'video flowing');
    await bob.gets([[second, 'audio', 'video']]);
    assert.equal(Object.keys(await bob.call('people')).length, 2);
});

test('a page of another site sends with whip-whep', async () => {
    const elsewhere = people.pages.url.replace('127.0.0.1', 'localhost'); // an origin that LYNKS_CORS_ORIGINS does not name
    const ann = sent.ann = await join('ann');
    const page = sent.ann.page = await (await people.person('page')).page;
    page.on('response', (response) => {
        if (response.url().startsWith(gateway) && response.status() >= 400) refusals.push(`${response.request().method()} ${response.url()} ${response.status()}`);
    });
    await page.goto(`${elsewhere}whip`);
    await page.waitForFunction(() => window.outsider);
    await page.evaluate(([url, token]) => window.outsider.publish(url, token), [`${gateway}/v1/rooms/${room}/whip`, ann.token]);
    await eventually(async () => (await page.evaluate(() => window.outsider.status())).state === 'connected', { within: 8000, what: 'its connection' });
    await hears(ann, 'audio flowing', 'video flowing');
    await bob.gets([[sent.again, 'audio', 'video'], [ann, 'audio', 'video']]);
});

test('it restarts ICE, which has another ETag, and goes on', async () => {
    const { page } = sent.ann;
    const status = () => page.evaluate(() => window.outsider.status());
    const before = await status();
    assert.match(before.etag, /^"1"$/);
    await page.evaluate(() => window.outsider.restart());
    await eventually(async () => {
        const { isRestarting, isTelling, etag } = await status();
        return !isRestarting && !isTelling && etag === '"2"';
    }, { within: 5000, what: 'the restart' });
    assert.notEqual((await status()).ufrag, before.ufrag);
    await bob.gets([[sent.again, 'audio', 'video'], [sent.ann, 'audio', 'video']]);
    assert.equal((await status()).state, 'connected');
});

test('who sends by WHIP is made mute by who leads', async () => {
    const { again } = sent;
    const muted = await stack.request(`/v1/rooms/${room}/participants/${again.id}/mute`, { token: owner, body: { sources: ['video'] } });
    assert.equal(muted.status, 204, muted.text);
    await eventually(async () => (await bob.call('people'))[again.id].tracks.some(({ source, muted: isMuted }) => source === 'video' && isMuted),
        { within: 5000, what: 'bob is told that he is mute' });
    const frames = async () => (await bob.seen())[`${again.id}/video`].packets;
    await eventually(async () => {
        const before = await frames();
        await bob.page.waitForTimeout(500);
        return await frames() === before;
    }, { within: 5000, what: 'nothing is seen of him' });
});

test('who stops is gone for the others at once, OBS by DELETE that it wants 200 for', async () => {
    const { again, ann } = sent;
    await ann.page.evaluate(() => window.outsider.stop());
    await hears(ann);
    await again.sender.close(); // which Janus hears of
    const ended = await stack.request(again.location, { method: 'DELETE', token: `Bearer ${again.token}` });
    assert.deepEqual([ended.status, ended.text], [200, '']);
    await hears(again);
    await bob.gets([]);
    assert.deepEqual(refusals, []);
});

test('no page had anything to complain of', () => {
    assert.deepEqual(people.faults(), []);
});
