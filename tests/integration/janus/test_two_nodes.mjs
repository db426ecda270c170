#!/usr/bin/env -S node --test-reporter=tap
// Two nodes: two Janus, a bridge for each, and a roomsvc with a gateway for each that makes rooms there. The rooms are in one
// registry, and each is in one Janus only.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startOwnJanus } from '../../support/own-janus.mjs';
import { AUDIO } from '../../support/rtc-offers.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BOUND_MS = 20000;
const BUDGET_MS = 3000; // of a call
const REFUSED_WITHIN_MS = 20 * BUDGET_MS;
const LISTS = 100;

let stack;
let otherJanus;
let token;
const others = {}; // the processes of the other node: name -> child, with its port for /readyz

// What the stack does not have; its ports are in the stack's block.
const port = (number) => stack.base + 150 + number;
const addresses = (own, number) => `127.0.0.1:${stack.base + own},127.0.0.1:${port(number)}`;

function start(name, role, number, env) {
    const bin = join(ROOT, process.env.LYNKS_BUILD ?? 'build/release', 'bin', `lynks-${role}`);
    const keys = join(stack.state, 'secrets', 'bus');
    const child = spawn(bin, [], { stdio: ['ignore', 'ignore', 'pipe'], env: {
        PATH: process.env.PATH,
        LYNKS_OPS_PORT: String(port(number)),
        LYNKS_BUS_SECRET_KEY_FILE: join(keys, `${role}.secret`),
        LYNKS_BUS_PUBLIC_KEYS_FILE: join(keys, 'public'),
        ...env,
    } });
    child.log = '';
    child.stderr.on('data', (data) => { child.log += data; });
    child.opsPort = port(number);
    others[name] = child;
    return isReady(name);
}

const get = (path, at) => stack.request(path, { method: 'GET', port: at, agent: undefined });
const isReady = (name) => eventually(async () => (await get('/readyz', others[name].opsPort).catch(() => ({}))).status === 200,
    { within: BOUND_MS, what: `${name} is ready` });

async function end(name, signal = 'SIGTERM') {
    const child = others[name];
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
    if (signal === 'SIGTERM') assert.equal(child.exitCode, 0, `${name} ended well: ${child.log.slice(-4000)}`);
}

const startBridge = () => start('bridge', 'janusbridge', 1, {
    LYNKS_NODE: 'other',
    LYNKS_BUS_BIND: `tcp://127.0.0.1:${port(2)}`,
    LYNKS_EVENTS_BIND: `tcp://127.0.0.1:${port(3)}`,
    LYNKS_ROOMSVC_ADDRESS: addresses(2, 5),
    LYNKS_JANUS_URL: `http://127.0.0.1:${otherJanus.httpPort}/janus`,
    LYNKS_JANUS_ADMIN_KEY: otherJanus.adminKey,
});

before(async () => {
    otherJanus = await startOwnJanus();
    stack = await startStack({ LYNKS_STANDARD_ROOM: '0', LYNKS_REQUEST_BUDGET_MS: String(BUDGET_MS) });
    const bridges = { LYNKS_JANUSBRIDGE_ADDRESS: addresses(3, 2), LYNKS_JANUSBRIDGE_EVENTS: addresses(13, 3) };
    await stack.down();
    await stack.up(bridges);
    // A bridge is ready with a lease, and a roomsvc with a bridge.
    await startBridge();
    await start('roomsvc', 'roomsvc', 4, {
        ...bridges,
        LYNKS_ROOM_NODE: 'other',
        LYNKS_STANDARD_ROOM: '0',
        LYNKS_BUS_BIND: `tcp://127.0.0.1:${port(5)}`,
        LYNKS_EVENTS_BIND: '',
        LYNKS_MYSQL_PORT: String(stack.ports.mysql),
        LYNKS_MYSQL_PASSWORD_FILE: join(stack.state, 'secrets', 'mysql-password'),
    });
    await start('gateway', 'gateway', 6, {
        ...bridges,
        LYNKS_HTTP_PORT: String(port(7)),
        LYNKS_AUTHSVC_ADDRESS: `127.0.0.1:${stack.base + 1}`,
        LYNKS_AUTHSVC_EVENTS: `127.0.0.1:${stack.base + 11}`,
        LYNKS_ROOMSVC_ADDRESS: `127.0.0.1:${port(5)}`,
        LYNKS_ROOMSVC_EVENTS: '',
        LYNKS_REQUEST_BUDGET_MS: String(BUDGET_MS),
        LYNKS_TOKEN_KEY_FILE: join(stack.state, 'secrets', 'token-key'),
    });
    token = await stack.token();
});
after(async () => {
    for (const name of ['gateway', 'roomsvc', 'bridge']) if (others[name]) await end(name);
    await stack?.remove();
    await otherJanus?.stop();
});

// The front doors: each makes rooms on its node, and both list all.
const doors = { default: {}, get other() { return { port: port(7) }; } };

async function createOn(node) {
    const answer = await stack.create(token, doors[node]);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.room_id;
}

