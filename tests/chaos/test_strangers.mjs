#!/usr/bin/env -S node --test-reporter=tap
// Who has no business here comes in thousands while the load goes on: no request of the load fails, and memory,
// processor time and descriptors are afterwards as they were before.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { cpuMicroseconds, memoryKib } from '../bench/processes.mjs';
import { eventually, sleep } from '../support/wait.mjs';
import { Chaos, SCENARIO_MS } from './chaos.mjs';

const PROCESSES = ['gateway', 'authsvc', 'roomsvc', 'janusbridge'];
// As an attacker would who has as many addresses as he likes; the load comes from 127.0.0.1, and where it is slowly
// answered it takes a connection for each of the requests of 5 s.
const address = (i) => `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${1 + (i & 127)}`;
const GROWTH_KIB = 12 * 1024;
const IDLE_CPU = 0.1; // of a core, all four together
const BATCH = 50;
const LONG = SCENARIO_MS >= 30000;
const HANDSHAKES = {
    nothing: Buffer.alloc(0),
    'random bytes': randomBytes(4096),
    HTTP: Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'),
    'ZMTP without a key': Buffer.concat([Buffer.from('ff00000000000000017f0300', 'hex'), Buffer.from('NULL'),
        Buffer.alloc(48), Buffer.from('0419055245414459', 'hex'), Buffer.alloc(17)]),
    'ZMTP with 2 GiB': Buffer.concat([Buffer.from('ff00000000000000017f0300', 'hex'), Buffer.from('CURVE'),
        Buffer.alloc(47), Buffer.from('06000000007fffffff', 'hex'), randomBytes(512)]),
};

let chaos;
let quiet;
before(async () => {
    chaos = await Chaos.start({ env: { LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX: '4096' } });
    quiet = await warm();
});
after(() => chaos?.end());

const descriptors = async (pid) => (await readdir(`/proc/${pid}/fd`)).length;

async function usage() {
    return Promise.all(PROCESSES.map(async (name) => {
        const pid = await chaos.stack.pid(name);
        return { name, pid, rss: (await memoryKib(pid)).rss, files: await descriptors(pid) };
    }));
}

// Under the load's own connections, so that these do not count as growth.
async function warm() {
    chaos.load.start();
    await sleep(1000);
    await chaos.load.stop();
    return usage();
}

async function idleCpu() {
    const used = async () => (await Promise.all(quiet.map(({ pid }) => cpuMicroseconds(pid))))
        .reduce((sum, one) => sum + one);
    const begin = await used();
    await sleep(1000);
    return ((await used()) - begin) / 1e6;
}

async function assertAsBefore(t) {
    await eventually(async () => (await usage()).every(({ files }, i) => files <= quiet[i].files + 70),
        { within: 10000, what: 'descriptors are given back' });
    const now = await usage();
    now.forEach(({ name, pid, rss }, i) => {
        assert.equal(pid, quiet[i].pid, `${name} was started again`);
        assert.ok(rss <= quiet[i].rss + GROWTH_KIB, `${name}: from ${quiet[i].rss} to ${rss} KiB`);
    });
    t.diagnostic(now.map(({ name, rss }, i) => `${name} ${quiet[i].rss} -> ${rss} KiB`).join(', '));
    const cpu = await idleCpu();
    assert.ok(cpu < IDLE_CPU, `${cpu} of a core with nothing to do`);
}

function connect(port, localAddress) {
    return new Promise((resolve) => {
        const socket = net.connect({ host: '127.0.0.1', port, localAddress });
        socket.once('connect', () => resolve(socket));
        socket.on('error', () => resolve(null));
        socket.resume();
    });
}

// Opens count connections, a batch at a time, gives each to use, and keeps what is left of them.
async function crowd(count, ports, use = () => {}) {
    const sockets = [];
    for (let i = 0; i < count; i += BATCH) {
        const batch = Array.from({ length: Math.min(BATCH, count - i) },
            (_, j) => connect(ports[(i + j) % ports.length], address(i + j)));
        for (const socket of (await Promise.all(batch)).filter(Boolean)) {
            use(socket, sockets.length);
            if (!socket.destroyed) sockets.push(socket);
        }
    }
    return sockets;
}

const leave = (sockets) => sockets.forEach((socket) => socket.destroy());

async function attack(t, what, action) {
    await chaos.scenario(t, async () => {
        const sockets = await action();
        chaos.note(`${what}; ${sockets.length} connections stay for a second`);
        await sleep(1000);
        leave(sockets);
    });
    await assertAsBefore(t);
}

test("1,100 idle strangers on each of Janus' public ports", async (t) => {
    const { janusHttp, janusWs } = chaos.stack.ports;
    await attack(t, '2,200 strangers at Janus', () => crowd(2200, [janusHttp, janusWs]));
});

test('10,000 idle connections to the API', async (t) => {
    await attack(t, '10,000 idle connections', () => crowd(10000, [chaos.stack.ports.http]));
});

test('connections that are reset, with a part of a request or without', async (t) => {
    const count = LONG ? 100000 : 5000;
    const request = 'POST /create HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}';
    await attack(t, `${count} resets`, () => crowd(count, [chaos.stack.ports.http], (socket, i) => {
        if (i % 2 === 1) socket.write(request.slice(0, 1 + Math.floor(Math.random() * request.length)));
        socket.resetAndDestroy();
    }));
});

test('slow headers, slow bodies, slow readers', async (t) => {
    const parts = ['POST /create HTTP/1.1\r\nho', 'POST /create HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n{',
        'GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(200)];
    await attack(t, '1,500 slow clients', () => crowd(1500, [chaos.stack.ports.http], (socket, i) => {
        socket.pause();
        socket.write(parts[i % parts.length]);
    }));
});

test('strangers on the bus: they are refused, and counted', async (t) => {
    const ports = [1, 2, 3].map((number) => chaos.stack.base + number);
    const refused = async () => {
        const texts = await Promise.all(PROCESSES.slice(1).map((name) => chaos.stack.ops(name, '/metrics')));
        return texts.flatMap(({ text }) => [...text.matchAll(/^lynks_bus_refused_connections_total(?:\{.*\})? (\d+)/gm)])
            .reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const earlier = await refused();
    for (const [name, bytes] of Object.entries(HANDSHAKES)) {
        await t.test(name, (sub) => attack(sub, `300 strangers with ${name}`,
            () => crowd(300, ports, (socket) => socket.write(bytes))));
    }
    const count = (await refused()) - earlier;
    assert.ok(count > 0, 'none was counted');
    t.diagnostic(`${count} connections were refused`);
});
