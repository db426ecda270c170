#!/usr/bin/env -S node --test-reporter=tap
// A network that lets nothing but HTTPS out: two people in Chromium and one in Firefox, who get through to TCP 443 only, meet over https;
// their browsers trust the authority of the certificate as they trust others. The tests build on each other.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchFirefoxPeople, launchPeople } from '../support/browser.mjs';
import { makeAuthority } from '../support/certificates.mjs';
import { servedCertificate } from '../support/https-client.mjs';
import { CUTTABLE, enterOwnNet, giveName, leaveOneWay, putBehindNat } from '../support/own-net.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { buildWeb } from '../support/web.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

enterOwnNet(import.meta.url);

const PUBLIC = '203.0.113.7';
const NAME = 'meet.example.test';

let folder;
let authority;
let stack;
let chromium;
let firefox;
let link;
let ann;
let ben;
let fox;

before(async () => {
    putBehindNat(PUBLIC);
    giveName(NAME, PUBLIC);
    leaveOneWay('tcp', 443, { hasPages: false });
    folder = await mkdtemp(join(tmpdir(), 'lynks-443-'));
    authority = await makeAuthority(folder);
    const files = await authority.issue(NAME, 'site');
    stack = await startStack({ LYNKS_WEB_ROOT: await buildWeb(), LYNKS_DOMAIN: NAME, LYNKS_TLS_CERT_FILE: files.pem, LYNKS_TLS_KEY_FILE: files.key,
        LYNKS_TLS_HOST: '', LYNKS_TLS_PORT: '443', LYNKS_TLS_HTTP_PORT: '80' });
    chromium = await startVisitors(launchPeople([], CUTTABLE, authority.file));
    firefox = await startVisitors(launchFirefoxPeople(CUTTABLE, authority.file));
    link = (await makeMeeting(stack, 'Behind a firewall')).replace(/^http:\/\/[^/]*/, `https://${NAME}`);
});
after(async () => {
    await chromium?.close();
    await firefox?.close();
    await stack?.remove();
    await rm(folder, { recursive: true, force: true });
});

const goes = async (one) => assert.deepEqual(await one.remembers('ways'), Array(2).fill('relay tls'), one.name);

test('two in Chromium see and hear each other', async () => {
    [ann, ben] = [await chromium.visitor('Ann'), await chromium.visitor('Ben')];
    for (const one of [ann, ben]) await one.join(link);
    await Promise.all([ann.seesMoving('Ben'), ben.seesMoving('Ann')]);
    for (const one of [ann, ben]) {
        await one.hears();
        await goes(one);
    }
});

test('one in Firefox sees and hears them, and they him', async () => {
    fox = await firefox.visitor('Fox');
    await fox.join(link);
    await Promise.all([fox.seesMoving('Ann', 'Ben'), ann.seesMoving('Ben', 'Fox'), ben.seesMoving('Ann', 'Fox')]);
    await fox.hears();
    await goes(fox);
});

test('the certificate is another one: nobody\'s picture stands still, and nobody comes again', async () => {
    const tls = { ca: authority.pem, servername: NAME };
    const { fingerprint } = await servedCertificate(443, tls);
    const openPeers = () => Promise.all([ann, ben, fox].map((one) => one.remembers('openPeers')));
    const before = await openPeers();
    await authority.issue(NAME, 'site');
    await eventually(async () => (await servedCertificate(443, tls)).fingerprint !== fingerprint, { what: 'the new one is served' });
    await Promise.all([fox.seesMoving('Ann', 'Ben'), ann.seesMoving('Ben', 'Fox'), ben.seesMoving('Ann', 'Fox')]);
    for (const one of [ann, ben, fox]) await goes(one);
    assert.deepEqual(await openPeers(), before);
});

test('no page has complained', () => {
    assert.deepEqual([...chromium.faults(), ...firefox.faults()], []);
});
