#!/usr/bin/env -S node --test-reporter=tap
// MySQL and Janus die, hang and come back: the answers meanwhile, and that nobody has to help.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inContainers, startStack } from '../../support/stack.mjs';
import { eventually, timed } from '../../support/wait.mjs';

// For what takes a single replica, deploy/status, or a restart quicker than an engine's.
const natively = inContainers ? () => {} : test;

// What the gateway gives a request, and what a busy machine takes.
const DEADLINE_MS = 4000 + 4000;
const RECOVERY_MS = 2000;

let stack;
let token;
before(async () => {
    stack = await startStack({ LYNKS_LOGIN_ADDRESS_BURST: '1000', LYNKS_LOGIN_NAME_BURST: '1000' });
    token = await stack.token();
    await stack.create(token);
});
after(() => stack?.remove());

async function assertRefusedInTime(call, what) {
    const { result, ms } = await timed(call);
    assert.ok([503, 504].includes(result.status), `${what}: ${result.status} ${result.text}`);
    assert.ok(ms < DEADLINE_MS, `${what}: ${ms} ms`);
    if (result.status === 503) assert.match(result.headers['retry-after'], /^[1-9][0-9]*$/, what);
    return ms;
}

const works = async () => {
    const created = await stack.create(token);
    assert.equal(created.status, 200, created.text);
    const listed = await stack.list(token);
    assert.equal(listed.status, 200, listed.text);
    const login = await stack.login();
    assert.equal(login.status, 200, login.text);
    return true;
};

// Waits until answers tells that it is back, which is when the clock begins to run.
async function assertBack(name, answers) {
    await eventually(answers, { within: 10000, what: `${name} is back` });
    await eventually(works, { within: RECOVERY_MS, what: `all works after the return of ${name}` });
}

const janusAnswers = async () => (await stack.janus('', { janus: 'ping' })).janus === 'pong';
const mysqlAnswers = async () => (await stack.sql('SELECT 1')).length === 1;

test('Janus crashes: create and list work within 2 s of its return, the room is there again', async () => {
    await stack.crash('janus');
    await assertBack('janus', janusAnswers);
});

natively('Janus crashes three times in a row', async () => {
    for (let i = 0; i < 3; i += 1) {
        await stack.crash('janus');
        await assertBack('janus', janusAnswers);
    }
});

test('Janus hangs: answers within the deadline, logins go on; it goes on: all works', async () => {
    const pid = await stack.signal('janus', 'SIGSTOP');
    try {
        // What was so a moment ago may be told once more.
        await eventually(async () => (await stack.list(token)).status !== 200, { within: 10000, what: 'list is refused' });
        await Promise.all(Array.from({ length: 20 }, () => assertRefusedInTime(() => stack.list(token), 'list')));
        assert.equal((await stack.login()).status, 200);
        // Once it is known, refusal is at once and the readiness says why.
        await eventually(async () => {
            const ready = await stack.ops('janusbridge', '/readyz');
            return ready.status === 503 && ready.json.dependencies.janus.ready === false;
        }, { within: 20000, what: 'janusbridge is not ready' });
        const ms = await assertRefusedInTime(() => stack.list(token), 'list, known to be away');
        assert.ok(ms < 2000, `refused after ${ms} ms`);
    } finally {
        process.kill(pid, 'SIGCONT');
    }
    await assertBack('janus', janusAnswers);
});

// Janus' log names the sessions that were made; who knows an id can destroy it.
async function destroyAllSessions() {
    const ids = [...(await stack.logs()).get('janus.log').matchAll(/Creating new session: (\d+)/g)].map((m) => m[1]);
    const answers = await Promise.all(ids.map((id) => stack.janus(`/${id}`, { janus: 'destroy' })));
    return answers.filter((answer) => answer.janus === 'success').length;
}

test("the bridge's Janus session is destroyed behind its back", async () => {
    assert.equal(await destroyAllSessions(), 1);
    await eventually(works, { within: RECOVERY_MS, what: 'all works with another session' });
});

test('MySQL crashes: refused within the deadline, all works within 2 s of its return', async () => {
    await stack.signal('mysql', 'SIGKILL');
    const { result, ms } = await timed(() => stack.login());
    assert.ok([200, 503, 504].includes(result.status), result.text);
    assert.ok(ms < DEADLINE_MS, `${ms} ms`);
    await assertBack('mysql', mysqlAnswers);
});

test('MySQL hangs: refused within the deadline, known sessions go on; it goes on: all works', async () => {
    // Every replica has to know that it is back.
    await eventually(works, { within: RECOVERY_MS, what: 'all works' });
    const pid = await stack.signal('mysql', 'SIGSTOP');
    try {
        const begin = performance.now();
        const answers = await Promise.all([1, 2, 3].map(() => timed(() => stack.login())));
        for (const { result, ms } of answers) {
            assert.ok([503, 504].includes(result.status), `login: ${result.status} ${result.text}`);
            assert.ok(ms < DEADLINE_MS, `login: ${ms} ms`);
        }
        const known = await timed(() => stack.list(token));
        assert.ok([200, 503, 504].includes(known.result.status), known.result.text);
        assert.ok(known.ms < DEADLINE_MS, `list: ${known.ms} ms, ${performance.now() - begin} ms after the stop`);
    } finally {
        process.kill(pid, 'SIGCONT');
    }
    await assertBack('mysql', mysqlAnswers);
});

natively('a process that hangs is not waited for', async () => {
    for (const name of ['authsvc', 'roomsvc', 'janusbridge']) {
        const pid = await stack.signal(name, 'SIGSTOP');
        try {
            await assertRefusedInTime(() => stack.list(token), `list without ${name}`);
        } finally {
            process.kill(pid, 'SIGCONT');
        }
        await eventually(works, { within: RECOVERY_MS, what: `all works after ${name} went on` });
    }
});

natively('without a bridge the gateway says so, and serves all that needs none', async () => {
    const pid = await stack.signal('janusbridge', 'SIGSTOP');
    try {
        await eventually(async () => {
            const ready = await stack.ops('gateway', '/readyz');
            return ready.status === 503 && ready.json.dependencies.janusbridge.ready === false && ready.json.dependencies.authsvc.ready === true;
        }, { within: 20000, what: 'the gateway names janusbridge' });
        assert.equal((await stack.ops('gateway', '/healthz')).status, 200);
        assert.equal((await stack.login()).status, 200);
        const rooms = await stack.request('/v1/rooms', { method: 'GET', token: `Bearer ${token}` });
        assert.equal(rooms.status, 200, rooms.text);
    } finally {
        process.kill(pid, 'SIGCONT');
    }
    await eventually(async () => (await stack.ops('gateway', '/readyz')).status === 200, { within: 10000, what: 'the gateway is ready' });
    await eventually(works, { within: RECOVERY_MS, what: 'all works after janusbridge went on' });
});

natively('deploy/status says what is wrong, and 0 only when all is well', async () => {
    await stack.deploy('status');
    const pid = await stack.signal('janus', 'SIGSTOP');
    try {
        await eventually(async () => (await stack.ops('janusbridge', '/readyz')).status === 503, { within: 20000 });
        await assert.rejects(stack.deploy('status'), (error) => error.code !== 0 && /janus/.test(error.stdout));
    } finally {
        process.kill(pid, 'SIGCONT');
    }
    await assertBack('janus', janusAnswers);
    await eventually(() => stack.deploy('status'), { within: RECOVERY_MS });
});
