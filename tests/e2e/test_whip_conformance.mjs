#!/usr/bin/env -S node --test-reporter=tap
// What RFC 9725 asks of who speaks WHIP, one row a rule: the section, MUST, SHOULD or MAY, and what was found. The table is printed.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before } from 'node:test';
import { testRules } from '../support/conformance.mjs';
import { Sender, endPeers } from '../support/rtp-peer.mjs';
import { offerOf } from '../support/rtc-offers.mjs';
import { startStack } from '../support/stack.mjs';
import { drawToken, tokenKeyOf } from '../support/tokens.mjs';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const ELSEWHERE = 'https://elsewhere.example';
const CONNECTIONS_MAX = 8;
const OFFERS_AT_ONCE = 30;
const TURN = ['turn:turn.example.net:3478?transport=udp', 'turn:turn.example.net:3478?transport=tcp'];
const TURN_SECRET = 'secret of the test';
const OTHER_ICE = 'a=ice-ufrag:Neww\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n';
const CANDIDATE = 'm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.7 4000 typ host\r\n';

let stack;
let owner;
let room;
let sender; // whose connection is up
let session; // its path
let made; // the answer that made it
let guests = 0;

async function join(code = room) {
    const { json, text } = await stack.request(`/v1/rooms/${code}/participants`, { body: { name: `Guest ${guests += 1}` } });
    assert.ok(json.token, text);
    return `Bearer ${json.token}`;
}

async function makeRoom(options = {}) {
    const answer = await stack.request('/v1/rooms', { token: owner, body: { name: 'Tea', guests_wait: false, ...options } });
    assert.equal(answer.status, 201, answer.text);
    return answer.json.code;
}

const whipOf = (code = room) => `/v1/rooms/${code}/whip`;
const post = (token, body, headers = {}, path = whipOf()) => stack.request(path, { token, body, headers: { 'content-type': SDP, ...headers } });
const patch = (body, headers = {}) => stack.request(session, { method: 'PATCH', token: sender.token, body, headers: { 'content-type': FRAGMENT, ...headers } });
const look = (path, method, token, headers = {}) => stack.request(path, { method, token, headers });
const iceOf = (sdp) => ({ ufrag: /a=ice-ufrag:(\S+)/.exec(sdp)[1], pwd: /a=ice-pwd:(\S+)/.exec(sdp)[1] });
// The server's own reckoning (draft-uberti-behave-turn-rest-00, 2.2).
const isTurnLink = (link, url) => {
    const [, target, user, password] = /^<([^>]+)>; rel="ice-server"; username="([^"]+)"; credential="([^"]+)"; credential-type="password"$/.exec(link) ?? [];
    assert.equal(target, url, link);
    assert.equal(password, createHmac('sha1', TURN_SECRET).update(user).digest('base64'));
};
const isRefused = (answer, status, code) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.code, code);
};
const header = (answer, name, pattern) => assert.match(answer.headers[name] ?? '', pattern, `${name} of ${answer.status}`);

before(async () => {
    stack = await startStack({ LYNKS_TURN_URLS: TURN.join(','), LYNKS_TURN_SECRET: TURN_SECRET, LYNKS_UNKNOWN_TOKEN_BURST: '3', LYNKS_AWAY_S: '300', LYNKS_MEDIA_CONNECTIONS_MAX: String(CONNECTIONS_MAX) });
    owner = `Bearer ${await stack.token()}`;
    room = await makeRoom();
    sender = new Sender();
    sender.token = await join();
    sender.offer = await sender.describe('offer');
    made = await post(sender.token, sender.offer);
    assert.equal(made.status, 201, made.text);
    session = made.headers.location;
    await sender.take('answer', made.text);
    await sender.isConnected();
});
after(async () => {
    sender?.close();
    endPeers();
    await stack?.remove();
});

const preflight = (path, method) => look(path, 'OPTIONS', undefined, { origin: ELSEWHERE, 'access-control-request-method': method });

