#!/usr/bin/env -S node --test-reporter=tap
// A meeting through the gateway alone: four people in a browser, a profile each, come into a room of /v1, see and hear each other,
// mute, share a screen and leave. The tests build on each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { startPeople } from './people.mjs';

let people;
let stack;
let gateway;
let room;
let owner;
const [ANN, BOB, CID, DAN] = ['ann', 'bob', 'cid', 'dan'];
const names = [ANN, BOB, CID, DAN];
const at = {}; // name -> who has that name

before(async () => {
    people = await startPeople();
    stack = await startStack({ LYNKS_CORS_ORIGINS: people.origin });
    gateway = `http://127.0.0.1:${stack.ports.http}`;
    const signedIn = await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } });
    owner = `Bearer ${signedIn.json.token}`;
    const made = await stack.request('/v1/rooms', { token: owner, body: { name: 'Tea' } });
    assert.equal(made.status, 201, made.text);
    room = made.json.code;
    // The owner, whom moderation needs; she is in by her session.
    at.ann = await people.person(ANN);
    await at.ann.enter(gateway, room, signedIn.json.token);
});
after(async () => {
    await people?.close();
    await stack?.remove();
});

const others = (name) => names.filter((other) => other !== name && at[other] !== undefined);
const tracksFor = async (watcher, watched) => {
    const tracks = (await at[watcher].call('people'))[at[watched].id]?.tracks ?? [];
    return tracks.map(({ source, muted, media }) => `${source} ${media}${muted ? ' muted' : ''}`).sort();
};
const hears = (watcher, watched, ...expected) => eventually(async () => {
    assert.deepEqual(await tracksFor(watcher, watched), expected.sort());
    return true;
}, { within: 5000, what: `${watcher} is told that ${watched} sends ${expected}` });

// With only one who sends: on a busy machine Chromium leaves the larger layers out.
test('a smaller layer comes without a new offer, and is told', async () => {
    for (const name of [BOB, CID]) {
        at[name] = await people.person(name);
        await at[name].enter(gateway, room);
    }
    await at.cid.call('publish', { video: { width: 640, height: 360, frameRate: 15 } });
    await at.bob.gets([[at.cid, 'audio', 'video']]);
    const video = `${at.cid.id}/video`;
    const isWide = async (width) => {
        assert.equal((await at.bob.seen())[video].width, width);
        return true;
    };
    const offer = async () => (await at.bob.status()).offer;
    // A browser begins with the smaller ones, and sends the largest when it has seen that there is room for it.
    await eventually(() => isWide(640), { within: 20000, what: 'the whole picture' });
    const before = await offer();
    await at.bob.call('want', [[at.cid.id, 'video', 0]]);
    await eventually(() => isWide(320), { within: 10000, what: 'a smaller picture' });
    const { layer } = (await at.bob.call('heardLayers')).filter(({ participant }) => participant === at.cid.id).at(-1);
    assert.equal(layer, 1); // the smallest that Chromium makes of such a picture
    await at.bob.call('want', null);
    await eventually(() => isWide(640), { within: 10000, what: 'the whole picture again' });
    assert.equal(await offer(), before);
});

// What the browser takes for the most that it may send, by what Janus tells it.
const mostOf = (person) => person.page.evaluate(async () => {
    const stats = [...(await window.person.meeting.publisher.peer.getStats()).values()];
    return stats.find(({ type, nominated }) => type === 'candidate-pair' && nominated).availableOutgoingBitrate;
});

test('a room has its own bound on what is sent, which holds at once for who sends already, and ends likewise', async () => {
    const BOUND = 100000;
    const limit = async (bitrate) => {
        const { status, text } = await stack.request(`/v1/rooms/${room}`, { method: 'PATCH', token: owner, body: { bitrate }, headers: { 'if-match': '*' } });
        assert.equal(status, 200, text);
    };
    assert.ok(await mostOf(at.cid) > BOUND);
    await limit(BOUND);
    await eventually(async () => await mostOf(at.cid) <= BOUND, { within: 5000, what: 'he sends less' });
    await limit(null);
    await eventually(async () => await mostOf(at.cid) > 2 * BOUND, { within: 20000, what: 'he sends more again' });
    await at.bob.gets([[at.cid, 'audio', 'video']]);
});

test('four people come in and send, and each sees and hears the three others', async () => {
    at.dan = await people.person(DAN);
    await at.dan.enter(gateway, room);
    await Promise.all([ANN, BOB, DAN].map((name) => at[name].call('publish')));
    for (const name of names) {
        await at[name].gets(others(name).map((other) => [at[other], 'audio', 'video']));
        for (const other of others(name)) await hears(name, other, 'audio flowing', 'video flowing');
    }
    for (const name of names) assert.deepEqual((await at[name].status()).publisher, 'up');
});

test('who mutes himself is not heard any more, and is heard again', async () => {
    const packets = async () => (await at.bob.seen())[`${at.ann.id}/audio`].packets;
    await at.ann.call('mute', ['audio']);
    await hears(BOB, ANN, 'audio flowing muted', 'video flowing');
    // What was on its way arrives; then nothing comes.
    await eventually(async () => {
        const before = await packets();
        await at.bob.page.waitForTimeout(500);
        return await packets() === before;
    }, { within: 5000, what: 'nothing is heard of ann' });
    await at.ann.call('mute', []);
    await hears(BOB, ANN, 'audio flowing', 'video flowing');
    await at.bob.gets(others(BOB).map((other) => [at[other], 'audio', 'video']));
});

test('a shared screen comes beside the camera, and goes', async () => {
    await at.cid.share();
    await hears(DAN, CID, 'audio flowing', 'screen flowing', 'video flowing');
    await at.dan.gets(others(DAN).map((other) => [at[other], 'audio', 'video', ...(other === CID ? ['screen'] : [])]));
    await at.cid.call('unshare');
    await hears(DAN, CID, 'audio flowing', 'video flowing');
    await at.dan.gets(others(DAN).map((other) => [at[other], 'audio', 'video']));
});

test('who leaves is gone for the others, who go on', async () => {
    await at.dan.call('leave');
    assert.deepEqual((await at.dan.status()).over, { reason: 'left' });
    delete at.dan;
    for (const name of [ANN, BOB, CID]) {
        await at[name].gets(others(name).map((other) => [at[other], 'audio', 'video']));
        assert.deepEqual(Object.values(await at[name].call('people')).map((person) => person.name).sort(), [ANN, BOB, CID]);
    }
});

test('a page that is loaded again gets and sends again as the same participant', async () => {
    const { id } = at.cid;
    const token = await at.cid.call('token');
    await at.cid.page.reload();
    await at.cid.page.waitForFunction(() => window.person);
    await at.cid.enter(gateway, room, token);
    assert.equal(at.cid.id, id);
    await at.cid.call('publish');
    for (const name of [ANN, BOB, CID]) await at[name].gets(others(name).map((other) => [at[other], 'audio', 'video']));
});

test('no page had anything to complain of', () => {
    assert.deepEqual(people.faults(), []);
});
