#!/usr/bin/env -S node --test-reporter=tap
// Programs that know nothing of Lynks watch somebody by WHEP (draft-ietf-wish-whep-03), and one in Python over aiortc sends by WHIP, too. And
// what the draft asks of who speaks WHEP, one row a rule, which is printed. The tests build on each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AiortcPeer } from '../support/aiortc-peer.mjs';
import { testRules } from '../support/conformance.mjs';
import { endPeers, JANUS_H264, Sender, Watcher } from '../support/rtp-peer.mjs';
import { offerOf } from '../support/rtc-offers.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const ELSEWHERE = 'https://elsewhere.example';
const AWAY_S = 3;
// Its VP8 is where Firefox has it.
const WISH = offerOf('audio', 'video').replaceAll('sendonly', 'recvonly').replace('SAVPF 96', 'SAVPF 120').replace('rtpmap:96', 'rtpmap:120');

let stack;
let gateway;
let owner;
let room;
let sender;
let watcher; // the first
let made; // the answer that it was given
let session; // the path of its connection
let fitting; // an answer to an offer that fits
let guests = 0;
const peers = [];
const programs = [];

async function join() {
    const { json, text } = await stack.request(`/v1/rooms/${room}/participants`, { body: { name: `Guest ${guests += 1}` } });
    assert.ok(json.token, text);
    return { id: json.participant.id, token: json.token };
}

async function makeKey(label, use) {
    const { status, json, text } = await stack.request(`/v1/rooms/${room}/stream-keys`, { token: owner, body: { label, use } });
    assert.equal(status, 201, text);
    return json;
}

const whepOf = (participant) => `/v1/rooms/${room}/whep/${participant}`;
const ask = (method, path, token, body, headers = {}) => stack.request(path, { method, token: token && `Bearer ${token}`, body,
    headers: { ...(body === undefined ? {} : { 'content-type': SDP }), ...headers } });
const isRefused = (answer, status, code) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.code, code);
};

async function sends() {
    const peer = new Sender();
    peers.push(peer);
    const { id, token } = sender ?? await join();
    const answer = await ask('POST', `/v1/rooms/${room}/whip`, token, await peer.describe('offer'));
    assert.equal(answer.status, 201, answer.text);
    await peer.take('answer', answer.text);
    await peer.isConnected();
    sender = Object.assign(peer, { id, token, session: answer.headers.location });
}

async function answers(token, answer) {
    const peer = new Watcher();
    peers.push(peer);
    await peer.take('offer', answer.text);
    const told = await ask('PATCH', answer.headers.location, token, await peer.describe('answer'));
    assert.equal(told.status, 204, told.text);
    await peer.isConnected();
    return Object.assign(peer, { token });
}

const gets = (peer) => eventually(() => peer.packets.audio > 20 && peer.packets.video > 10, { within: 8000, what: 'sound and picture' });

before(async () => {
    stack = await startStack({ LYNKS_TURN_URLS: 'turn:turn.example.net:3478?transport=udp', LYNKS_TURN_SECRET: 'secret of the test', LYNKS_AWAY_S: String(AWAY_S) });
    gateway = `http://127.0.0.1:${stack.ports.http}`;
    owner = `Bearer ${await stack.token()}`;
    const answer = await stack.request('/v1/rooms', { token: owner, body: { name: 'Tea', guests_wait: false } });
    assert.equal(answer.status, 201, answer.text);
    room = answer.json.code;
});
after(async () => {
    for (const program of programs) await program.end();
    for (const peer of peers) peer.close();
    endPeers();
    await stack?.remove();
});

test('nobody sends: 409, and when to come again', async () => {
    const { id, token } = await join();
    const answer = await ask('POST', whepOf(id), token, WISH);
    isRefused(answer, 409, 'conflict');
    assert.match(answer.headers['retry-after'], /^\d+$/);
});

test('a program over libdatachannel watches, by the counter-offer', async () => {
    await sends();
    const { key } = await makeKey('screen in the hall', 'watch');
    const wish = new Watcher();
    peers.push(wish);
    made = await eventually(async () => {
        const answer = await ask('POST', whepOf(sender.id), key, await wish.wish());
        return answer.status === 406 && answer;
    }, { within: 8000, what: 'the counter-offer' });
    session = made.headers.location;
    watcher = await answers(key, made);
    await gets(watcher);
});

test('a program whose payload types are those of Janus watches by its own offer', async () => {
    for (const isVideoFirst of [false, true]) {
        const { token } = await join();
        const peer = new Watcher({ h264: JANUS_H264, isVideoFirst });
        peers.push(peer);
        fitting = await ask('POST', whepOf(sender.id), token, await peer.wish());
        assert.equal(fitting.status, 201, fitting.text);
        fitting.token = token;
        await peer.take('answer', fitting.text);
        await peer.isConnected();
        await gets(peer);
    }
});

