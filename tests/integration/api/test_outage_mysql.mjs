#!/usr/bin/env -S node --test-reporter=tap
// MariaDB is away for as long as the test wants: killed, paused, restarted under load. Who is logged in goes on, what is
// open is listed; what needs the database is refused with 503 at once; all works when it is back, with no restart.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BusPeer } from '../../support/bus-peer.mjs';
import { startStack } from '../../support/stack.mjs';
import { hashOf } from '../../support/tokens.mjs';
import { eventually, sleep, timed } from '../../support/wait.mjs';

const run = promisify(execFile);
const MARIADB = fileURLToPath(new URL('../../support/mariadb', import.meta.url));
// Two seconds are asked for; how long it took is printed.
const RECOVERED_WITHIN_MS = 10000;
const DEADLINE_MS = 4000 + 4000; // what the gateway gives a request, and much for a busy machine
const PAUSE_MS = 5000; // longer than a lease
const IDLE_S = 10;

let folder;
let database;
let stack;
let peer;
let token;
const pids = {};
const NAMES = ['authsvc', 'authsvc-2', 'roomsvc', 'roomsvc-2', 'janusbridge', 'gateway'];

const mariadb = (verb, ...rest) => run(MARIADB, [verb, folder, ...rest]);

async function startDatabase(port) {
    const { stdout } = await mariadb('start', String(port));
    database = Object.fromEntries(stdout.trim().split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
    // What is committed has to outlive a kill.
    await sql('SET GLOBAL innodb_flush_log_at_trx_commit = 2');
}

function sql(query) {
    return run('mariadb', ['--no-defaults', `--socket=${database.MARIADB_SOCKET}`, '--user=root', 'lynks_db', '--execute', query],
        { env: { ...process.env, MYSQL_PWD: database.MARIADB_ROOT_PASSWORD } });
}

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lynks-outage-'));
    await startDatabase(0);
    const env = Object.fromEntries(Object.entries(database).filter(([name]) => name.startsWith('LYNKS_')));
    stack = await startStack({ ...env, LYNKS_REPLICAS: '2', LYNKS_SESSION_IDLE_S: String(IDLE_S), LYNKS_SESSION_OUTAGE_S: '600',
        LYNKS_LOGIN_ADDRESS_BURST: '10000', LYNKS_LOGIN_NAME_BURST: '10000' });
    peer = new BusPeer(stack, `127.0.0.1:${stack.base + 1},127.0.0.1:${stack.base + 21}`);
    token = await stack.token();
    await eventually(works, { within: 20000, what: 'all works' });
    for (const name of NAMES) pids[name] = await stack.pid(name);
});
after(async () => {
    const code = await peer?.end();
    await stack?.remove();
    await mariadb('stop').catch(() => {});
    await rm(folder, { recursive: true, force: true });
    assert.equal(code, 0);
});

async function works() {
    for (const answer of [await stack.login(), await stack.create(token), await stack.list(token)]) {
        if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    }
    return true;
}

async function assertBack(t) {
    const { ms } = await timed(() => eventually(works, { within: RECOVERED_WITHIN_MS, what: 'all works again' }));
    t.diagnostic(`all worked ${ms.toFixed(0)} ms after MariaDB answered again`);
    for (const name of NAMES) assert.equal(await stack.pid(name), pids[name], `${name} was started again`);
}

function assertRefused(answer, what) {
    assert.equal(answer.status, 503, `${what}: ${answer.status} ${answer.text}`);
    assert.match(answer.headers['retry-after'], /^[1-9][0-9]*$/, what);
}

// Each replica has to find out. The token is used all the while: it must not end for want of use.
const refuses = (call) => eventually(async () => {
    const [, ...answers] = await Promise.all([stack.list(token), ...Array.from({ length: 8 }, call)]);
    return answers.every(({ status }) => status === 503);
}, { within: 20000, what: 'it is known to be away' });

