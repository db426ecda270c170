#!/usr/bin/env -S node --test-reporter=tap
// Who has no business on the bus, or has a key and sends what makes no sense, and thousands of connections that are reset, while
// honest requests go on: each of these is answered rightly, what is refused is counted, nothing is started again, and
// memory and processor time are afterwards as they were before.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { cpuMicroseconds, memoryKib } from '../../bench/processes.mjs';
import { BusPeer, newHash, resetMany, sendRaw } from '../../support/bus-peer.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const NAMES = ['gateway', 'authsvc', 'roomsvc', 'janusbridge'];
const GROWTH_KIB = 24 * 1024;
const IDLE_CPU = 0.25; // of a core, all four together; a loop that spins takes a whole one
const RESETS_MS = 12000;
const WITHIN = { within: 20000 };

let stack;
let token;
let authsvc;
let quiet;
let honest;
before(async () => {
    stack = await startStack({ LYNKS_LOGIN_ADDRESS_BURST: '10000', LYNKS_LOGIN_NAME_BURST: '10000' });
    authsvc = stack.base + 1;
    token = await stack.token();
    honest = new Trickle();
    // What a first attack makes each process keep for good (buffers, threads' stacks) does not count as growth.
    await sendRaw(stack, { role: 'gateway', service: 'authsvc', port: authsvc, kind: 'garbage', count: 20000 });
    await resetMany(stack.ports.http, 2000);
    await sleep(500);
    quiet = await usage();
});
after(async () => {
    honest?.end();
    await stack?.remove();
});
afterEach(() => honest.check());

// A request of each kind, one after the other, ten times a second.
class Trickle {
    constructor() {
        this.answered = 0;
        this.wrong = [];
        this.going = true;
        this.done = this.#run();
    }

    async #run() {
        const calls = { login: () => stack.login(), create: () => stack.create(token), list: () => stack.list(token) };
        while (this.going) {
            for (const [kind, call] of Object.entries(calls)) {
                const answer = await call().catch((error) => ({ status: 0, text: error.message }));
                this.answered += 1;
                if (answer.status !== 200) this.wrong.push(`${kind}: ${answer.status} ${answer.text}`);
            }
            await sleep(100);
        }
    }

    async check() {
        const earlier = this.answered;
        await eventually(() => this.answered > earlier + 3, WITHIN);
        assert.deepEqual(this.wrong, []);
    }

    end() {
        this.going = false;
        return this.done;
    }
}

const usage = () => Promise.all(NAMES.map(async (name) => {
    const pid = await stack.pid(name);
    return { name, pid, rss: (await memoryKib(pid)).rss };
}));

async function counted(service, metric) {
    const { text } = await stack.ops(service, '/metrics');
    const line = text.split('\n').find((one) => one.startsWith(`${metric} `));
    return Number(line?.slice(metric.length + 1) ?? 0);
}

// action raises the counter of authsvc.
async function raises(metric, action) {
    const earlier = await counted('authsvc', metric);
    await action();
    await eventually(async () => (await counted('authsvc', metric)) > earlier, { ...WITHIN, what: `${metric} is raised` });
}

const CONNECTIONS = 'lynks_bus_refused_connections_total';
const FRAMES = 'lynks_bus_refused_frames_total';
const STRANGERS = {
    'without a key': ['none', 'handshake'],
    'with a key that nobody knows': ['stranger', 'unknown_key'],
    'with the key of a role that may not call': ['roomsvc', 'role_not_allowed'],
};

for (const [who, [role, reason]] of Object.entries(STRANGERS)) {
    test(`a peer ${who} is not admitted`, async () => {
        await raises(`${CONNECTIONS}{reason="${reason}"}`, async () => {
            const count = await sendRaw(stack, { role, service: 'authsvc', port: authsvc, kind: 'garbage', count: 100 });
            assert.equal(count, 0, 'none may get as far as the wire');
        });
    });
}

const NONSENSE = {
    'a million tiny messages': ['tiny', 1000000, `${FRAMES}{reason="malformed"}`],
    'empty messages': ['empty', 10000, `${FRAMES}{reason="malformed"}`],
    'garbage': ['garbage', 50000, `${FRAMES}{reason="malformed"}`],
    'the header of an array of 2 GiB': ['array', 10000, `${FRAMES}{reason="malformed"}`],
};

