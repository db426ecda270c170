#!/usr/bin/env -S node --test-reporter=tap
// coturn as deploy/up starts it: two people who get through to its port only, by UDP or by TCP, meet, on a machine behind a NAT that leads
// nobody back; and it is an open relay for nobody. The tests build on each other.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchPeople } from '../support/browser.mjs';
import { addIpv6, addRule, ADDRESS, ADDRESS6, CUTTABLE, enterOwnNet, leaveOneWay, putBehindNat } from '../support/own-net.mjs';
import { credentialsFor, TurnClient } from '../support/turn-client.mjs';
import { eventually } from '../support/wait.mjs';
import { buildWeb } from '../support/web.mjs';
import { startStack } from '../support/stack.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

enterOwnNet(import.meta.url);

const PUBLIC = '203.0.113.7';
const PORT = 3478;
const TCP_RELAY = 6; // RFC 6062
const FORBIDDEN = 403;
const USER_QUOTA = 40;
const CREDENTIALS_S = 30;

let people;
let stack;
let link;
let secret;
let ann;
let ben;

before(async () => {
    addIpv6();
    putBehindNat(PUBLIC);
    people = await startVisitors(launchPeople([], CUTTABLE));
    stack = await startStack({ LYNKS_WEB_ROOT: await buildWeb(), LYNKS_TURN: '1', LYNKS_TURN_PORT: String(PORT), LYNKS_PUBLIC_IP: PUBLIC,
        LYNKS_TURN_CREDENTIALS_S: String(CREDENTIALS_S) });
    secret = await stack.secret('turn-secret');
});
after(async () => {
    await people?.close();
    await stack?.remove();
});

const roomPath = () => `/v1/rooms/${link.split('/').at(-1)}`;
const server = (transport = 'udp', host = ADDRESS) => ({ host, port: PORT, transport });

async function withClient(where, credentials, use) {
    const client = await TurnClient.open(where, credentials);
    try {
        return await use(client);
    } finally {
        client.close();
    }
}

// What a port had before of somebody who has gone is there for ten minutes: 437 (RFC 8656, section 7.2), and with another port one goes on.
async function opened(credentials, where = server()) {
    for (let attempt = 0; ; attempt += 1) {
        const client = await TurnClient.open(where, credentials);
        const code = await client.allocate();
        if (code !== 437 || attempt === 5) return { client, code };
        client.close();
    }
}

async function allocates(credentials, where) {
    const { client, code } = await opened(credentials, where);
    client.close();
    return code;
}

async function meetBy(transport) {
    leaveOneWay(transport, PORT);
    for (const one of [ann, ben]) await one?.page.close();
    link = await makeMeeting(stack, `By ${transport}`);
    [ann, ben] = [await people.visitor('Ann'), await people.visitor('Ben')];
    for (const one of [ann, ben]) await one.join(link);
    await Promise.all([ann.seesMoving('Ben'), ben.seesMoving('Ann')]);
    for (const one of [ann, ben]) await one.hears();
    for (const one of [ann, ben]) assert.deepEqual(await one.remembers('ways'), Array(2).fill(`relay ${transport}`), one.name);
}

test('two whose only way is UDP 3478 see and hear each other', () => meetBy('udp'));

test('two whose only way is TCP 3478 see and hear each other', () => meetBy('tcp'));

test('who is taken out gets nothing more by it and no other credentials, and those that he has are over in seconds', async () => {
    // A machine that is too busy to look at a password in time says so.
    const owner = await eventually(async () => (await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } })).json?.token,
        { what: 'testuser is signed in' });
    const listed = await stack.request(`${roomPath()}/participants`, { method: 'GET', token: `Bearer ${owner}` });
    const { id } = listed.json.items.find(({ name }) => name === 'Ben');
    const token = `Bearer ${await ben.page.evaluate(() => Object.values(sessionStorage).concat(Object.values(localStorage)).join(' ').match(/lp_[0-9a-f]+/)[0])}`;
    const asked = () => stack.request(`${roomPath()}/ice-servers`, { method: 'GET', token });
    const [credentials] = (await asked()).json.ice_servers;
    assert.equal(await allocates(credentials), undefined);
    const { client, code } = await opened(credentials);
    assert.equal(code, undefined);
    assert.equal((await stack.request(`${roomPath()}/participants/${id}`, { method: 'DELETE', token: `Bearer ${owner}` })).status, 204);
    const refused = await asked();
    assert.deepEqual([refused.status, refused.json.code], [403, 'removed'], refused.text);
    await eventually(async () => (await stack.sql(`SELECT COUNT(*) FROM rtc_connections WHERE participant_id = ${id}`))[0][0] === '0',
        { within: 2000, what: 'his connections are gone' });
    await ann.shows('Ann');
    await ben.hasLetGo();
    const end = Number(credentials.username.split(':')[0]) + 1;
    await eventually(() => Date.now() / 1000 > end, { within: (CREDENTIALS_S + 5) * 1000, what: 'their time is over' });
    for (const transport of ['udp', 'tcp']) assert.equal(await allocates(credentials, server(transport)), 401, transport);
    // Who is in goes on with what he has, however old: Ann does, who is seen in the tests below.
    assert.equal(await client.refresh(600), undefined);
    client.close();
});

test('credentials that have run out, or are of another secret, or of nobody, are none', async () => {
    for (const transport of ['udp', 'tcp']) {
        const where = server(transport);
        assert.equal(await allocates(credentialsFor(secret, '9', 60), where), undefined, transport);
        assert.equal(await allocates(credentialsFor(secret, '9', -1), where), 401, transport);
        assert.equal(await allocates(credentialsFor('another secret, as long', '9', 60), where), 401, transport);
        assert.equal(await allocates({ username: 'ann', credential: secret }, where), 401, transport);
    }
});

