#!/usr/bin/env -S node --test-reporter=tap
// A gateway with very few descriptors, and more clients than it has any for: it serves as many as it can, keeps what it
// needs itself, and goes on when they have left.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { exchange, open } from '../../support/raw-http.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const BIN = join(process.env.LYNKS_BUILD ?? 'build/release', 'bin');
const DESCRIPTORS = 64;
const CLIENTS = 120;
const BUDGET_MS = 4000; // for a request whose services are away
const HELD_MS = BUDGET_MS + 500;
const GET = 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n';

let folder;
let gateway;
const port = {};

async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: free } = server.address();
    await new Promise((resolve) => { server.close(resolve); });
    return free;
}

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'descriptors-'));
    await promisify(execFile)(join(BIN, 'lynks-keygen'), [folder, 'gateway', 'authsvc', 'roomsvc', 'janusbridge']);
    for (const name of ['http', 'ops', 'authsvc', 'roomsvc', 'janusbridge']) port[name] = await freePort();
    // All of its services are away, so that a request stays for as long as it may.
    gateway = spawn('bash', ['-c', `ulimit -n ${DESCRIPTORS}; exec "$0"`, join(BIN, 'lynks-gateway')], {
        stdio: ['ignore', 'ignore', 'ignore'],
        env: { PATH: process.env.PATH,
            LYNKS_BUS_SECRET_KEY_FILE: join(folder, 'gateway.secret'),
            LYNKS_BUS_PUBLIC_KEYS_FILE: join(folder, 'public'),
            LYNKS_TOKEN_KEY: 'k'.repeat(32),
            LYNKS_HTTP_PORT: String(port.http), LYNKS_OPS_PORT: String(port.ops),
            LYNKS_AUTHSVC_ADDRESS: `127.0.0.1:${port.authsvc}`, LYNKS_ROOMSVC_ADDRESS: `127.0.0.1:${port.roomsvc}`,
            LYNKS_JANUSBRIDGE_ADDRESS: `127.0.0.1:${port.janusbridge}` },
    });
    await eventually(() => health(), { what: 'the gateway is there' });
});
after(async () => {
    if (gateway?.exitCode === null && gateway.signalCode === null) {
        gateway.kill();
        await once(gateway, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
});

const health = async () => (await exchange(port.ops, [GET.replace('/x', '/healthz')], { answers: 1 })).statuses[0] === 200;

/// How long a new client has to wait for its answer.
async function waited() {
    const { statuses, ms } = await exchange(port.http, [GET], { answers: 1 });
    assert.deepEqual(statuses, [404]);
    return ms;
}

for (const request of [GET, 'POST /list_participants HTTP/1.1\r\nHost: x\r\n'
    + `Authorization: ${'ab'.repeat(32)}\r\nContent-Length: 13\r\n\r\n{"room_id":1}`, '', GET.slice(0, 20)]) {
    test(`${CLIENTS} clients that hold ${JSON.stringify(request.slice(0, 22))}, and leave`, async () => {
        const sockets = (await Promise.all(Array.from({ length: CLIENTS }, () => open(port.http)))).filter(Boolean);
        for (const socket of sockets) {
            socket.resume();
            if (request !== '') socket.write(request);
        }
        await sleep(500);
        assert.ok(await health(), 'its own descriptors are not for clients');
        await sleep(HELD_MS - 500);
        for (const socket of sockets) socket.destroy();
        const ms = await waited();
        assert.ok(ms < BUDGET_MS / 2, `accepts again after ${ms} ms, when those who have left had their time`);
        assert.ok(await health());
    });
}