for (const [what, [kind, count, metric]] of Object.entries(NONSENSE)) {
    test(`${what}, sent with a key that is admitted`, async (t) => {
        await raises(metric, async () => {
            const sent = await sendRaw(stack, { role: 'gateway', service: 'authsvc', port: authsvc, kind, count });
            t.diagnostic(`${sent} sent`);
            assert.ok(sent > 0);
        });
    });
}

test('frames that are too large: the connection is closed', async (t) => {
    const sent = await sendRaw(stack, { role: 'gateway', service: 'authsvc', port: authsvc, kind: 'large', count: 200 });
    t.diagnostic(`${sent} sent`);
});

// Between a caller and authsvc: remembers what the caller sends.
async function record() {
    const chunks = [];
    const proxy = net.createServer((caller) => {
        const server = net.connect(authsvc, '127.0.0.1');
        caller.on('data', (data) => chunks.push(data));
        caller.pipe(server);
        server.pipe(caller);
        for (const socket of [caller, server]) socket.on('error', () => {});
        caller.on('close', () => server.destroy());
        server.on('close', () => caller.destroy());
    });
    await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
    const hash = newHash();
    const peer = new BusPeer(stack, `127.0.0.1:${proxy.address().port}`);
    assert.match(await peer.ask(`login testuser test123 ${hash}`), /^OK /);
    assert.equal(await peer.ask(`revoke ${hash}`), 'OK 1');
    assert.equal(await peer.end(), 0);
    proxy.close();
    return Buffer.concat(chunks);
}

function replay(bytes, step) {
    return new Promise((resolve) => {
        const socket = net.connect(authsvc, '127.0.0.1');
        let at = 0;
        const next = () => {
            if (at < bytes.length) socket.write(bytes.subarray(at, at += step), next);
            else socket.end();
        };
        socket.on('connect', next);
        socket.on('error', () => {});
        socket.on('close', resolve);
        socket.resume();
    });
}

test('what an admitted peer said is said again: nothing of it is done', async () => {
    const bytes = await record();
    assert.ok(bytes.length > 500, `${bytes.length} bytes recorded`);
    const done = () => counted('authsvc', 'lynks_auth_revocations_total{result="done"}');
    const earlier = await done();
    await raises(`${CONNECTIONS}{reason="handshake"}`, async () => {
        for (const step of [bytes.length, 64, 1000]) await replay(bytes, step);
        // The greeting is right, what follows is not.
        await replay(Buffer.concat([bytes.subarray(0, 64), randomBytes(4096)]), 512);
    });
    assert.equal(await done(), earlier);
});

// As many as a slow machine can make in the time.
test('up to 100,000 HTTP connections that are reset', async (t) => {
    const begin = performance.now();
    let made = 0;
    while (made < 100000 && performance.now() - begin < RESETS_MS) made += await resetMany(stack.ports.http, 1000);
    t.diagnostic(`${made} in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
});

test('afterwards all is as before: memory, processor time, who runs', async (t) => {
    await honest.end();
    assert.deepEqual(honest.wrong, []);
    honest = new Trickle();
    await honest.check();
    await honest.end();
    let now;
    await eventually(async () => {
        now = await usage();
        return now.every(({ rss }, i) => rss <= quiet[i].rss + GROWTH_KIB);
    }, { ...WITHIN, what: 'memory' }).catch((error) => t.diagnostic(error.message));
    t.diagnostic(now.map(({ name, rss }, i) => `${name} ${quiet[i].rss} -> ${rss} KiB`).join(', '));
    now.forEach(({ name, pid, rss }, i) => {
        assert.equal(pid, quiet[i].pid, `${name} was started again`);
        assert.ok(rss <= quiet[i].rss + GROWTH_KIB, `${name} has grown`);
    });
    const used = async () => (await Promise.all(now.map(({ pid }) => cpuMicroseconds(pid)))).reduce((sum, one) => sum + one);
    await eventually(async () => {
        const begin = await used();
        await sleep(1000);
        const share = ((await used()) - begin) / 1e6;
        t.diagnostic(`${share.toFixed(2)} of a core with nothing to do`);
        return share < IDLE_CPU;
    }, { ...WITHIN, what: 'idle' });
    honest = new Trickle();
});
