#!/usr/bin/env -S node --test-reporter=tap
// HTTPS by a name alone: the certificate comes by ACME from Debian's pebble, is renewed while people are in, and whatever is
// killed or away meanwhile, the front goes on with what it has and says what is wrong.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { prepareAcmeAuthority } from '../../support/acme-authority.mjs';
import { openEvents } from '../../support/event-stream.mjs';
import { ask, servedCertificate } from '../../support/https-client.mjs';
import { openRelay } from '../../support/relay.mjs';
import { freeBlock, startStack } from '../../support/stack.mjs';
import { credentialsFor } from '../../support/turn-client.mjs';
import { eventually } from '../../support/wait.mjs';

const run = promisify(execFile);
const NAME = 'meet.example.test';
const KILLS = 6;
const VALID_S = 20;

let folder;
let authority;
let pebble;
let stack;

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lynks-acme-'));
    const base = await freeBlock();
    authority = await prepareAcmeAuthority(folder, base + 130);
    stack = await startStack({ LYNKS_DOMAIN: NAME, LYNKS_ACME_URL: authority.url, LYNKS_ACME_EMAIL: 'ops@example.test' }, authority.under, base);
});
after(async () => {
    await pebble?.end();
    await stack?.remove();
    await rm(folder, { recursive: true, force: true });
});

const served = () => servedCertificate(stack.ports.https, { ca: pebble?.root, servername: NAME });
const renewNow = () => writeFile(join(stack.state, 'front', 'acme', 'renew'), '');
const status = () => stack.deploy('status').catch((error) => error);
const metric = async (name) => {
    const { text } = await stack.request('/metrics', { method: 'GET', port: stack.ports.frontOps, agent: undefined });
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)[1]);
};
async function another({ serialNumber }) {
    const now = await eventually(async () => {
        const certificate = await served();
        return certificate.serialNumber !== serialNumber && certificate;
    }, { within: 20000, what: 'another certificate is served' });
    assert.equal(now.isTrusted, true, now.why);
    return now;
}

test('while there is no authority all the rest runs, and status says what is missing', async () => {
    await eventually(async () => /front .* no \(certificate: none yet, and another one cannot be had: /.test((await status()).stdout), { what: 'status says so' });
    assert.notEqual((await status()).code, 0);
    assert.equal((await stack.request('/v1/info', { method: 'GET' })).status, 200);
    assert.ok(await metric('lynks_certificate_failures') >= 1);
});

test('the authority is there: it gives a certificate, and the front serves it without starting again', async () => {
    const [before, pid] = [await served(), await stack.pid('front')];
    pebble = await authority.start({ httpPort: stack.ports.redirect });
    await renewNow();
    const certificate = await another(before);
    assert.equal(certificate.subjectaltname, `DNS:${NAME}`);
    const answer = await ask(stack.ports.https, '/v1/info', { tls: { ca: pebble.root, servername: NAME } });
    assert.deepEqual([answer.status, answer.headers['strict-transport-security']], [200, 'max-age=31536000']);
    assert.equal(await stack.pid('front'), pid);
    await eventually(async () => /front .* yes \(certificate: ends in 89 days\)/.test((await status()).stdout), { what: 'status says how long' });
    assert.deepEqual([await metric('lynks_certificate_days_left'), await metric('lynks_certificate_failures')], [89, 0]);
});

test('it is renewed while somebody is in: his stream goes on, and so does media that is relayed by the same port', async () => {
    const tls = { ca: pebble.root, servername: NAME };
    const before = await served();
    const token = await stack.token();
    const stream = await openEvents(stack.ports.https, { token, tls });
    await stream.event('snapshot');
    const media = await openRelay({ host: '127.0.0.1', port: stack.ports.https, transport: 'tls', tls }, credentialsFor(await stack.secret('turn-secret'), '9', 60));
    await media.passes('before');
    await renewNow();
    await another(before);
    assert.equal(stream.isClosed, undefined);
    await media.passes('after');
    media.close();
    assert.equal((await ask(stack.ports.https, '/v1/sessions/current', { method: 'DELETE', tls, token })).status, 204);
    assert.deepEqual((await stream.event('end')).data, { reason: 'session_ended' });
});

test('whoever keeps it is killed in the middle of it, and so is the front: the next one goes on', async () => {
    const before = await served();
    const log = join(stack.state, 'front', 'acme', 'acme.log');
    for (let i = 0; i < KILLS; i += 1) {
        const { mtimeMs } = await stat(log);
        await renewNow();
        // At another of its steps each time.
        await eventually(async () => (await stat(log)).mtimeMs > mtimeMs && (await readFile(log, 'utf8')).split('\n').length > i, { what: 'it is at it' });
        await stack.crash('certificate');
        if (i % 2 === 1) await stack.crash('front');
    }
    await renewNow();
    await another(before);
});

test('the authority is away: the certificate that is there goes on, and status warns', async () => {
    const { serialNumber } = await served();
    await pebble.end();
    await renewNow();
    await eventually(async () => /front .* yes \(certificate: ends in 89 days, and another one cannot be had: /.test((await status()).stdout), { what: 'status warns' });
    assert.ok(await metric('lynks_certificate_failures') >= 1);
    assert.equal((await served()).serialNumber, serialNumber);
    assert.match((await stack.logs()).get('certificate.log'), /no certificate for meet\.example\.test: .*; tried again in 60 s/);
});

test('a third of its time before the end it is renewed by itself', async () => {
    const before = await served();
    // Another authority as far as anybody can tell: it knows no account and no certificate.
    pebble = await authority.start({ httpPort: stack.ports.redirect, validS: VALID_S });
    // The first try finds out that the account is no more.
    await renewNow();
    await eventually(async () => /no account associated/.test((await status()).stdout), { what: 'status says so' });
    await renewNow();
    const short = await another(before);
    const next = await another(short);
    assert.ok(new Date(next.valid_from) < new Date(short.valid_to), 'there was one at any time');
});

test('its keys are read by the account of the front only', async () => {
    const kept = join(stack.state, 'front', 'acme');
    for (const file of ['site.pem', `acme/private/${NAME}/key.pem`, 'acme/private/key.pem']) {
        assert.equal(((await stat(join(kept, file))).mode & 0o077).toString(8), '0', file);
    }
    if (process.getuid() === 0) {
        assert.equal((await run('stat', ['-c', '%U', join(kept, 'site.pem')])).stdout, 'lynks-front\n');
        for (const name of ['front', 'certificate']) assert.doesNotMatch(await readFile(`/proc/${await stack.pid(name)}/status`, 'utf8'), /^Uid:\t0/m);
    }
    for (const [name, text] of await stack.logs()) assert.doesNotMatch(text, /PRIVATE KEY/, name);
});
