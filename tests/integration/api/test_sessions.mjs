#!/usr/bin/env -S node --test-reporter=tap
// The life of a token: it slides, it ends, and it outlives a crash of any process.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inContainers, startStack } from '../../support/stack.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

// An engine takes its time to start what has crashed.
const IDLE_MS = inContainers ? 9000 : 3000;

let stack;
before(async () => {
    stack = await startStack({
        LYNKS_SESSION_IDLE_S: String(IDLE_MS / 1000),
        LYNKS_SESSIONS_PER_USER_MAX: '3',
        LYNKS_LOGIN_ADDRESS_BURST: '1000',
        LYNKS_LOGIN_NAME_BURST: '1000',
    });
});
after(() => stack?.remove());

test('a token that is used lives on, one that is not ends', async () => {
    const [used, unused] = [await stack.token(), await stack.token()];
    const begin = performance.now();
    // Real time has to pass here: it is what is tested.
    while (performance.now() - begin < 2.5 * IDLE_MS) {
        await sleep(IDLE_MS / 4);
        assert.equal((await stack.create(used)).status, 200);
    }
    assert.equal((await stack.create(unused)).status, 401);
    const stopped = performance.now();
    await sleep(IDLE_MS + 1000);
    assert.equal((await stack.create(used)).status, 401, `${performance.now() - stopped} ms after its last use`);
});

test('the oldest session of a user goes when there are too many', async () => {
    const tokens = [];
    for (let i = 0; i < 4; i += 1) tokens.push(await stack.token());
    assert.equal((await stack.create(tokens[3])).status, 200);
    await eventually(async () => (await stack.create(tokens[0])).status === 401, { within: 1500, what: 'the oldest ends' });
    assert.equal((await stack.create(tokens[1])).status, 200);
});

for (const service of ['authsvc', 'gateway', 'roomsvc', 'janusbridge']) {
    test(`a session survives a crash of ${service}`, async () => {
        const token = await stack.token();
        assert.equal((await stack.create(token)).status, 200);
        await stack.crash(service);
        const answer = await stack.create(token);
        assert.equal(answer.status, 200, answer.text);
    });
}

test('sliding is written behind: it survives a crash too', async () => {
    const token = await stack.token();
    const begin = performance.now();
    while (performance.now() - begin < 1.5 * IDLE_MS) {
        await sleep(IDLE_MS / 6);
        assert.equal((await stack.create(token)).status, 200);
    }
    await stack.crash('authsvc');
    assert.equal((await stack.create(token)).status, 200);
});

test('all crash at once: everything comes back by itself', async () => {
    const token = await stack.token();
    await Promise.all(['gateway', 'authsvc', 'roomsvc', 'janusbridge'].map((name) => stack.crash(name)));
    await eventually(async () => (await stack.create(await stack.token())).status === 200, { within: 3000 });
    assert.notEqual((await stack.create(token)).status, 500);
});