test('of who sends no picture, the part for it is rejected', async () => {
    const [voice, peer] = [new Sender({ hasVideo: false }), new Watcher({ h264: JANUS_H264 })];
    peers.push(voice, peer);
    const [speaker, listener] = [await join(), await join()];
    const sent = await ask('POST', `/v1/rooms/${room}/whip`, speaker.token, await voice.describe('offer'));
    assert.equal(sent.status, 201, sent.text);
    await voice.take('answer', sent.text);
    await voice.isConnected();
    const answer = await ask('POST', whepOf(speaker.id), listener.token, await peer.wish());
    assert.equal(answer.status, 201, answer.text);
    assert.match(answer.text, /m=video 0 UDP\/TLS\/RTP\/SAVPF 107\r\n/);
    await peer.take('answer', answer.text);
    await peer.isConnected();
    await eventually(() => peer.packets.audio > 20, { within: 8000, what: 'sound' });
    await ask('DELETE', answer.headers.location, listener.token);
    await ask('DELETE', sent.headers.location, speaker.token);
});

test('who only watches by it is not away', async () => {
    const { packets } = watcher;
    const before = packets.video;
    const began = Date.now();
    await eventually(() => Date.now() - began > 2000 * AWAY_S, { within: 4000 * AWAY_S, what: 'longer than one may be away' });
    await eventually(() => packets.video > before + 10, { within: 4000, what: 'it goes on' });
    assert.equal((await ask('GET', session, watcher.token)).status, 204);
});

