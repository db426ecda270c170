#!/usr/bin/env -S node --test-reporter=tap
// With a domain there is TURN, too, and it is spoken where HTTPS is: who wants which of the two there, and what becomes of
// relayed media when the certificate is another one.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { makeAuthority } from '../../support/certificates.mjs';
import { ask, askByHttp2, servedCertificate } from '../../support/https-client.mjs';
import { openRelay } from '../../support/relay.mjs';
import { startStack } from '../../support/stack.mjs';
import { credentialsFor } from '../../support/turn-client.mjs';
import { eventually } from '../../support/wait.mjs';

const NAME = 'meet.example.test';
const REQUEST = `GET /v1/info HTTP/1.1\r\nHost: ${NAME}\r\nConnection: close\r\n\r\n`;
// A binding request (RFC 8489), which is answered to everybody; as long as the preface of HTTP/2.
const BINDING = Buffer.from('000100082112a442000102030405060708090a0b8022000474657374', 'hex');

let stack;
let folder;
let authority;
let secure;

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lynks-turns-'));
    authority = await makeAuthority(folder);
    const files = await authority.issue(NAME, 'site');
    secure = { ca: authority.pem, servername: NAME };
    stack = await startStack({ LYNKS_DOMAIN: NAME, LYNKS_TLS_CERT_FILE: files.pem, LYNKS_TLS_KEY_FILE: files.key });
});
after(async () => {
    await stack?.remove();
    await rm(folder, { recursive: true, force: true });
});

// What comes first from the port of HTTPS to who says this on a connection with these protocols.
function answerTo(bytes, ALPNProtocols) {
    return new Promise((resolve, reject) => {
        const socket = tls.connect({ host: '127.0.0.1', port: stack.ports.https, ...secure, ALPNProtocols }, () => socket.write(bytes));
        socket.on('error', reject);
        socket.once('close', () => resolve(Buffer.alloc(0)));
        socket.once('data', (piece) => {
            resolve(piece);
            socket.destroy();
        });
    });
}

const relay = async () => openRelay({ host: '127.0.0.1', port: stack.ports.https, transport: 'tls', tls: secure },
    credentialsFor(await stack.secret('turn-secret'), '9', 60));

const check = () => stack.deploy('check', '--address', '127.0.0.1', '--ca', authority.file, '--http-port', String(stack.ports.redirect),
    `${NAME}:${stack.ports.https}`).catch((error) => error);

test('it is on by itself, and who is in a room is told of it by the name', async () => {
    const token = `Bearer ${await stack.token()}`;
    const made = await stack.request('/v1/rooms', { token, body: { name: 'Relayed', guests_wait: false } });
    assert.equal(made.status, 201, made.text);
    const joined = await stack.request(`/v1/rooms/${made.json.code}/participants`, { body: { name: 'Ann' } });
    assert.equal(joined.status, 201, joined.text);
    const { ice_servers: [servers] } = joined.json;
    assert.deepEqual(servers.urls, [`turn:${NAME}:${stack.ports.turn}?transport=udp`, `turn:${NAME}:${stack.ports.turn}?transport=tcp`,
        `turns:${NAME}:${stack.ports.https}?transport=tcp`]);
    const { stdout } = await stack.deploy('status');
    assert.match(stdout, /^turn +ready .* yes$/m);
    assert.doesNotMatch(stdout, /there is no TURN server/);
});

test('who names HTTP speaks it, whatever he begins with', async () => {
    for (const protocol of ['h2', 'http/1.1']) {
        const answer = await answerTo(BINDING, [protocol]);
        assert.notEqual(answer.subarray(0, 2).toString('hex'), '0101', protocol);
    }
    assert.equal((await askByHttp2(stack.ports.https, '/v1/info', secure))[':status'], 200);
    assert.match((await answerTo(REQUEST, ['http/1.1'])).toString(), /^HTTP\/1\.1 200 /);
});

test('who names nothing, or something else, is known by his first byte', async () => {
    for (const protocols of [undefined, ['acme-tls/1'], ['stun.turn']]) {
        assert.equal((await answerTo(BINDING, protocols)).subarray(0, 2).toString('hex'), '0101', `${protocols}`);
        assert.match((await answerTo(REQUEST, protocols)).toString(), /^HTTP\/1\.1 200 /, `${protocols}`);
        assert.match((await answerTo('\x01\x00\x00\r\n\r\n', protocols)).toString(), /^HTTP\/1\.1 400 /, `${protocols}`);
    }
});

test('media that is relayed there goes on when the certificate is another one, time and again', async () => {
    const before = await relay();
    await before.passes('before');
    for (let i = 0; i < 3; i += 1) {
        const { fingerprint } = await servedCertificate(stack.ports.https, secure);
        await authority.issue(NAME, 'site');
        await eventually(async () => (await servedCertificate(stack.ports.https, secure)).fingerprint !== fingerprint, { what: 'another one is served' });
        await before.passes(`after ${i}`);
    }
    const after = await relay();
    await after.passes('of the new one');
    before.close();
    after.close();
});

test('deploy/check, from elsewhere, says whether it answers there', async () => {
    const good = await check();
    assert.deepEqual([good.code, /^ok .*TURN answers at port \d+, too/m.test(good.stdout)], [undefined, true], good.stdout);
    const pid = await stack.signal('turn', 'SIGSTOP');
    try {
        const bad = await check();
        assert.deepEqual([bad.code, /^WRONG TURN does not answer at port/m.test(bad.stdout)], [1, true], bad.stdout);
    } finally {
        process.kill(pid, 'SIGCONT');
    }
});

test('coturn is away: HTTPS goes on, and TURN is back with it', async () => {
    const pid = await stack.signal('turn', 'SIGSTOP');
    try {
        assert.equal((await ask(stack.ports.https, '/v1/info', { tls: secure })).status, 200);
    } finally {
        process.kill(pid, 'SIGCONT');
    }
    await stack.crash('turn');
    const again = await eventually(() => relay().catch(() => undefined), { what: 'it relays' });
    await again.passes('again');
    again.close();
});

test('LYNKS_TURN=0 switches it off: HTTPS is alone there, and who looks is told what is missing', async () => {
    await stack.down();
    await stack.up({ LYNKS_TURN: '0' });
    assert.match((await answerTo(BINDING)).toString(), /^HTTP\/1\.1 400 /);
    const { stdout } = await stack.deploy('status');
    assert.match(stdout, /^Warning: there is no TURN server/m);
    assert.doesNotMatch(stdout, /^turn /m);
    const seen = await check();
    assert.deepEqual([seen.code, /^ {6}There is no TURN at port/m.test(seen.stdout)], [undefined, true], seen.stdout);
});
