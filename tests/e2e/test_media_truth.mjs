#!/usr/bin/env -S node --test-reporter=tap
// What others are told is true, whatever becomes of somebody: his browser dies, he is cut off, or he does not want to go. The tests build
// on each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CUTTABLE, cutOff, enterOwnNet } from '../support/own-net.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually, sleep } from '../support/wait.mjs';
import { startPeople } from './people.mjs';

enterOwnNet(import.meta.url);

// From what happens to what others are told.
const LOST_MS = 3000; // his media does not come any more
const KILLED_GONE_MS = 30000;
const CUT_GONE_MS = 70000;
const SHORT_CUT_MS = 10000; // as of who goes from one network to another
const CUT_OFF_MS = 1000; // of who is removed
const TAKEN_OVER_MS = 2000; // after a kill
const STILL_MS = 500; // in which many packets come to who gets any

const homes = []; // of people, a browser each
let stack;
let gateway;
let owner;
let room;
let roomId;
const at = {};

async function enter(name, token) {
    const people = await startPeople({ under: name === 'dan' ? CUTTABLE : [], beside: homes[0] });
    homes.push(people);
    at[name] = await people.person(name);
    at[name].kill = people.kill;
    await at[name].enter(gateway, room, token);
    await at[name].call('publish');
}

before(async () => {
    const people = await startPeople();
    homes.push(people);
    stack = await startStack({ LYNKS_CORS_ORIGINS: people.origin });
    gateway = `http://127.0.0.1:${stack.ports.http}`;
    const { json } = await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } });
    owner = `Bearer ${json.token}`;
    const made = await stack.request('/v1/rooms', { token: owner, body: { name: 'Tea', guests_wait: false } });
    room = made.json.code;
    [[roomId]] = await stack.sql(`SELECT room_id FROM rooms WHERE code = '${room.replaceAll('-', '')}'`);
    at.ann = await people.person('ann');
    await at.ann.enter(gateway, room, json.token);
    await at.ann.call('publish');
    for (const name of ['cid', 'dan', 'eve']) await enter(name);
    await allGet();
});
after(async () => {
    for (const people of homes.reverse()) await people.close().catch(() => {});
    await stack?.remove();
});

const names = () => Object.keys(at);
const allGet = () => Promise.all(names().map((name) => at[name].gets(
    names().filter((other) => other !== name).map((other) => [at[other], 'audio', 'video']))));
const tracksOf = async (id) => (await at.ann.call('people'))[id]?.tracks;

// Told lost, or not told at all.
async function isToldLost({ id }, within) {
    await eventually(async () => {
        const tracks = await tracksOf(id) ?? [];
        assert.deepEqual(tracks.filter(({ media }) => media === 'flowing'), []);
        return true;
    }, { within, what: 'his media is told lost' });
}

const isToldGone = ({ id }, within) => eventually(async () => !Object.hasOwn(await at.ann.call('people'), id), { within, what: 'he is told gone' });

