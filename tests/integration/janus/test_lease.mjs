#!/usr/bin/env -S node --test-reporter=tap
// Two bridges for one Janus: one acts, the other takes over, and never do both.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const BRIDGES = ['janusbridge', 'janusbridge-2'];
// Three seconds are what is promised on a machine with nothing else to do.
const BOUND_MS = 20000;
// Longer than a lease, which is what must not matter.
const OUTAGE_MS = 5000;
// A machine that stands still for two seconds takes the lease from anybody.
const ATTEMPTS = 3;

let stack;
let token;
before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_REQUEST_BUDGET_MS: String(BOUND_MS) });
    token = await stack.token();
    await stack.create(token);
});
after(() => stack?.remove());

async function metrics(bridge) {
    const port = stack.base + 103 + 20 * BRIDGES.indexOf(bridge);
    const { text } = await stack.request('/metrics', { method: 'GET', port, agent: undefined });
    return (name) => Number(text.split('\n').find((line) => line.startsWith(`${name} `)).slice(name.length + 1));
}

async function holds(bridge) {
    return (await metrics(bridge))('lynks_janusbridge_lease_held') === 1;
}

async function active() {
    return eventually(async () => {
        for (const bridge of BRIDGES) if (await holds(bridge)) return bridge;
        return undefined;
    }, { within: BOUND_MS, what: 'a bridge holds the lease' });
}

const other = (bridge) => BRIDGES.find((name) => name !== bridge);

async function sessionsInJanus() {
    return [...(await stack.logs()).get('janus.log').matchAll(/Creating new session: (\d+)/g)].length;
}

// Nobody but the bridges makes sessions in this Janus.
async function assertOneSession() {
    assert.equal(await sessionsInJanus(), 1, 'sessions made in Janus');
}

async function howManyAct() {
    const all = await Promise.all(BRIDGES.map(metrics));
    const sums = ['lynks_janusbridge_lease_held', 'lynks_janus_ready']
        .map((name) => all.reduce((sum, metric) => sum + metric(name), 0));
    return Math.max(...sums);
}

// The two are not asked at the same moment, so that a hand-over may show as two, once.
async function assertOneActs() {
    await eventually(async () => await howManyAct() <= 1, { within: 200, what: 'at most one acts' });
}

// Everything asked meanwhile has to work; gives the longest wait.
async function whileListing(act) {
    let done = false;
    let longest = 0;
    const asking = (async () => {
        while (!done) {
            const begin = performance.now();
            const answer = await stack.list(token);
            assert.equal(answer.status, 200, answer.text);
            longest = Math.max(longest, performance.now() - begin);
            await sleep(20);
        }
    })();
    try {
        await act();
    } finally {
        done = true;
    }
    await asking;
    return Math.round(longest);
}

async function withoutSupervisor(act) {
    const supervisor = await stack.signal('supervise', 'SIGSTOP');
    try {
        await act();
    } finally {
        process.kill(supervisor, 'SIGCONT');
    }
}

const bothReady = () => eventually(async () => (await Promise.all(BRIDGES.map((bridge) => stack.request('/readyz',
    { method: 'GET', port: stack.base + 103 + 20 * BRIDGES.indexOf(bridge), agent: undefined }))))
    .every(({ status }) => status === 200), { within: BOUND_MS, what: 'both are ready' });

test('one of two acts, the other one stands by and is ready', async () => {
    const first = await active();
    assert.equal(await holds(other(first)), false);
    await bothReady();
    await assertOneSession();
    assert.equal((await stack.list(token)).status, 200);
});

test('the active one dies and does not come back: the other one goes on with its session', async (t) => {
    const first = await active();
    const longest = await whileListing(() => withoutSupervisor(async () => {
        const begin = performance.now();
        await stack.signal(first, 'SIGKILL');
        await eventually(() => holds(other(first)), { within: BOUND_MS, what: 'the other one holds the lease' });
        t.diagnostic(`taken over ${Math.round(performance.now() - begin)} ms after the death`);
        assert.equal((await stack.list(token)).status, 200);
    }));
    t.diagnostic(`the longest wait of a client: ${longest} ms`);
    await bothReady();
    await assertOneActs();
    await assertOneSession();
});

test('the active one crashes and is started again: it goes on at once', async (t) => {
    for (let i = 0; i < 3; i += 1) {
        const longest = await whileListing(async () => {
            await stack.signal(await active(), 'SIGKILL');
            await sleep(100);
            await active();
            await bothReady();
        });
        t.diagnostic(`the longest wait of a client: ${longest} ms`);
    }
    await assertOneActs();
    await assertOneSession();
});

test('the active one is stopped and goes on: it finds itself stale', async (t) => {
    const first = await active();
    const lost = (await metrics(first))('lynks_janusbridge_leases_total{what="lost"}');
    const begin = performance.now();
    const longest = await whileListing(async () => {
        await stack.signal(first, 'SIGSTOP');
        await eventually(() => holds(other(first)), { within: BOUND_MS, what: 'the other one holds the lease' });
        t.diagnostic(`taken over ${Math.round(performance.now() - begin)} ms after the stop`);
        await stack.signal(first, 'SIGCONT');
        for (let i = 0; i < 50; i += 1) {
            await assertOneActs();
            await sleep(20);
        }
    });
    t.diagnostic(`the longest wait of a client: ${longest} ms`);
    assert.ok((await metrics(first))('lynks_janusbridge_leases_total{what="lost"}') > lost, 'it knows');
    await assertOneSession();
});

test('the active one is told to end: the other one takes over, no request fails', async (t) => {
    const longest = await whileListing(async () => {
        await stack.deploy('restart', 'janusbridge');
        await bothReady();
    });
    t.diagnostic(`the longest wait of a client: ${longest} ms`);
    await assertOneActs();
    await assertOneSession();
});

// Whether the bridge that acted at the beginning did so all the time.
async function keepMysqlAway() {
    const first = await active();
    let kept = true;
    await whileListing(() => withoutSupervisor(async () => {
        await stack.signal('mysql', 'SIGKILL');
        const end = performance.now() + OUTAGE_MS;
        while (performance.now() < end) {
            await assertOneActs();
            kept = kept && await holds(first);
            await sleep(100);
        }
    }));
    return kept;
}

test('MySQL is away for longer than a lease: whoever acts goes on', async () => {
    let kept = false;
    for (let i = 0; i < ATTEMPTS && !kept; i += 1) {
        const epoch = (await metrics(await active()))('lynks_janusbridge_lease_epoch');
        kept = await keepMysqlAway();
        await eventually(async () => (await stack.login()).status === 200, { within: BOUND_MS, what: 'MySQL is back' });
        await eventually(async () => (await metrics(await active()))('lynks_janusbridge_lease_epoch') > epoch,
            { within: BOUND_MS, what: 'the lease is renewed' });
        await assertOneActs();
    }
    assert.ok(kept, 'it went on');
    await assertOneSession();
});

test('Janus crashes: one of them makes one session', async () => {
    await stack.crash('janus');
    await eventually(async () => (await stack.list(token)).status === 200, { within: BOUND_MS });
    await assertOneActs();
    assert.equal(await sessionsInJanus(), 2); // the log goes on
});
