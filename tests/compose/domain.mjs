#!/usr/bin/env -S node --test-reporter=tap
// HTTPS in containers by a name alone, with the images that containers.mjs has built: the certificate comes by ACME from Debian's pebble, and
// a meeting by TCP 443. Runs inside tests/compose/engine; the tests build on each other.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { makeMeeting, startVisitors } from '../e2e/visitors.mjs';
import { prepareAcmeAuthority } from '../support/acme-authority.mjs';
import { launchPeople } from '../support/browser.mjs';
import { ask, askByHttp2, servedCertificate } from '../support/https-client.mjs';
import { CUTTABLE, giveName } from '../support/own-net.mjs';
import { eventually } from '../support/wait.mjs';
import { Containers, docker } from './compose.mjs';

const run = promisify(execFile);
const NAME = 'meet.example.test';
const AUTHORITY = 'authority.example.test';
const HOST = '192.0.2.1'; // of nobody (RFC 5737)
const theirs = ['OUTPUT', '-m', 'owner', '--gid-owner', /regid=(\d+)/.exec(CUTTABLE.join(' '))[1]];
const rules = [[...theirs, '-p', 'tcp', '--dport', '443', '-j', 'ACCEPT'], [...theirs, '-j', 'DROP']];

let folder;
let authority;
let pebble;
let stack;
let tls;
let people;
let ann;
let ben;

// Names that a real name server would know, and whom the container trusts in the place of Let's Encrypt.
async function writeSurroundings(file) {
    await writeFile(file, JSON.stringify({ services: {
        certificate: { extra_hosts: [`${AUTHORITY}:${HOST}`], volumes: [`${authority.bundle}:/etc/ssl/certs/ca-certificates.crt:ro`] },
        janus: { extra_hosts: [`${NAME}:${HOST}`] },
    } }));
}

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lynks-domain-'));
    await run('chmod', ['755', folder]);
    // The interface that leads to others: there is none any more once the engine is offline.
    await run('ip', ['link', 'add', 'media0', 'type', 'veth', 'peer', 'name', 'media1']);
    for (const name of ['media0', 'media1']) await run('ip', ['link', 'set', name, 'up']);
    await run('ip', ['address', 'add', `${HOST}/30`, 'dev', 'media0']);
    await run('ip', ['route', 'replace', 'default', 'dev', 'media0']);
    giveName(NAME, HOST);
    authority = await prepareAcmeAuthority(folder, 14000, { name: AUTHORITY, host: HOST });
    pebble = await authority.start({ httpPort: 80 });
    const surroundings = join(folder, 'surroundings.yaml');
    await writeSurroundings(surroundings);
    stack = new Containers({ LYNKS_DOMAIN: NAME, LYNKS_ACME_URL: authority.url, LYNKS_DEMO_USER: '1' }, ['deploy/compose.yaml', surroundings]);
    await stack.compose('up', '--no-build', '--detach');
});
after(async () => {
    await people?.close();
    await stack?.compose('down', '--volumes');
    stack?.agent.destroy();
    await pebble?.end();
    await rm(folder, { recursive: true, force: true });
    await run('ip', ['link', 'delete', 'media0']);
    for (const rule of rules) await run('iptables', ['-D', ...rule]);
});

test('with LYNKS_DOMAIN alone there is a certificate by ACME, and HTTPS at 443', async () => {
    tls = { ca: pebble.root, servername: NAME };
    await eventually(async () => (await servedCertificate(443, tls)).isTrusted, { within: 60000, what: 'the certificate is there' });
    await stack.allHealthy();
    assert.equal((await askByHttp2(443, '/v1/info', tls))[':status'], 200);
    const sent = await stack.request('/abc', { method: 'GET', port: 80, agent: undefined, headers: { host: NAME } });
    assert.deepEqual([sent.status, sent.headers.location], [308, `https://${NAME}/abc`]);
    // Who takes the ports was root, and has left that.
    const status = await readFile(`/proc/${(await stack.running()).get('door_1').State.Pid}/status`, 'utf8');
    assert.match(status, /^Uid:(\t10010){4}$/m);
    assert.match(status, /^CapEff:\t0+$/m);
});

test('the gateway sees where clients come from, whatever they say of that', async () => {
    for (const localAddress of ['127.0.0.1', '127.0.0.9']) {
        const answer = await ask(443, '/v1/sessions', { method: 'POST', tls, localAddress, headers: { 'x-forwarded-for': '203.0.113.9' },
            body: { username: 'testuser', password: 'test123', device: 'by the door' } });
        assert.equal(answer.status, 201, answer.text);
    }
    const { json } = await ask(443, '/v1/sessions', { tls, token: await stack.token() });
    assert.deepEqual(json.items.filter(({ device }) => device === 'by the door').map(({ address }) => address).sort(), ['127.0.0.1', '127.0.0.9']);
});

test('one who gets through to TCP 443 alone and one who is free meet: by TURN at that port, and by UDP straight to Janus', async () => {
    for (const rule of rules) await run('iptables', ['-A', ...rule]);
    const root = join(folder, 'acme-root.pem');
    await writeFile(root, pebble.root);
    const [behind, free] = await Promise.all([startVisitors(launchPeople([], CUTTABLE, root)), startVisitors(launchPeople([], [], root))]);
    people = { close: () => Promise.all([behind.close(), free.close()]), faults: () => [...behind.faults(), ...free.faults()] };
    const link = (await makeMeeting(stack, 'Contained')).replace(/^http:\/\/[^/]*/, `https://${NAME}`);
    [ann, ben] = [await behind.visitor('Ann'), await free.visitor('Ben')];
    for (const one of [ann, ben]) await one.join(link);
    await Promise.all([ann.seesMoving('Ben'), ben.seesMoving('Ann')]);
    for (const one of [ann, ben]) await one.hears();
    assert.deepEqual(await ann.remembers('ways'), Array(2).fill('relay tls'));
    for (const way of await ben.remembers('ways')) assert.doesNotMatch(way, /relay/);
});

test('another certificate: the meeting goes on as it is', async () => {
    const { fingerprint } = await servedCertificate(443, tls);
    const { Id } = (await stack.running()).get('certificate_1');
    await docker('exec', Id, 'touch', '/front/acme/renew');
    await eventually(async () => (await servedCertificate(443, tls)).fingerprint !== fingerprint, { within: 20000, what: 'another certificate is served' });
    await Promise.all([ann.seesMoving('Ben'), ben.seesMoving('Ann')]);
    assert.deepEqual(await ann.remembers('ways'), Array(2).fill('relay tls'));
    assert.deepEqual(people.faults(), []);
});

test('the proxy, the door and the relay die, and all is back', async () => {
    for (const name of ['door_1', 'proxy_1', 'relay_1']) await stack.crash(name);
    await eventually(async () => (await ask(443, '/v1/info', { tls })).status === 200, { within: 20000, what: 'the front answers' });
    await eventually(async () => (await ann.remembers('ways')).join() === 'relay tls,relay tls', { within: 60000, what: 'Ann is there again' });
});
