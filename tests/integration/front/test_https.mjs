#!/usr/bin/env -S node --test-reporter=tap
// HTTPS by deploy/up with somebody's own certificate: what clients get of the front, what the gateway learns from it, and
// what they notice when the gateway starts again, when the certificate is another one, and when the front dies.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { makeAuthority } from '../../support/certificates.mjs';
import { openEvents } from '../../support/event-stream.mjs';
import { ask, askByHttp2, servedCertificate } from '../../support/https-client.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const run = promisify(execFile);
const NAME = 'meet.example.test';
// Without http-no-delay each event is 200 ms late.
const EVENTS = 12;
const LATE_MS = 100;


let stack;
let folder;
let authority;
let files;
let tls;
let token;

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lynks-front-'));
    authority = await makeAuthority(folder);
    files = await authority.issue(NAME, 'site');
    tls = { ca: authority.pem, servername: NAME };
    stack = await startStack({ LYNKS_DOMAIN: NAME, LYNKS_TLS_CERT_FILE: files.pem, LYNKS_TLS_KEY_FILE: files.key });
    token = await stack.token();
});
after(async () => {
    if (process.env.DBG) console.log((await stack.logs()).get('front.log'));
    await stack?.remove();
    await rm(folder, { recursive: true, force: true });
});

const visit = (path, options = {}) => ask(stack.ports.https, path, { tls, ...options });
const plain = (path) => stack.request(path, { method: 'GET', port: stack.ports.redirect, agent: undefined });
const metric = async (name) => {
    const { text } = await stack.request('/metrics', { method: 'GET', port: stack.ports.frontOps, agent: undefined });
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)[1]);
};

async function makeRoom(name) {
    const made = await visit('/v1/rooms', { method: 'POST', token, body: { name, guests_wait: false } });
    assert.equal(made.status, 201, made.text);
    const joined = await visit(`/v1/rooms/${made.json.code}/participants`, { method: 'POST', body: { name: 'Ann' } });
    assert.equal(joined.status, 201, joined.text);
    const { participant, token: own } = joined.json;
    const path = `/v1/rooms/${made.json.id}/events`;
    return {
        own,
        path,
        raise: async (hand) => {
            const answer = await visit(`/v1/rooms/${made.json.id}/participants/${participant.id}`, { method: 'PATCH', token: own, body: { hand } });
            assert.equal(answer.status, 200, answer.text);
        },
    };
}

// How long each of some events takes, that are asked for one after the other.
async function delays(room, stream) {
    const all = [];
    for (let i = 0; i < EVENTS; i += 1) {
        const begin = performance.now();
        const seen = stream.events.length;
        await room.raise(i % 2 === 0);
        await eventually(() => stream.events.length > seen, { what: 'the event' });
        all.push(stream.events[seen].at - begin);
    }
    return all.sort((a, b) => a - b)[EVENTS / 2];
}

test('the certificate is trusted, HTTP/2 is spoken, and browsers are told to come by HTTPS', async () => {
    const served = await servedCertificate(stack.ports.https, tls);
    assert.deepEqual([served.isTrusted, served.subject.CN, served.protocol], [true, NAME, 'h2']);
    const headers = await askByHttp2(stack.ports.https, '/v1/info', tls);
    assert.equal(headers[':status'], 200);
    assert.equal(headers['strict-transport-security'], 'max-age=31536000');
    assert.equal((await visit('/v1/info')).status, 200);
});

test('plain HTTP is sent to HTTPS, at the address that people know', async () => {
    const answer = await plain('/abc-defg-hij?x=1');
    assert.equal(answer.status, 308);
    assert.equal(answer.headers.location, `https://${NAME}:${stack.ports.https}/abc-defg-hij?x=1`);
    assert.equal(answer.headers['strict-transport-security'], undefined);
});

test('a session is a cookie that browsers send by HTTPS only', async () => {
    const origin = `https://${NAME}:${stack.ports.https}`;
    const answer = await visit('/v1/sessions', { method: 'POST', headers: { origin }, body: { username: 'testuser', password: 'test123', cookie: true } });
    assert.equal(answer.status, 201, answer.text);
    assert.match(answer.headers['set-cookie'][0], /^__Host-lynks=.*; HttpOnly; Secure; SameSite=Strict$/);
});

const FORGED = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9', 'x-forwarded-proto': 'http', 'x-request-id': 'mine' };
const body = (device) => ({ username: 'testuser', password: 'test123', device });
const addressesOf = async (device) => (await visit('/v1/sessions', { token })).json.items.filter((item) => item.device === device).map(({ address }) => address);

test('the gateway sees where clients come from, whatever they say of that and of their request', async () => {
    const options = { method: 'POST', headers: FORGED, body: body('by the front') };
    const [first, second] = [await visit('/v1/sessions', options), await visit('/v1/sessions', { ...options, localAddress: '127.0.0.9' })];
    assert.deepEqual([first.status, second.status], [201, 201]);
    assert.notEqual(first.json.id, second.json.id);
    assert.deepEqual((await addressesOf('by the front')).sort(), ['127.0.0.1', '127.0.0.9']);
});

