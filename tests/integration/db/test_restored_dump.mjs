#!/usr/bin/env -S node --test-reporter=tap
// The documented back-up and restore (deploy/OPERATING.md) on a stack that runs: the restored leases are older than
// those that the services know.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const run = promisify(execFile);
const BOUND_MS = 30000;
const LATER = 1000; // epochs

let stack;
let token;
before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2' });
    token = await stack.token();
    assert.equal((await stack.create(token)).status, 200);
});
after(() => stack?.remove());

const account = () => ['--host=127.0.0.1', `--port=${stack.ports.mysql}`, '--user=lynks'];

async function shell(command, ...args) {
    const env = { ...process.env, MYSQL_PWD: await stack.secret('mysql-password') };
    return (await run('bash', ['-c', command, 'bash', ...args], { env, maxBuffer: 1 << 24 })).stdout;
}

const knownEpochs = () => Promise.all([0, 1].map(async (replica) => {
    const { text } = await stack.request('/metrics',
        { method: 'GET', port: stack.base + 103 + 20 * replica, agent: undefined });
    return Number(text.match(/^lynks_janusbridge_lease_epoch (\d+)$/m)[1]);
}));

const roomsvcsReady = async () => (await Promise.all([0, 1].map((replica) => stack.request('/readyz',
    { method: 'GET', port: stack.base + 102 + 20 * replica, agent: undefined })))).every(({ status }) => status === 200);

test('create and list work again soon after the restore, and stay so', async (t) => {
    const dump = `${stack.state}/lynks.sql`;
    await shell('mariadb-dump --no-defaults "${@:2}" --single-transaction --replace lynks_db >"$1"', dump, ...account());
    // As if the bridges had taken the lease from each other many times since.
    await stack.sql(`UPDATE nodes SET epoch = epoch + ${LATER}`);
    await eventually(async () => Math.max(...await knownEpochs()) > LATER, { within: BOUND_MS, what: 'a newer lease' });
    for (let i = 0; i < 10; i += 1) assert.equal((await stack.create(token)).status, 200); // all roomsvcs hear of it
    await shell('mariadb --no-defaults "${@:2}" lynks_db <"$1"', dump, ...account());
    const begin = performance.now();
    await eventually(async () => (await Promise.all([stack.create(token), stack.list(token)]))
        .every(({ status }) => status === 200), { within: BOUND_MS, what: 'create and list work' });
    t.diagnostic(`create and list work ${Math.round(performance.now() - begin)} ms after the restore`);
    await eventually(roomsvcsReady, { within: BOUND_MS, what: 'both roomsvc are ready' });
    await eventually(async () => {
        for (let i = 0; i < 50; i += 1) if ((await stack.create(token)).status !== 200) return false;
        return true;
    }, { within: BOUND_MS, what: 'fifty creates, one after the other' });
    // The one that has the lease learns of the older epoch when it renews it.
    await eventually(async () => Math.max(...await knownEpochs()) < LATER, { within: BOUND_MS, what: 'an older lease' });
    await eventually(async () => [...(await stack.logs())].some(([name, text]) => name.startsWith('roomsvc')
        && text.includes('the database has gone back to an older lease')), { within: BOUND_MS, what: 'roomsvc says why' });
});
