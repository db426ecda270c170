#!/usr/bin/env -S node --test-reporter=tap
// Back-up and restore as OPERATING.md has them, while everything runs: what the processes have seen of the database
// is ahead of it afterwards, and all goes on without a restart.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BusPeer } from '../../support/bus-peer.mjs';
import { startStack } from '../../support/stack.mjs';
import { hashOf } from '../../support/tokens.mjs';
import { eventually } from '../../support/wait.mjs';

const run = promisify(execFile);
const OPERATING = fileURLToPath(new URL('../../../deploy/OPERATING.md', import.meta.url));
const NAMES = ['authsvc', 'authsvc-2', 'roomsvc', 'roomsvc-2', 'gateway'];
const WITHIN_MS = 5000;

let stack;
let peer;
let folder;
let token;

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lynks-backup-'));
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_LOGIN_ADDRESS_BURST: '10000' });
    peer = new BusPeer(stack, `127.0.0.1:${stack.base + 1},127.0.0.1:${stack.base + 21}`);
    token = await stack.token();
    await eventually(works, { within: WITHIN_MS, what: 'all works' });
});
after(async () => {
    const code = await peer?.end();
    await stack?.remove();
    await rm(folder, { recursive: true, force: true });
    assert.equal(code, 0);
});

async function works() {
    for (const answer of [await stack.login(), await stack.create(token), await stack.list(token)]) {
        if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    }
    return true;
}

// The page's own line with this program, at this stack's port.
async function command(program) {
    const page = await readFile(OPERATING, 'utf8');
    const line = page.split('\n').find((text) => text.startsWith(`${program} `));
    assert.ok(line, `OPERATING.md has no ${program}`);
    await run('bash', ['-c', line.replaceAll('3307', String(stack.ports.mysql))],
        { cwd: folder, env: { ...process.env, MYSQL_PWD: await stack.secret('mysql-password') } });
}

// Both replicas of authsvc are asked: each of them has to know it.
async function isRevokedEverywhere(own) {
    const answers = await Promise.all(Array.from({ length: 10 }, () => stack.list(own)));
    return answers.every(({ status }) => status === 401);
}

async function revoke() {
    const own = await stack.token();
    const lists = await Promise.all(Array.from({ length: 10 }, () => stack.list(own)));
    for (const list of lists) assert.equal(list.status, 200, list.text);
    assert.equal(await peer.ask(`revoke ${hashOf(own)}`), 'OK 1');
    await eventually(() => isRevokedEverywhere(own), { within: 2000, what: 'it is revoked on both replicas' });
}

// As ten changes of the bridge that acts would have left it.
async function raiseEpoch() {
    await stack.sql('UPDATE nodes SET epoch = epoch + 10');
    const heard = async () => (await stack.ops('janusbridge', '/metrics')).text + (await stack.request('/metrics',
        { method: 'GET', port: stack.base + 123, agent: undefined })).text;
    const [[epoch]] = await stack.sql('SELECT epoch FROM nodes');
    await eventually(async () => (await heard()).includes(`lynks_janusbridge_lease_epoch ${epoch}\n`),
        { within: WITHIN_MS, what: 'the bridge has the later epoch' });
    await eventually(works, { within: WITHIN_MS, what: 'all works with the later epoch' });
}

test('a back-up is restored while all runs: logins, creates and lists work, and what is revoked ends', async () => {
    await command('mariadb-dump');
    const pids = await Promise.all(NAMES.map((name) => stack.pid(name)));
    for (let i = 0; i < 3; i += 1) await revoke();
    await raiseEpoch();
    await command('mariadb');
    // Each replica of roomsvc has to hear of the lease.
    await eventually(async () => {
        for (let i = 0; i < 10; i += 1) await works();
        return true;
    }, { within: WITHIN_MS, what: 'all works after the restore' });
    await eventually(async () => {
        const answers = await Promise.all(['authsvc', 'roomsvc', 'janusbridge', 'gateway'].map((name) => stack.ops(name, '/readyz')));
        return answers.every(({ status }) => status === 200);
    }, { within: WITHIN_MS, what: 'all are ready' });
    await revoke();
    assert.deepEqual(await Promise.all(NAMES.map((name) => stack.pid(name))), pids, 'nothing was started again');
});