const OTHER_ICE = 'a=ice-ufrag:Neww\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n';
const CANDIDATE = 'm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.7 4000 typ host\r\n';
const RULES = [
    ['4.2', 'MUST', 'POST of an offer that fits: 201, application/sdp, an answer that only sends', () => {
        assert.equal(fitting.headers['content-type'], SDP);
        assert.match(fitting.text, /a=setup:passive/);
        assert.equal(fitting.text.match(/a=sendonly/g).length, 2);
        assert.match(fitting.text, /a=candidate:[^]*a=end-of-candidates/);
        assert.match(fitting.headers.etag, /^"[^"]+"$/);
        assert.match(fitting.headers.location, /^\/v1\/rtc\/[0-9a-f]{32}$/);
    }],
    ['4.2', 'MUST', 'then candidates are taken, a restart of ICE is refused, and DELETE ends it', async () => {
        const path = fitting.headers.location;
        assert.equal((await ask('PATCH', path, fitting.token, CANDIDATE, { 'content-type': FRAGMENT, 'if-match': fitting.headers.etag })).status, 204);
        isRefused(await ask('PATCH', path, fitting.token, OTHER_ICE, { 'content-type': FRAGMENT, 'if-match': '*' }), 409, 'conflict');
        assert.equal((await ask('DELETE', path, fitting.token)).status, 200);
    }],
    ['4.4', 'MAY', '201 and 406 have a Link of each ICE server', () => {
        for (const { headers } of [made, fitting]) assert.match(headers.link, /^<turn:turn.example.net:3478\?transport=udp>; rel="ice-server"; username="\d+:\d+"; credential="[^"]+"; credential-type="password"$/);
    }],
    ['4.2', 'MUST', 'POST of an offer that does not fit: 406, application/sdp, an offer', () => {
        assert.equal(made.headers['content-type'], SDP);
        assert.match(made.text, /a=setup:actpass/);
        assert.equal(made.text.match(/a=sendonly/g).length, 2);
    }],
    ['4.2', 'MUST', '406 has a Location', () => assert.match(session, /^\/v1\/rtc\/[0-9a-f]{32}$/)],
    ['4.2', 'MUST', 'the offer has all candidates', () => assert.match(made.text, /a=candidate:[^]*a=end-of-candidates/)],
    ['4.2', 'SHOULD', 'it has an ETag', () => assert.match(made.headers.etag, /^"[^"]+"$/)],
    ['4.2', 'MAY', 'Accept-Patch says how to answer', () => assert.equal(made.headers['accept-patch'], `${SDP}, ${FRAGMENT}`)],
    ['4.2', 'MUST', 'PATCH of the answer: 204; again: 204', async () => {
        assert.equal((await ask('PATCH', session, watcher.token, watcher.sdp)).status, 204);
    }],
    ['4.2', 'MUST', 'what is no SDP: 400', async () => isRefused(await ask('POST', whepOf(sender.id), watcher.token, '{}'), 400, 'bad_request')],
    ['4.2', 'MUST', 'an offer of neither sound nor picture: 422', async () => isRefused(await ask('POST', whepOf(sender.id), watcher.token, 'v=0\r\ns=-\r\n'), 422, 'bad_sdp')],
    ['4.2', 'MUST', 'another media type: 415', async () => isRefused(await ask('POST', whepOf(sender.id), watcher.token, WISH, { 'content-type': 'text/plain' }), 415, 'media_type')],
    ['4.2', 'SHOULD', 'who is not there sends nothing: 409 with Retry-After', async () => {
        const { token } = await join();
        const answer = await ask('POST', whepOf('4711'), token, WISH);
        isRefused(answer, 409, 'conflict');
        assert.match(answer.headers['retry-after'], /^\d+$/);
    }],
    ['4.2', 'MUST', 'GET and HEAD of the endpoint: 2xx without content', async () => {
        for (const method of ['GET', 'HEAD']) {
            const answer = await ask(method, whepOf(sender.id), watcher.token);
            assert.deepEqual([answer.status, answer.text], [204, '']);
        }
    }],
    ['4.2', 'MUST', 'GET and HEAD of the session: 2xx without content', async () => {
        for (const method of ['GET', 'HEAD']) {
            const answer = await ask(method, session, watcher.token);
            assert.deepEqual([answer.status, answer.text], [204, '']);
        }
    }],
    ['4.3', 'MUST', 'OPTIONS serves pages of all sites, without a bearer', async () => {
        const answer = await ask('OPTIONS', whepOf(sender.id), undefined, undefined, { origin: ELSEWHERE, 'access-control-request-method': 'POST' });
        assert.equal(answer.status, 204);
        assert.equal(answer.headers['access-control-allow-origin'], '*');
        assert.match(answer.headers['access-control-allow-methods'], /POST/);
        assert.equal(answer.headers['accept-post'], SDP);
    }],
    ['4.3', 'MUST', 'PATCH of candidates: 204', async () => assert.equal((await ask('PATCH', session, watcher.token, CANDIDATE, { 'content-type': FRAGMENT })).status, 204)],
    ['4.3', 'MUST', 'for another session of ICE: 412', async () => isRefused(await ask('PATCH', session, watcher.token, CANDIDATE, { 'content-type': FRAGMENT, 'if-match': '"0"' }), 412, 'stale')],
    ['4.3', 'MAY', 'a restart of ICE is refused, and ends nothing', async () => {
        isRefused(await ask('PATCH', session, watcher.token, OTHER_ICE, { 'content-type': FRAGMENT, 'if-match': '*' }), 409, 'conflict');
        assert.equal((await ask('GET', session, watcher.token)).status, 204);
    }],
    ['4.6', 'MUST', 'who shows no bearer: 401', async () => {
        for (const [method, path] of [['POST', whepOf(sender.id)], ['GET', whepOf(sender.id)], ['PATCH', session], ['DELETE', session]]) {
            isRefused(await ask(method, path, undefined, method === 'POST' || method === 'PATCH' ? WISH : undefined), 401, 'unauthorized');
        }
    }],
    ['4.6', 'MUST', 'another participant, or a key for sending: refused', async () => {
        const { token } = await join();
        isRefused(await ask('PATCH', session, token, WISH), 404, 'not_found');
        const { key } = await makeKey('camera', 'publish');
        isRefused(await ask('POST', whepOf(sender.id), key, WISH), 403, 'forbidden');
        isRefused(await ask('POST', `/v1/rooms/${room}/whip`, watcher.token, offerOf('audio')), 403, 'forbidden');
    }],
];
testRules('draft-ietf-wish-whep', 'WHEP', RULES);

test('aiortc watches by the counter-offer', async () => {
    const { token } = await join();
    const program = new AiortcPeer('whep', `${gateway}${whepOf(sender.id)}`, token);
    programs.push(program);
    await program.says(({ status, answered }) => status === 406 && answered === 204, 'it has answered');
    await program.says(({ frames }) => frames?.audio > 20 && frames?.video > 10, 'sound and picture');
    assert.equal(await program.end(), 200);
});

test('aiortc sends by WHIP, and is watched', async () => {
    const { id, token } = await join();
    const program = new AiortcPeer('whip', `${gateway}/v1/rooms/${room}/whip`, token);
    programs.push(program);
    await program.says(({ status, state }) => status === 201 && state === 'connected', 'it sends');
    const viewer = await join();
    const answer = await ask('POST', whepOf(id), viewer.token, WISH);
    assert.equal(answer.status, 406, answer.text);
    await gets(await answers(viewer.token, answer));
    assert.equal(await program.end(), 200);
});

test('a sender that begins again ends who watched the one before, who comes again', async () => {
    await sends();
    await watcher.isOver();
    assert.equal((await ask('GET', session, watcher.token)).status, 404);
    const answer = await eventually(async () => {
        const again = await ask('POST', whepOf(sender.id), watcher.token, WISH);
        return again.status === 406 && again;
    }, { within: 8000, what: 'the counter-offer' });
    const again = await answers(watcher.token, answer);
    await gets(again);
    assert.equal((await ask('DELETE', answer.headers.location, watcher.token)).status, 200);
    await again.isOver();
});
