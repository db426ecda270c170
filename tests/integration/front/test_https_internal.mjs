#!/usr/bin/env -S node --test-reporter=tap
// HTTPS on a LAN: an authority of our own, whose root people download and install; its certificate follows the names, is
// renewed in time, and the authority stays from start to start.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ask, servedCertificate } from '../../support/https-client.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

let stack;
let root; // as somebody has downloaded it

before(async () => {
    stack = await startStack({ LYNKS_TLS: 'internal', LYNKS_TLS_NAMES: 'lan.example.test,127.0.0.1' });
});
after(() => stack?.remove());

const served = (servername = 'lan.example.test') => servedCertificate(stack.ports.https, { ca: root.toString(), servername });
const download = (port) => stack.request('/lynks-root.crt', { method: 'GET', port, agent: undefined });

test('the root is there for download by plain HTTP, before anybody trusts it, and is an authority', async () => {
    const answer = await download(stack.ports.redirect);
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/x-x509-ca-cert']);
    root = new X509Certificate(answer.text);
    assert.ok(root.ca && root.checkIssued(root));
    assert.equal((await ask(stack.ports.https, '/lynks-root.crt', { tls: { ca: answer.text, servername: 'lan.example.test' } })).text, answer.text);
});

test('who has installed it trusts the names and addresses that were asked for, for as long as browsers take', async () => {
    for (const name of ['lan.example.test', '127.0.0.1']) {
        const certificate = await served(name);
        assert.equal(certificate.isTrusted, true, certificate.why);
        const days = (new Date(certificate.valid_to) - new Date(certificate.valid_from)) / 86400000;
        assert.ok(days > 300 && days <= 398, `${days} days`);
    }
    assert.equal((await served('elsewhere.example.test')).isTrusted, false);
    const answer = await ask(stack.ports.https, '/v1/info', { tls: { ca: root.toString(), servername: 'lan.example.test' } });
    assert.equal(answer.status, 200);
    // Nobody is to be locked out of a name that may be something else tomorrow.
    assert.equal(answer.headers['strict-transport-security'], undefined);
});

test('people sign in by the name that was given first', async () => {
    const origin = `https://lan.example.test:${stack.ports.https}`;
    const answer = await ask(stack.ports.https, '/v1/sessions', { method: 'POST', tls: { ca: root.toString(), servername: 'lan.example.test' },
        headers: { origin }, body: { username: 'testuser', password: 'test123', cookie: true } });
    assert.equal(answer.status, 201, answer.text);
    assert.match(answer.headers['set-cookie'][0], /^__Host-lynks=/);
});

test('it is renewed when that is asked for, while the front runs', async () => {
    const { serialNumber } = await served();
    const pid = await stack.pid('front');
    await writeFile(join(stack.state, 'front', 'internal', 'renew'), '');
    await eventually(async () => (await served()).serialNumber !== serialNumber, { what: 'another certificate is served' });
    assert.ok((await served()).isTrusted);
    assert.equal(await stack.pid('front'), pid);
});

test('after a start with other names the certificate is for those, and the root is the same', async () => {
    await stack.down();
    await stack.up({ LYNKS_TLS_NAMES: 'other.example.test' });
    assert.equal((await download(stack.ports.redirect)).text, root.toString());
    const certificate = await served('other.example.test');
    assert.equal(certificate.isTrusted, true, certificate.why);
    assert.equal((await served('lan.example.test')).isTrusted, false);
});

test("the authority's key is read by who started all this only", async () => {
    const { mode } = await stat(join(stack.state, 'secrets', 'authority', 'root.key'));
    assert.equal((mode & 0o777).toString(8), '600');
    for (const [name, text] of await stack.logs()) assert.doesNotMatch(text, /PRIVATE KEY/, name);
    assert.match(await readFile(join(stack.state, 'secrets', 'authority', 'root.key'), 'utf8'), /PRIVATE KEY/);
});