test('killed: who is logged in goes on past the idle time, what is open is listed; login and create get 503', async (t) => {
    await mariadb('kill');
    await refuses(() => stack.login());
    await refuses(() => stack.create(token));
    const begin = performance.now();
    while (performance.now() - begin < 1.5 * IDLE_S * 1000) {
        // All replicas of roomsvc are asked: also one that has not heard of the room.
        const answers = await Promise.all(Array.from({ length: 8 }, () => stack.list(token)));
        for (const answer of answers) assert.equal(answer.status, 200, answer.text);
        assertRefused(await stack.login(), 'login');
        assertRefused(await stack.create(token), 'create');
        await sleep(300);
    }
    assert.equal(await peer.ask(`revoke ${hashOf(token)}`), 'ERR unavailable');
    assert.equal((await stack.list(token)).status, 200, 'what was not revoked is valid');
    await startDatabase(database.LYNKS_MYSQL_PORT);
    await assertBack(t);
});

test('paused: no call hangs past its deadline, what is open is listed', async (t) => {
    const pid = Number(database.MARIADB_PID);
    process.kill(pid, 'SIGSTOP');
    try {
        const calls = [() => stack.login(), () => stack.create(token), () => stack.list(token)];
        const answers = await Promise.all(calls.map(timed));
        for (const { result, ms } of answers) {
            assert.ok([200, 503, 504].includes(result.status), `${result.status} ${result.text}`);
            assert.ok(ms < DEADLINE_MS, `${ms} ms`);
        }
        assert.equal(answers[2].result.status, 200, answers[2].result.text);
        await refuses(() => stack.login());
        await refuses(() => stack.create(token));
        // For longer than a lease lasts.
        const begin = performance.now();
        let longest = 0;
        while (performance.now() - begin < PAUSE_MS) {
            const { result, ms } = await timed(() => stack.list(token));
            assert.equal(result.status, 200, result.text);
            assert.ok(ms < DEADLINE_MS, `${ms} ms`);
            longest = Math.max(longest, ms);
            await sleep(100);
        }
        t.diagnostic(`the longest wait for a list while it was paused: ${longest.toFixed(0)} ms`);
    } finally {
        process.kill(pid, 'SIGCONT');
    }
    await assertBack(t);
});

// In the moments of its going and coming a call may wait for it in vain; not a list, which needs nothing of it.
test('restarted under load: refused, nothing else; listing goes on all the while', async (t) => {
    const seen = { login: new Map(), create: new Map(), list: new Map() };
    let going = true;
    t.after(() => { going = false; });
    const load = async (kind, call) => {
        while (going) {
            const { status } = await call();
            seen[kind].set(status, (seen[kind].get(status) ?? 0) + 1);
            if (kind === 'login') await sleep(50);
        }
    };
    const clients = [load('login', () => stack.login()), ...Array.from({ length: 3 }, () => load('list', () => stack.list(token))),
        load('create', () => stack.create(token))];
    for (let i = 0; i < 2; i += 1) {
        await sleep(500);
        await mariadb(i === 0 ? 'stop' : 'kill');
        await refuses(() => stack.login());
        await sleep(1000);
        await startDatabase(database.LYNKS_MYSQL_PORT);
        await eventually(works, { within: RECOVERED_WITHIN_MS, what: 'all works again' });
    }
    going = false;
    await Promise.all(clients);
    for (const [kind, counts] of Object.entries(seen)) {
        t.diagnostic(`${kind}: ${[...counts].map(([status, count]) => `${count} x ${status}`).join(', ')}`);
        const allowed = kind === 'list' ? [200] : [200, 503, 504];
        for (const status of counts.keys()) assert.ok(allowed.includes(status), `${kind}: ${status}`);
        assert.ok(counts.get(200) > 0, kind);
    }
    await assertBack(t);
});

test('the end of a session that was revoked right after an outage holds', async () => {
    const own = await stack.token();
    await mariadb('kill');
    await refuses(() => stack.login());
    assert.equal(await peer.ask(`revoke ${hashOf(own)}`), 'ERR unavailable');
    await startDatabase(database.LYNKS_MYSQL_PORT);
    await eventually(async () => (await peer.ask(`revoke ${hashOf(own)}`)) === 'OK 1', { within: RECOVERED_WITHIN_MS, what: 'revoked' });
    await eventually(async () => (await stack.list(own)).status === 401, { within: RECOVERED_WITHIN_MS, what: '401' });
});
