#!/usr/bin/env -S node --test-reporter=tap
// A bridge dies at each step of a connection's beginning: its client is told that it is over, or gets no answer, and makes it again;
// nothing is left of it. (That what is up goes on, tests/e2e/test_media_kills.mjs shows, and what becomes of an offer that waits.)
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { blockCommits } from '../../support/commit-block.mjs';
import { openEvents } from '../../support/event-stream.mjs';
import { startHoldProxy } from '../../support/hold-proxy.mjs';
import { startOwnJanus } from '../../support/own-janus.mjs';
import { AUDIO } from '../../support/rtc-offers.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const TOLD_MS = 2000; // from the takeover
const ENDED_MS = 12000; // a row that nobody knows is found by a round of the bridge's audit

let janus;
let proxy;
let stack;
let room;
let ann;
let events;

before(async () => {
    janus = await startOwnJanus();
    proxy = await startHoldProxy(janus.httpPort);
    stack = await startStack({ LYNKS_JANUS_URL: `http://127.0.0.1:${proxy.port}/janus`, LYNKS_JANUS_ADMIN_KEY: janus.adminKey });
    const token = `Bearer ${await stack.token()}`;
    const made = await stack.request('/v1/rooms', { token, body: { name: 'Tea', guests_wait: false } });
    assert.equal(made.status, 201, made.text);
    room = made.json;
});
after(async () => {
    await events?.end();
    await stack?.remove();
    await proxy?.close();
    await janus?.stop();
});
beforeEach(async () => {
    await events?.end();
    const { json, text } = await stack.request(`/v1/rooms/${room.code}/participants`, { body: { name: `Ann ${Math.random()}` } });
    assert.ok(json.participant, text);
    ann = { id: json.participant.id, token: `Bearer ${json.token}` };
    events = await openEvents(stack.ports.http, { path: `/v1/rooms/${room.code}/events`, token: json.token });
    await events.event('snapshot');
});

const publish = (key) => stack.request(`/v1/rooms/${room.code}/publish`, { token: ann.token, body: AUDIO, headers: { 'idempotency-key': key } });
const watch = () => stack.request(`/v1/rooms/${room.code}/watch`, { method: 'PUT', token: ann.token, body: { wanted: [] } });
const rows = async () => (await stack.sql(`SELECT LOWER(HEX(connection)) FROM rtc_connections WHERE participant_id = ${ann.id}`)).flat();
const isHeld = () => eventually(() => proxy.held() > 0, { within: 5000, what: 'it is held up' });

async function crash() {
    await stack.crash('janusbridge');
    proxy.release();
}

async function isToldClosed(connection) {
    await eventually(() => events.events.some(({ event, data }) => event === 'rtc.closed' && data.connection === connection && data.reason === 'interrupted'),
        { within: TOLD_MS, what: 'the client is told' });
}

// However the first request was answered, it does when it is sent again.
async function publishesAgain(key) {
    const made = await eventually(async () => {
        const answer = await publish(key);
        return answer.status === 201 && answer.json;
    }, { within: 5000, what: 'it is made again' });
    await eventually(async () => {
        assert.deepEqual(await rows(), [made.connection]);
        return true;
    }, { within: ENDED_MS, what: 'its row is the only one' });
}

test('attaching: Janus has the handle, and nobody else', async () => {
    proxy.holdAnswers('"attach"');
    const first = publish('attaching');
    await isHeld();
    await crash();
    const { status, text } = await first;
    assert.ok([201, 502, 503, 504].includes(status), `${status} ${text}`);
    await publishesAgain('attaching');
});

test('storing: the row comes when nobody waits for it any more', async () => {
    const block = await blockCommits(stack);
    const first = publish('storing');
    try {
        await block.isWaiting();
        await stack.signal('janusbridge', 'SIGKILL');
    } finally {
        await block.end();
    }
    const { status, text } = await first;
    assert.ok([201, 409, 502, 503, 504].includes(status), `${status} ${text}`);
    await publishesAgain('storing');
});

test('joining: its row is there', async () => {
    proxy.holdRequests('joinandconfigure');
    const first = publish('joining');
    await isHeld();
    const [connection] = await rows();
    await crash();
    await isToldClosed(connection);
    const { status, text } = await first;
    assert.ok([201, 502, 503, 504].includes(status), `${status} ${text}`);
    await publishesAgain('joined');
});

test('connecting: it has its answer', async () => {
    const { status, json } = await publish('connecting');
    assert.equal(status, 201);
    await crash();
    await isToldClosed(json.connection);
    await publishesAgain('connected');
});

test('joining, of one that watches: nobody sends yet', async () => {
    const { status, json } = await watch();
    assert.equal(status, 200);
    await crash();
    await isToldClosed(json.connection);
    const again = await watch();
    assert.equal(again.status, 200);
    assert.notEqual(again.json.connection, json.connection);
    assert.deepEqual(await rows(), [again.json.connection]);
});