test('who passes on what others ask and is not trusted is named, and his clients are he', async () => {
    const readyz = async () => (await stack.ops('gateway', '/readyz')).json.dependencies.proxies;
    assert.equal((await readyz())?.note, undefined);
    const beside = await stack.request('/v1/sessions', { headers: FORGED, body: body('beside it'), localAddress: '127.0.0.1', agent: undefined });
    assert.equal(beside.status, 201);
    assert.deepEqual(await addressesOf('beside it'), ['127.0.0.1']);
    // The gateway knows the front by its address: another one of this machine is none.
    const named = /127\.0\.0\.1 passes on what others ask and is not in LYNKS_TRUSTED_PROXIES/;
    assert.match((await readyz()).note, named);
    assert.match((await stack.deploy('status')).stdout, new RegExp(`gateway .* yes \\(.*proxies: ${named.source}`));
});

test('a proxy before the front that is trusted is believed, and nobody else', async () => {
    await stack.down();
    await stack.up({ LYNKS_TRUSTED_PROXIES: '127.0.0.9' });
    token = await stack.token();
    for (const localAddress of ['127.0.0.9', '127.0.0.8']) {
        const answer = await visit('/v1/sessions', { method: 'POST', headers: FORGED, body: body('twice'), localAddress });
        assert.equal(answer.status, 201, answer.text);
    }
    assert.deepEqual((await addressesOf('twice')).sort(), ['127.0.0.8', '203.0.113.9']);
});

test('a key of a client is its own: a request that it repeats is done once', async () => {
    const headers = { 'idempotency-key': '"5a3c5c1e-8f0c-4d8e-9c57-2f1f6d1d9a10"' };
    const ids = new Set();
    for (let i = 0; i < 3; i += 1) {
        const made = await visit('/v1/rooms', { method: 'POST', token, headers, body: { name: 'once' } });
        assert.equal(made.status, 201, made.text);
        ids.add(made.json.id);
    }
    assert.equal(ids.size, 1);
});

test('events come as soon as they do from the gateway itself', async () => {
    const room = await makeRoom('Choir');
    const [direct, behind] = [await openEvents(stack.ports.http, { path: room.path, token: room.own }),
        await openEvents(stack.ports.https, { path: room.path, token: room.own, tls })];
    for (const stream of [direct, behind]) await stream.event('snapshot');
    const [without, withFront] = [await delays(room, direct), await delays(room, behind)];
    console.log(`# an event takes ${withFront.toFixed(1)} ms by the front, ${without.toFixed(1)} ms without (median)`);
    assert.ok(withFront < without + LATE_MS, `${withFront} ms, not ${without} ms`);
    await Promise.all([direct.end(), behind.end()]);
});

test('the gateway starts again: a stream is told so and goes on where it was, nothing is lost', async () => {
    const room = await makeRoom('Moved');
    const stream = await openEvents(stack.ports.https, { path: room.path, token: room.own, tls });
    await stream.event('snapshot');
    const restarting = stack.deploy('restart', 'gateway');
    assert.deepEqual((await stream.event('end', 10000)).data, { reason: 'draining' });
    await stream.closed;
    const last = stream.events.filter(({ id }) => id).at(-1).id;
    await restarting;
    await room.raise(true);
    const again = await openEvents(stack.ports.https, { path: room.path, token: room.own, tls, headers: { 'last-event-id': last } });
    await again.event('hand.raised');
    assert.equal(again.events.find(({ event }) => event === 'snapshot'), undefined);
    await again.end();
});