// [section, how strong, rule, check]
const RULES = [
    ['4.2', 'MUST', 'POST of an offer: 201, application/sdp, an answer', () => {
        assert.equal(made.headers['content-type'], SDP);
        assert.match(made.text, /^v=0\r\n/);
    }],
    ['4.2', 'MUST', '201 has a Location, without a query and not to be guessed', () => header(made, 'location', /^\/v1\/rtc\/[0-9a-f]{32}$/)],
    ['4.2', 'MUST', 'the answer only receives', () => {
        assert.equal(made.text.match(/a=recvonly/g).length, 2);
        assert.doesNotMatch(made.text, /a=(sendrecv|sendonly)/);
    }],
    ['4.2', 'MUST', 'no part of the answer is rejected', () => assert.doesNotMatch(made.text, /^m=\w+ 0 /m)],
    ['4.2', 'MUST', 'it uses one bundle, and RTP and RTCP through one port', () => {
        header({ headers: { x: made.text } }, 'x', /a=group:BUNDLE 0 1\r\n/);
        assert.equal(made.text.match(/a=rtcp-mux\r\n/g).length, 2);
    }],
    ['4.2', 'MUST', 'it has all candidates of the server', () => {
        assert.match(made.text, /a=candidate:/);
        assert.match(made.text, /a=end-of-candidates/);
    }],
    ['4.2', 'MUST', 'the DTLS role is answered, not offered', () => assert.match(made.text, /a=setup:(active|passive)\r\n/)],
    ['4.2', 'MUST', 'another media type: 415', async () => isRefused(await post(sender.token, sender.offer, { 'content-type': 'text/plain' }), 415, 'media_type')],
    ['4.2', 'MUST', 'what is no SDP: 400', async () => isRefused(await post(sender.token, '{}'), 400, 'bad_request')],
    ['4.2', 'MUST', 'no body: 400', async () => isRefused(await post(sender.token, ''), 400, 'bad_request')],
    ['4.2', 'SHOULD', 'SDP that would be answered in part only: 422', async () => {
        isRefused(await post(await join(), offerOf('audio', 'video', 'video')), 422, 'bad_sdp');
        isRefused(await post(await join(), offerOf('audio').replace('opus/48000/2', 'PCMA/8000')), 422, 'bad_sdp');
    }],
    ['4.2', 'MUST', 'an offer that only receives: 422', async () => isRefused(await post(await join(), offerOf('audio').replace('sendonly', 'recvonly')), 422, 'bad_sdp')],
    ['-', 'MAY', 'an Accept without application/sdp: 406', async () => isRefused(await post(sender.token, sender.offer, { accept: 'text/html' }), 406, 'not_acceptable')],
    ['-', 'MAY', 'an offer of more than 64 KiB: 413', async () => isRefused(await post(sender.token, `v=0\r\n${'a'.repeat(1 << 16)}`), 413, 'too_large')],
    ['4.2', 'MUST', 'offers without candidates are answered (nobody has to gather first)', async () => {
        const answer = await post(await join(), offerOf('audio'));
        assert.equal(answer.status, 201, answer.text);
    }],
    ['4.2', 'MUST', 'GET of the endpoint: 2xx without content', async () => {
        const answer = await look(whipOf(), 'GET', sender.token);
        assert.deepEqual([answer.status, answer.text], [204, '']);
    }],
    ['4.2', 'MUST', 'GET of the session: 2xx without content', async () => {
        const answer = await look(session, 'GET', sender.token);
        assert.deepEqual([answer.status, answer.text], [204, '']);
    }],
    ['4.2', 'SHOULD', 'other methods: 405 with Allow', async () => {
        const answer = await look(whipOf(), 'PUT', sender.token);
        isRefused(answer, 405, 'method_not_allowed');
        header(answer, 'allow', /POST/);
    }],
    ['4.3', 'MUST', 'OPTIONS of the endpoint serves pages of all sites, without a bearer', async () => {
        const answer = await preflight(whipOf(), 'POST');
        assert.equal(answer.status, 204);
        header(answer, 'access-control-allow-origin', /^\*$/);
        header(answer, 'access-control-allow-methods', /POST/);
        header(answer, 'access-control-allow-headers', /authorization, content-type.*if-match/);
        assert.equal(answer.headers['access-control-allow-credentials'], undefined);
    }],
    ['4.3', 'MUST', 'OPTIONS of the session likewise', async () => {
        for (const method of ['PATCH', 'DELETE']) header(await preflight(session, method), 'access-control-allow-methods', new RegExp(method));
    }],
    ['4.3', 'MUST', 'pages may read Location, ETag, Link, Accept-Patch, Accept-Post, Retry-After', async () => {
        const { headers } = await post(sender.token, '{}', { origin: ELSEWHERE });
        for (const name of ['Location', 'ETag', 'Link', 'Accept-Patch', 'Accept-Post', 'Retry-After', 'X-Request-Id']) {
            assert.ok(headers['access-control-expose-headers'].split(', ').includes(name), name);
        }
    }],
    ['4.3', 'SHOULD', 'OPTIONS has Accept-Post: application/sdp', async () => header(await look(whipOf(), 'OPTIONS'), 'accept-post', /^application\/sdp$/)],
    ['4.3.1', 'MUST', '201 has a strong ETag', () => header(made, 'etag', /^"[^"]+"$/)],
    ['4.3.1', 'MAY', '201 has Accept-Patch', () => header(made, 'accept-patch', /^application\/trickle-ice-sdpfrag$/)],
    ['4.6', 'MAY', '201 has a Link of each ICE server, with credentials', () => {
        const links = made.headers.link.split(/, (?=<)/);
        assert.equal(links.length, TURN.length);
        links.forEach((link, i) => isTurnLink(link, TURN[i]));
    }],
    ['4.6', 'MUST', 'what is no success has none', async () => assert.equal((await post(sender.token, '{}')).headers.link, undefined)],
    ['4.3.1', 'MUST', 'PATCH of candidates: 204 without an ETag', async () => {
        for (const headers of [{ 'if-match': made.headers.etag }, {}, { 'if-match': '*' }]) {
            const answer = await patch(CANDIDATE, headers);
            assert.deepEqual([answer.status, answer.text, answer.headers.etag], [204, '', undefined]);
        }
    }],
    ['4.3.1', 'MUST', 'PATCH for another session of ICE: 412', async () => {
        for (const etag of ['"0"', '"another"', 'W/"1"']) isRefused(await patch(CANDIDATE, { 'if-match': etag }), 412, 'stale');
    }],
    ['4.3.1', 'MUST', 'PATCH of another media type: 415', async () => isRefused(await patch(CANDIDATE, { 'content-type': 'text/plain' }), 415, 'media_type')],
    ['4.3.1', 'MUST', 'PATCH of what is no fragment: 4xx', async () => isRefused(await patch('nothing'), 422, 'bad_sdp')],
    ['4.3.2', 'MUST', 'PATCH of other credentials restarts ICE: 200, a fragment with other ones, another ETag', async () => {
        for (const [i, etag] of ['*', '"*"'].entries()) {
            const answer = await patch(OTHER_ICE.replace('Neww', `New${i}`), { 'if-match': etag });
            assert.equal(answer.status, 200, answer.text);
            assert.equal(answer.headers['content-type'], FRAGMENT);
            assert.notEqual(iceOf(answer.text).ufrag, iceOf(made.text).ufrag);
            assert.equal(answer.headers.etag, `"${i + 2}"`);
        }
    }],
    ['4.3.1', 'MUST', 'PATCH of other credentials without If-Match: 428', async () => isRefused(await patch(OTHER_ICE.replace('Neww', 'None')), 428, 'match_required')],
    ['4.3.2', 'MUST', 'what is for the session of ICE before: 412', async () => isRefused(await patch(CANDIDATE, { 'if-match': '"1"' }), 412, 'stale')],
    ['4.3.2', 'MUST', 'a restart that fails ends nothing', async () => {
        isRefused(await patch('a=ice-ufrag:x\r\na=ice-pwd:y\r\n', { 'if-match': '*' }), 422, 'bad_sdp');
        assert.equal((await look(session, 'GET', sender.token)).status, 204);
    }],
    ['4.5', 'MUST', 'no redirection by 301 or 302', () => assert.equal(made.status, 201)],
    ['4.6', 'MUST', 'who shows no bearer, or another: 401 with WWW-Authenticate', async () => {
        for (const [method, path] of [['POST', whipOf()], ['GET', whipOf()], ['GET', session], ['PATCH', session], ['DELETE', session]]) {
            const answer = await stack.request(path, { method, headers: { 'content-type': SDP } });
            isRefused(answer, 401, 'unauthorized');
            header(answer, 'www-authenticate', /^Bearer$/);
        }
    }],
    ['4.6', 'MUST', 'a bearer without the word is taken, too', async () => assert.equal((await look(session, 'GET', sender.token.slice(7))).status, 204)],
    ['4.6', 'MUST', 'another participant: 404', async () => {
        const other = await join();
        for (const method of ['GET', 'DELETE']) isRefused(await look(session, method, other), 404, 'not_found');
        assert.equal((await look(session, 'GET', sender.token)).status, 204);
    }],
    ['-', 'MAY', 'who may not send: 403', async () => {
        const { json } = await stack.request(`/v1/rooms/${room}/participants`, { body: { name: 'Viewer' } });
        const [token, { id }] = [`Bearer ${json.token}`, json.participant];
        const changed = await stack.request(`/v1/rooms/${room}/participants/${id}`, { method: 'PATCH', token: owner, body: { role: 'viewer' } });
        assert.equal(changed.status, 200, changed.text);
        isRefused(await post(token, offerOf('audio')), 403, 'forbidden');
    }],
    ['-', 'MAY', 'no such room, or another than his: 404', async () => isRefused(await post(sender.token, offerOf('audio'), {}, whipOf('abc-defg-hij')), 404, 'no_such_room')],
    ['-', 'MAY', 'as many send as may: 409', async () => {
        const small = await makeRoom({ publishers_max: 1 });
        assert.equal((await post(await join(small), offerOf('audio'), {}, whipOf(small))).status, 201);
        isRefused(await post(await join(small), offerOf('audio'), {}, whipOf(small)), 409, 'room_full');
    }],
    ['4.7', 'SHOULD', 'too many attempts: 429 with Retry-After', async () => {
        const key = await tokenKeyOf(stack);
        const refused = [];
        for (let i = 0; i < 6; i += 1) refused.push(await post(`Bearer ${drawToken(key, 'participant')}`, offerOf('audio')));
        const last = refused.at(-1);
        isRefused(last, 429, 'rate_limited');
        header(last, 'retry-after', /^\d+$/);
    }],
    ['4.7', 'SHOULD', 'too many offers of one participant: 429 with Retry-After, for nobody else', async () => {
        const token = await join();
        const answers = [];
        for (let i = 0; i < 4 * OFFERS_AT_ONCE && answers.at(-1)?.status !== 429; i += 1) answers.push(await post(token, '{}'));
        assert.ok(answers.length > OFFERS_AT_ONCE, `${answers.length}`);
        isRefused(answers.at(-1), 429, 'rate_limited');
        header(answers.at(-1), 'retry-after', /^\d+$/);
        isRefused(await post(sender.token, '{}'), 400, 'bad_request');
    }],
    ['4.2', 'MAY', 'no more connections fit: 503 with Retry-After', async () => {
        const answers = [];
        for (let i = 0; i <= CONNECTIONS_MAX && answers.at(-1)?.status !== 503; i += 1) answers.push(await post(await join(), offerOf('audio')));
        isRefused(answers.at(-1), 503, 'media_full');
        header(answers.at(-1), 'retry-after', /^\d+$/);
    }],
    ['4.2', 'MUST', 'DELETE of the session: 200, whatever its If-Match; the connection ends', async () => {
        const answer = await look(session, 'DELETE', sender.token, { 'if-match': '"0"' });
        assert.deepEqual([answer.status, answer.text], [200, '']);
        await sender.isOver();
    }],
    ['4.2', 'MAY', 'DELETE again, of who has closed his end first: 200', async () => assert.equal((await look(session, 'DELETE', sender.token)).status, 200)],
    ['4.2', 'MUST', 'GET of a session that is over: 404', async () => isRefused(await look(session, 'GET', sender.token), 404, 'not_found')],
];

testRules('RFC 9725', 'WHIP', RULES);