test('it relays to Janus and to nothing else, with IPv4 and IPv6', async () => {
    const families = [[1, ADDRESS, ['192.0.2.2', PUBLIC, '127.0.0.1', '0.0.0.0', '10.0.0.1', '198.51.100.1', '224.0.0.1', '255.255.255.255']],
        [2, ADDRESS6, ['2001:db8::2', '::1', '::', 'fe80::1', 'fd00::1', '2001:4860:4860::8888', 'ff02::1', '::ffff:127.0.0.1', `::ffff:${ADDRESS}`, '64:ff9b::7f00:1']]];
    for (const host of [ADDRESS, ADDRESS6]) {
        for (const [family, janus, others] of families) {
            await withClient(server('udp', host), credentialsFor(secret, `family${family}`, 60), async (client) => {
                assert.equal(await client.allocate({ family }), undefined);
                assert.deepEqual([client.software, client.hasFingerprint], [undefined, true]);
                assert.equal(await client.permit(janus), undefined, janus);
                for (const peer of others) assert.equal(await client.permit(peer), FORBIDDEN, peer);
            });
        }
    }
    assert.equal(await withClient(server(), credentialsFor(secret, '9', 60), (client) => client.allocate({ transport: TCP_RELAY })), 442);
});

// Listens at a port that is none of Janus'.
async function listen(host) {
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const heard = [];
    socket.on('message', (bytes) => heard.push(bytes.toString()));
    await new Promise((resolve) => { socket.bind(0, host, resolve); });
    return { port: socket.address().port, heard, close: () => socket.close() };
}

test('the lines for a firewall keep it from ports of this machine that are none of Janus\', with IPv4 and IPv6', async () => {
    const banner = await readFile(join(stack.state, 'banner'), 'utf8');
    for (const [program, family, host, loopback] of [['iptables', 1, ADDRESS, '127.0.0.1'], ['ip6tables', 2, ADDRESS6, '::1']]) {
        const [ours, inner] = [await listen(host), await listen(loopback)];
        try {
            await withClient(server(), credentialsFor(secret, '9', 60), async (client) => {
                assert.equal(await client.allocate({ family }), undefined);
                assert.equal(await client.permit(host), undefined);
                await eventually(() => { client.say(host, ours.port, 'before'); return ours.heard.includes('before'); }, { what: `${host}: it is heard without the line` });
                addRule(new RegExp(`^Firewall: (${program} -A OUTPUT .*)$`, 'm').exec(banner)[1]);
                client.say(host, ours.port, 'after');
                client.say(loopback, inner.port, 'inside');
                assert.equal(await client.permit(host), undefined); // what was said before this was dealt with
                assert.deepEqual([ours.heard.includes('after'), inner.heard], [false, []], host);
            });
        } finally {
            ours.close();
            inner.close();
        }
    }
});

test('nobody has more than his share of it', async () => {
    const clients = [];
    try {
        for (let i = 0; i < USER_QUOTA; i += 1) {
            const { client, code } = await opened(credentialsFor(secret, 'greedy', 60 + i));
            clients.push(client);
            assert.equal(code, undefined, String(i));
        }
        assert.equal(await allocates(credentialsFor(secret, 'greedy', 60)), 486);
        assert.equal(await allocates(credentialsFor(secret, 'another', 60)), undefined);
    } finally {
        for (const client of clients) client.close();
    }
});

test('it is one of the processes: shown, started again, and without a secret in its log', async () => {
    const { stdout } = await stack.deploy('status');
    assert.match(stdout, /^turn +ready .* yes$/m);
    assert.match(stdout, /^Firewall: iptables -A INPUT -p tcp --dport 3478 -j ACCEPT$/m);
    await stack.crash('turn');
    await eventually(async () => await allocates(credentialsFor(secret, '9', 60)) === undefined, { what: 'it is back' });
    await eventually(async () => (await ann.remembers('ways')).length === 0, { within: 20000, what: 'Ann is cut off' });
    await eventually(async () => (await ann.remembers('ways')).includes('relay tcp'), { within: 20000, what: 'Ann is there again' });
    for (const [name, text] of await stack.logs()) assert.ok(!text.includes(secret), name);
});

test('the test page tells whether TURN is reached by UDP and by TCP, and what to open', async () => {
    const carol = await people.visitor('Carol');
    await carol.signIn(`http://127.0.0.1:${stack.ports.http}/`, 'testuser', 'test123');
    for (const [transport, words] of [['tcp', /^It works by TCP, but not by UDP\. .* open UDP port 3478/], ['udp', /^It works by UDP, but not by TCP\. .* open TCP port 3478/]]) {
        leaveOneWay(transport, PORT);
        await carol.page.goto(`http://127.0.0.1:${stack.ports.http}/test`);
        await carol.click('Test sound and video');
        await carol.page.getByText(words).waitFor();
        await carol.page.getByText(`They reach the server (TURN/${transport.toUpperCase()}`).waitFor();
        if (transport !== 'tcp') continue;
        await carol.page.getByText(words).evaluate((line) => line.scrollIntoView({ block: 'end' }));
        await carol.shot('test-page');
    }
    await carol.isAccessible('the test page');
    await carol.page.close();
});

test('no page has complained', () => {
    assert.deepEqual(people.faults(), []);
});