test('all services start again one after the other, and are killed: no request fails', async () => {
    const agent = new https.Agent({ keepAlive: true });
    const answers = new Map();
    let isOver = false;
    const client = async () => {
        while (!isOver) {
            const { status } = await visit('/create', { method: 'POST', agent, headers: { authorization: token }, body: {} });
            answers.set(status, (answers.get(status) ?? 0) + 1);
        }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    try {
        await stack.deploy('restart');
        await stack.crash('gateway');
    } finally {
        isOver = true;
        await clients;
        agent.destroy();
    }
    console.log(`# ${answers.get(200)} requests while the services started again`);
    assert.deepEqual([...answers.keys()], [200]);
});

test('other files: the next who comes gets the new certificate, a stream that is open goes on', async () => {
    const room = await makeRoom('Long');
    const stream = await openEvents(stack.ports.https, { path: room.path, token: room.own, tls });
    await stream.event('snapshot');
    const { fingerprint } = await servedCertificate(stack.ports.https, tls);
    const pid = await stack.pid('front');
    await authority.issue(NAME, 'site');
    await eventually(async () => (await servedCertificate(stack.ports.https, tls)).fingerprint !== fingerprint, { what: 'the new one is served' });
    assert.ok((await servedCertificate(stack.ports.https, tls)).isTrusted);
    await room.raise(true);
    await stream.event('hand.raised');
    assert.equal(await stack.pid('front'), pid);
    await stream.end();
});

test('files that are no certificate with its key: the one before goes on, and status says so', async () => {
    const good = await readFile(files.pem);
    const { fingerprint } = await servedCertificate(stack.ports.https, tls);
    await writeFile(files.pem, 'nothing');
    await eventually(async () => (await stack.deploy('status')).stdout.includes('the files that are there now are no certificate with its key'),
        { what: 'status says so' });
    assert.equal((await servedCertificate(stack.ports.https, tls)).fingerprint, fingerprint);
    await writeFile(files.pem, good);
    await eventually(async () => /front .* yes \(certificate: ends in \d\d days\)/.test((await stack.deploy('status')).stdout), { what: 'all is well' });
    assert.equal(await metric('lynks_certificate_failures'), 0);
    assert.ok(await metric('lynks_certificate_days_left') >= 1);
});

test('deploy/check, from elsewhere, says in plain words how it is', async () => {
    const where = `${NAME}:${stack.ports.https}`;
    const check = (...args) => stack.deploy('check', '--http-port', String(stack.ports.redirect), ...args).catch((error) => error);
    const here = ['--address', '127.0.0.1'];
    const { fingerprint } = await servedCertificate(stack.ports.https, tls);
    await authority.issue(NAME, 'site', 2);
    const renewed = async () => (await servedCertificate(stack.ports.https, tls)).fingerprint;
    const short = await eventually(async () => await renewed() !== fingerprint && renewed(), { what: 'the short one is served' });
    const late = await check(...here, '--ca', authority.file, where);
    assert.equal(late.code, 1);
    assert.match(late.stdout, /^WRONG its certificate ends in less than 14 days, on .*: it is not being renewed/m);
    await authority.issue(NAME, 'site');
    await eventually(async () => await renewed() !== short, { what: 'another one is served' });
    const good = await check(...here, '--ca', authority.file, where);
    assert.equal(good.code, undefined, good.stdout);
    for (const told of [/^ok .* stands for 127\.0\.0\.1/m, /^ok .* certificate is trusted, until /m, /^ok .*HTTP\/2 is spoken$/m, /^ok .*Lynks 1\.\S+ answers$/m,
        /^ok .*plain HTTP is sent to https:/m, /^ok .*TURN answers/m]) assert.match(good.stdout, told);
    const distrusting = await check(...here, where);
    assert.equal(distrusting.code, 1);
    assert.match(distrusting.stdout, /^WRONG browsers do not trust the certificate: it is of CN = authority of a test/m);
    const wrongPort = await check(...here, `${NAME}:${stack.base + 197}`);
    assert.match(wrongPort.stdout, /^WRONG nobody listens at port \d+ of meet\.example\.test/m);
    const noName = await check('nobody.invalid');
    assert.match(noName.stdout, /^WRONG nobody\.invalid stands for no address/m);
    const otherName = await check(...here, '--ca', authority.file, `other.example.test:${stack.ports.https}`);
    assert.match(otherName.stdout, /^WRONG Lynks does not know itself as other\.example\.test/m);
    assert.equal((await check('--address')).code, 2);
});

test('the front and who keeps its certificate are killed: both are back', async () => {
    await Promise.all([stack.crash('certificate'), stack.crash('front')]);
    await eventually(async () => (await visit('/v1/info')).status === 200, { what: 'the front answers' });
    const { fingerprint } = await servedCertificate(stack.ports.https, tls);
    await authority.issue(NAME, 'site');
    await eventually(async () => (await servedCertificate(stack.ports.https, tls)).fingerprint !== fingerprint, { what: 'the new one is served' });
});

test('a key is read by its account only', async () => {
    const kept = join(stack.state, 'front', 'files');
    const isRoot = process.getuid() === 0;
    const [site, above] = await Promise.all([stat(join(kept, 'site.pem')), stat(kept)]);
    assert.equal((site.mode & 0o777).toString(8), isRoot ? '640' : '600');
    assert.equal((above.mode & 0o7).toString(8), '0');
    if (isRoot) {
        const { stdout } = await run('id', ['-g', 'lynks-front']);
        assert.equal(site.gid, Number(stdout));
        await assert.rejects(run('runuser', ['-u', 'lynks-gateway', '--', 'cat', join(kept, 'site.pem')]), /Permission denied/);
        const status = await readFile(`/proc/${await stack.pid('front')}/status`, 'utf8');
        assert.doesNotMatch(status, /^Uid:\t0/m);
    }
    for (const [name, text] of await stack.logs()) assert.doesNotMatch(text, /PRIVATE KEY/, name);
    assert.doesNotMatch(await readFile(join(stack.state, 'table.json'), 'utf8'), /PRIVATE KEY/);
});

test('the supervisor is killed: no front stays behind', async () => {
    const [front, keeper] = [await stack.pid('front'), await stack.pid('certificate')];
    process.kill(Number(await readFile(join(stack.state, 'run', 'supervise.pid'), 'utf8')), 'SIGKILL');
    const isGone = (pid) => readFile(`/proc/${pid}/cmdline`).then((text) => text.length === 0, () => true);
    await eventually(async () => await isGone(front) && isGone(keeper), { what: 'both have ended' });
});