// Who sends, as Janus has it.
async function feedsInJanus() {
    const session = `/${(await stack.janus('', { janus: 'create' })).data.id}`;
    const handle = (await stack.janus(session, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
    const listed = await stack.janus(`${session}/${handle}`, { janus: 'message', body: { request: 'listparticipants', room: Number(roomId) } });
    await stack.janus(session, { janus: 'destroy' });
    return listed.plugindata.data.participants.filter(({ publisher }) => publisher).map(({ id }) => id).sort();
}

// The lists, /v1, the rows and Janus.
async function allAgree() {
    await eventually(async () => {
        const feeds = await feedsInJanus();
        const rows = await stack.sql(`SELECT feed, participant_id FROM rtc_connections WHERE room_id = ${roomId} AND kind = 1 AND is_up = 1`);
        const { json } = await stack.request(`/v1/rooms/${room}/participants`, { method: 'GET', token: owner });
        assert.deepEqual(rows.map(([feed]) => Number(feed)).sort(), feeds);
        assert.deepEqual((await stack.list(owner.slice('Bearer '.length), Number(roomId))).json.publishers.sort(), feeds);
        assert.deepEqual(json.items.filter(({ tracks }) => tracks.length > 0).map(({ id }) => id).sort(), rows.map(([, id]) => id).sort());
        assert.deepEqual(json.items.map(({ id }) => id).sort(), names().map((name) => at[name].id).sort());
        return true;
    }, { within: 3000, what: 'all agree' });
    const { text } = await stack.ops('janusbridge', '/metrics');
    assert.match(text, /^lynks_janusbridge_connection_differences_total 0$/m);
}

test('a browser is killed: its media is told lost, and then he is gone', async (t) => {
    const { cid } = at;
    const begin = performance.now();
    cid.kill();
    await isToldLost(cid, LOST_MS);
    t.diagnostic(`told lost after ${(performance.now() - begin).toFixed(0)} ms`);
    await isToldGone(cid, KILLED_GONE_MS);
    t.diagnostic(`told gone after ${(performance.now() - begin).toFixed(0)} ms`);
    delete at.cid;
    await allAgree();
    await allGet();
});

test('who is cut off for a short while is there afterwards as he was', async () => {
    const { dan } = at;
    const cameIn = () => stack.sql(`SELECT joined_unix_ms, state FROM participants WHERE participant_id = ${dan.id}`);
    const before = await cameIn();
    const mend = cutOff();
    try {
        await isToldLost(dan, LOST_MS);
        await sleep(SHORT_CUT_MS);
    } finally {
        mend();
    }
    await allGet();
    assert.deepEqual(await cameIn(), before);
});

test('somebody is cut off without a word: likewise', async (t) => {
    const { dan } = at;
    const mend = cutOff();
    try {
        const begin = performance.now();
        await isToldLost(dan, LOST_MS);
        t.diagnostic(`told lost after ${(performance.now() - begin).toFixed(0)} ms`);
        await isToldGone(dan, CUT_GONE_MS);
        t.diagnostic(`told gone after ${(performance.now() - begin).toFixed(0)} ms`);
        delete at.dan;
        await allAgree();
        await allGet();
    } finally {
        dan.kill(); // he would come back
        mend();
    }
});

// His page keeps both connections, and goes on as if nothing had happened.
function keepConnections() {
    const { publisher, watcher } = window.person.meeting;
    window.kept = [publisher.peer, watcher.peer];
    RTCPeerConnection.prototype.close = () => {};
    RTCRtpSender.prototype.replaceTrack = () => Promise.resolve();
    MediaStreamTrack.prototype.stop = () => {};
}

async function packetsOfKept() {
    const [sends, gets] = await Promise.all(window.kept.map(async (peer) => [...(await peer.getStats()).values()]));
    const sum = (list, type, key) => list.filter((one) => one.type === type).reduce((all, one) => all + one[key], 0);
    return { sent: sum(sends, 'outbound-rtp', 'packetsSent'), got: sum(gets, 'inbound-rtp', 'packetsReceived') };
}

const feedOf = async ({ id }) => Number((await stack.sql(`SELECT feed FROM rtc_connections WHERE participant_id = ${id} AND kind = 1`))[0][0]);

// Somebody in a page that ignores what he is told is taken out by this request, while something may have been killed: he gets nothing any
// more, and Janus nothing of his.
async function isCutOff(who, kill, within, method, path) {
    const feed = await feedOf(who);
    assert.ok((await feedsInJanus()).includes(feed));
    await who.page.evaluate(keepConnections);
    await kill.before?.();
    const done = await stack.request(`/v1/rooms/${room}${path}`, { method, token: owner });
    assert.equal(done.status, 204, done.text);
    await kill.after?.();
    const begin = performance.now();
    await eventually(async () => !(await feedsInJanus()).includes(feed), { within, what: 'Janus does not have him any more' });
    const ms = performance.now() - begin;
    await eventually(async () => {
        const { got } = await who.page.evaluate(packetsOfKept);
        await sleep(STILL_MS);
        return (await who.page.evaluate(packetsOfKept)).got === got;
    }, { within: CUT_OFF_MS, what: 'nothing comes to him any more' });
    return ms;
}

async function isOutAndAllAgree(name) {
    assert.equal(await tracksOf(at[name].id), undefined);
    delete at[name];
    await allAgree();
}

test('who is removed and does not want to hear of it is cut off at once all the same', async () => {
    await isCutOff(at.eve, {}, CUT_OFF_MS, 'DELETE', `/participants/${at.eve.id}`);
    await isOutAndAllAgree('eve');
});

async function comesBesideAnn(name) {
    at[name] = await homes[0].person(name);
    await at[name].enter(gateway, room);
    await at[name].call('publish');
    await allGet();
}

test('so is who is removed while the bridge is dead, when there is one again', async (t) => {
    await comesBesideAnn('fay');
    const kill = { before: () => stack.signal('janusbridge', 'SIGKILL') };
    const ms = await isCutOff(at.fay, kill, TAKEN_OVER_MS + CUT_OFF_MS, 'DELETE', `/participants/${at.fay.id}`);
    t.diagnostic(`cut off ${ms.toFixed(0)} ms after the answer`);
    await isOutAndAllAgree('fay');
});

test('so are all when the meeting ends, though roomsvc is killed at once', async (t) => {
    await comesBesideAnn('gus');
    const kill = { after: () => stack.signal('roomsvc', 'SIGKILL') };
    const ms = await isCutOff(at.gus, kill, TAKEN_OVER_MS + CUT_OFF_MS, 'POST', '/end');
    t.diagnostic(`cut off ${ms.toFixed(0)} ms after the end`);
    await eventually(async () => {
        assert.deepEqual(await feedsInJanus(), []);
        assert.deepEqual(await stack.sql(`SELECT connection FROM rtc_connections WHERE room_id = ${roomId}`), []);
        return true;
    }, { within: CUT_OFF_MS, what: 'nothing is left of anybody' });
});