// All rooms that a Janus has, as it tells itself.
async function roomsIn(janusPort, adminKey) {
    const ask = async (path, body) => (await stack.request(`/janus${path}`, { port: janusPort, agent: undefined,
        body: { transaction: 'test', ...body } })).json;
    const session = (await ask('', { janus: 'create' })).data.id;
    const handle = (await ask(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
    const { plugindata } = await ask(`/${session}/${handle}`,
        { janus: 'message', body: { request: 'list', admin_key: adminKey } });
    await ask(`/${session}`, { janus: 'destroy' });
    return plugindata.data.list.map(({ room }) => room);
}

async function assertApart(rooms) {
    const [here, there] = [await roomsIn(stack.ports.janusHttp, await stack.secret('janus-admin-key')),
        await roomsIn(otherJanus.httpPort, otherJanus.adminKey)];
    assert.deepEqual(here.filter((id) => rooms.other.includes(id)), [], 'none of the other node is here');
    assert.deepEqual(there.filter((id) => rooms.default.includes(id)), [], 'none of this node is there');
    assert.ok(rooms.default.every((id) => here.includes(id)), 'all of this node are here');
    assert.ok(rooms.other.every((id) => there.includes(id)), 'all of the other node are there');
}

// How often bridges told this roomsvc that a call is not theirs.
async function notMine(opsPort) {
    const { text } = await get('/metrics', opsPort);
    return Number(text.match(/^lynks_bus_not_mine_total\{service="janusbridge"\} (\d+)$/m)[1]);
}
const strayed = async () => [await notMine(stack.base + 102), await notMine(others.roomsvc.opsPort)];

async function assertListed(room, door) {
    const answer = await stack.list(token, room, door);
    assert.equal(answer.status, 200, answer.text);
}

const rooms = { default: [], other: [] };

test('a room is made in the Janus of its node, and in no other', async () => {
    for (const node of ['default', 'other', 'default', 'other']) rooms[node].push(await createOn(node));
    await assertApart(rooms);
});

test('lists come from the node of the room, whoever is asked', async () => {
    for (const room of [...rooms.default, ...rooms.other]) {
        for (const door of [doors.default, doors.other]) await assertListed(room, door);
    }
    await assertApart(rooms); // a list at the wrong one would have made the room there
});

test('each bridge says once to each roomsvc what is not its own', async (t) => {
    const before = await strayed();
    t.diagnostic(`so far: ${before}`); // calls that were on their way together count each
    assert.ok(before.every((count) => count <= 4), String(before));
    for (let i = 0; i < LISTS; i += 1) {
        await createOn(i % 2 === 0 ? 'default' : 'other').then((room) => rooms[i % 2 === 0 ? 'default' : 'other'].push(room));
        await assertListed(rooms.other[0], doors.default);
    }
    const later = await strayed();
    assert.deepEqual(later, before);
    await assertApart(rooms);
});

test('who sends and watches does so on the node of his room, whichever gateway he asks', async () => {
    const ask = (door, path, method, who, body) => stack.request(path, { method, token: `Bearer ${who}`, body, ...doors[door] });
    for (const node of ['default', 'other']) {
        const made = await ask(node, '/v1/rooms', 'POST', token, { name: 'Tea', guests_wait: false });
        assert.equal(made.status, 201, made.text);
        const { code } = made.json;
        for (const door of ['default', 'other']) {
            const { json: guest, text } = await stack.request(`/v1/rooms/${code}/participants`, { body: { name: `Eve at ${door}` }, ...doors[door] });
            assert.ok(guest.participant, text);
            const published = await ask(door, `/v1/rooms/${code}/publish`, 'POST', guest.token, AUDIO);
            assert.equal(published.status, 201, published.text);
            const watched = await ask(door, `/v1/rooms/${code}/watch`, 'PUT', guest.token, { wanted: [] });
            assert.equal(watched.status, 200, watched.text);
            assert.deepEqual(await stack.sql(`SELECT kind, node FROM rtc_connections WHERE participant_id = ${guest.participant.id} ORDER BY kind`),
                [['1', node], ['2', node]]);
            for (const { json: { connection } } of [published, watched]) {
                for (const any of ['default', 'other']) {
                    const state = await ask(any, `/v1/rtc/${connection}`, 'GET', guest.token);
                    assert.equal(state.status, 200, `${any}: ${state.text}`);
                }
                const ended = await ask(door, `/v1/rtc/${connection}`, 'DELETE', guest.token);
                assert.equal(ended.status, 204, ended.text);
            }
        }
    }
});

test('a node that is away holds up none of the others', async (t) => {
    const known = await strayed();
    await end('bridge', 'SIGKILL');
    // Asked for all the while, so that some are held in front of each that follows. For a moment what roomsvc has heard
    // of the bridge is fresh enough to be the answer.
    let away = true;
    t.after(() => { away = false; });
    const statuses = [];
    const isRefused = () => statuses.some((status) => status !== 200);
    const waiting = (async () => {
        while (away) statuses.push((await stack.list(token, rooms.other[0], doors.default)).status);
    })();
    let longest = 0;
    const start = performance.now();
    for (let i = 0; i < LISTS || !isRefused(); i += 1) {
        const begin = performance.now();
        assert.ok(begin < start + REFUSED_WITHIN_MS, `nothing was refused: ${statuses.length} answers`);
        await assertListed(rooms.default[i % rooms.default.length], i % 2 === 0 ? doors.default : doors.other);
        if (i < LISTS && i % 50 === 0) rooms.default.push(await createOn('default'));
        longest = Math.max(longest, performance.now() - begin);
    }
    t.diagnostic(`the longest wait: ${Math.round(longest)} ms; the other node: ${statuses}`);
    assert.ok(longest < BUDGET_MS, `waited ${longest} ms`);
    const refused = statuses.slice(statuses.findIndex((status) => status !== 200));
    assert.deepEqual(refused.filter((status) => status !== 503 && status !== 504), []);
    assert.deepEqual(await strayed(), known, 'nobody is asked again');
    await startBridge();
    await eventually(async () => (await stack.list(token, rooms.other[0], doors.default)).status === 200,
        { within: BOUND_MS, what: 'the other node is back' });
    away = false;
    await waiting;
    rooms.other.push(await createOn('other'));
    await assertApart(rooms);
    const [one, two] = await strayed();
    assert.ok(one <= known[0] + 2 && two <= known[1] + 2, `${one} and ${two} after ${known}`);
});
