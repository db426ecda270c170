#!/usr/bin/env -S node --test-reporter=tap
// What is done to sessions and users is in force on two gateways and two authsvc within a second: signing out, ending one or all,
// another password, another role, disabling, removal. Also when whoever did it is killed after its commit, before it could tell
// anybody, which is an event that is lost as well; and when a replica was paused for 5 s. And it is done once, and answered.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { BusPeer } from '../../support/bus-peer.mjs';
import { blockCommits } from '../../support/commit-block.mjs';
import { startOwnGateway } from '../../support/own-gateway.mjs';
import { startStack } from '../../support/stack.mjs';
import { hashOf } from '../../support/tokens.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const PASSWORD = 'open it now';
const PAUSED_MS = 5000;
// A second is what is promised; here a busy machine has its time. How long it took is printed.
const IN_FORCE_MS = 5000;

let stack;
let other; // a gateway that knows the first authsvc alone
let first;
let second;
let root; // the token of an admin
let count = 0;
before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_REGISTRATION: 'open', LYNKS_LOGIN_ADDRESS_BURST: '10000', LYNKS_REQUEST_BUDGET_MS: '60000' });
    other = await startOwnGateway(stack, 0, { LYNKS_REQUEST_BUDGET_MS: '60000', LYNKS_REGISTRATION: 'open' });
    [first, second] = [1, 21].map((offset) => new BusPeer(stack, `127.0.0.1:${stack.base + offset}`));
    await stack.sql("UPDATE users SET role = 2 WHERE username = 'testuser'");
    root = (await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } })).json.token;
});
after(async () => {
    await other?.end();
    await stack?.remove();
    assert.deepEqual(await Promise.all([first, second].map((peer) => peer?.end())), [0, 0]);
});

const ask = (port, method, path, token, body) => stack.request(path, { method, token, body, port, agent: undefined,
    headers: method === 'PATCH' || path.startsWith('/v1/users/') ? { 'if-match': '*' } : {} });
const doors = () => [stack.ports.http, other.port];

// Somebody new with three sessions, known to all replicas and gateways: the first is the one that is to end.
async function newUser(role = 'member') {
    const username = `user ${count += 1}`;
    const added = await ask(stack.ports.http, 'POST', '/v1/users', root, { username, password: PASSWORD, role });
    assert.equal(added.status, 201, added.text);
    const sessions = [];
    for (let i = 0; i < 3; i += 1) {
        const opened = await ask(stack.ports.http, 'POST', '/v1/sessions', undefined, { username, password: PASSWORD });
        assert.equal(opened.status, 201, opened.text);
        sessions.push(opened.json);
    }
    for (const { token } of sessions) {
        for (const peer of [first, second]) assert.equal(await peer.ask(`check ${hashOf(token)}`), `OK ${added.json.id}`);
        for (const port of doors()) assert.equal((await ask(port, 'GET', '/v1/users/me', token)).status, 200);
    }
    return { id: added.json.id, username, sessions, tokens: sessions.map(({ token }) => token) };
}

const endedOnce = (user) => `SELECT COUNT(*) FROM session_revocations WHERE token_hash = 0x${hashOf(user.tokens[0])}`;

// name -> what is done at a gateway, what it is answered, which of the sessions go on, and what can be counted of it.
const WAYS = {
    'signing out': { run: (port, user) => ask(port, 'DELETE', '/v1/sessions/current', user.tokens[0]), kept: [1, 2],
        effect: endedOnce },
    'one session ended': { run: (port, user) => ask(port, 'DELETE', `/v1/sessions/${user.sessions[0].id}`, user.tokens[1]), kept: [1, 2],
        effect: endedOnce },
    'all others ended': { run: (port, user) => ask(port, 'DELETE', '/v1/sessions', user.tokens[2]), kept: [2], effect: endedOnce },
    'another password': { run: (port, user) => ask(port, 'PUT', '/v1/users/me/password', user.tokens[1],
        { current_password: PASSWORD, new_password: 'another one of them' }), kept: [1],
    effect: (user) => `SELECT password_changes FROM users WHERE id = ${user.id}` },
    'another role': { role: 'admin', run: (port, user) => ask(port, 'PATCH', `/v1/users/${user.id}`, root, { role: 'member' }), status: 200,
        kept: [0, 1, 2], effect: (user) => `SELECT COUNT(*) FROM audit WHERE user_id = ${user.id} AND act = 2` },
    disabling: { run: (port, user) => ask(port, 'PATCH', `/v1/users/${user.id}`, root, { disabled: true }), status: 200, kept: [],
        effect: (user) => `SELECT COUNT(*) FROM audit WHERE user_id = ${user.id} AND act = 2` },
    removal: { run: (port, user) => ask(port, 'DELETE', `/v1/users/${user.id}`, root), kept: [],
        effect: (user) => `SELECT COUNT(*) FROM user_removals WHERE user_id = ${user.id}` },
};

// Through these gateways and these replicas the first session is no good any more, or is of a member.
async function inForce({ role }, user, peers, ports) {
    const [token] = user.tokens;
    const wanted = role ? 'OK 1' : 'ERR unauthorized';
    const status = role ? 403 : 401;
    await Promise.all([
        ...peers.map((peer) => eventually(async () => (await peer.ask(role ? `role-of ${hashOf(token)}` : `check ${hashOf(token)}`)) === wanted,
            { within: IN_FORCE_MS, what: 'a replica knows' })),
        ...ports.map((port) => eventually(async () => (await ask(port, 'GET', role ? '/v1/users' : '/v1/users/me', token)).status === status,
            { within: IN_FORCE_MS, what: `the gateway at ${port} refuses` })),
    ]);
}

async function keptGoOn({ kept }, user) {
    for (const i of kept) {
        for (const port of doors()) assert.equal((await ask(port, 'GET', '/v1/users/me', user.tokens[i])).status, 200, `session ${i}`);
    }
}

const effectOf = async ({ effect }, user) => (await stack.sql(effect(user)))[0][0];

for (const [name, way] of Object.entries(WAYS)) {
    test(`${name} is in force everywhere`, async (t) => {
        const user = await newUser(way.role);
        const answer = await way.run(other.port, user);
        assert.equal(answer.status, way.status ?? 204, answer.text);
        const begin = performance.now();
        await inForce(way, user, [first, second], doors());
        t.diagnostic(`in force after ${(performance.now() - begin).toFixed(0)} ms`);
        await keptGoOn(way, user);
    });
}

const isReady = async () => (await stack.request('/readyz', { method: 'GET', port: stack.base + 101, agent: undefined })).status === 200;

// The first authsvc asks for its commit, is stopped, has committed, and is killed: it has told nobody. The gateway has sent the
// command to it, and sends it again to the one that comes in its place.
async function killAfterCommit(way, user) {
    const block = await blockCommits(stack);
    try {
        const answer = way.run(other.port, user);
        await block.isWaiting();
        return { pid: await stack.signal('authsvc', 'SIGSTOP'), answer };
    } finally {
        await block.end();
    }
}

for (const [name, way] of Object.entries(WAYS)) {
    test(`${name} is in force, once, though its authsvc was killed between commit and answer`, async (t) => {
        const user = await newUser(way.role);
        const { pid, answer } = await killAfterCommit(way, user);
        const begin = performance.now();
        process.kill(pid, 'SIGKILL');
        await inForce(way, user, [second], [stack.ports.http]);
        t.diagnostic(`in force on the other replica after ${(performance.now() - begin).toFixed(0)} ms`);
        const { status, text } = await answer;
        assert.equal(status, way.status ?? 204, text);
        assert.equal(await effectOf(way, user), '1');
        await eventually(async () => (await stack.pid('authsvc')) !== pid && isReady(), { within: 20000, what: 'authsvc is there again' });
        await inForce(way, user, [first, second], doors());
        await keptGoOn(way, user);
    });
}

// Repeated by the bus, and then by its client at another gateway.
for (const [name, path, token] of [['an addition', '/v1/users', () => root], ['a registration', '/v1/registration', () => undefined]]) {
    test(`${name} is one, though its authsvc was killed between commit and answer`, async () => {
        const body = { username: `user ${count += 1}`, password: PASSWORD };
        const key = randomUUID();
        const send = (port, password) => stack.request(path, { token: token(), body: { ...body, password }, port, agent: undefined,
            headers: { 'idempotency-key': `"${key}"` } });
        const { pid, answer } = await killAfterCommit({ run: (port) => send(port, PASSWORD) });
        process.kill(pid, 'SIGKILL');
        const added = await answer;
        assert.equal(added.status, 201, added.text);
        const again = await send(stack.ports.http, PASSWORD);
        assert.equal(again.status, 201, again.text);
        assert.deepEqual(again.json, added.json);
        // Of a stranger's request the body is a part of the key: it is another one, and the name is taken.
        assert.equal((await send(stack.ports.http, 'another password')).status, token() ? 422 : 409);
        assert.deepEqual(await stack.sql(`SELECT id FROM users WHERE username = '${body.username}'`), [[added.json.id]]);
        assert.deepEqual(await stack.sql(`SELECT act FROM audit WHERE user_id = ${added.json.id}`), token() ? [['1']] : []);
        await eventually(async () => (await stack.pid('authsvc')) !== pid && isReady(), { within: 20000, what: 'authsvc is there again' });
    });
}

// What was done meanwhile is in force elsewhere, and there as soon as it goes on.
test('a replica that was paused for 5 s vouches for nobody who is out', async (t) => {
    const users = [];
    for (const way of Object.values(WAYS)) users.push(await newUser(way.role));
    const begin = performance.now();
    const pid = await stack.signal('authsvc-2', 'SIGSTOP');
    for (const [i, [name, way]] of Object.entries(WAYS).entries()) {
        const answer = await way.run(other.port, users[i]);
        assert.equal(answer.status, way.status ?? 204, `${name}: ${answer.text}`);
        const done = performance.now();
        await inForce(way, users[i], [first], doors());
        t.diagnostic(`${name}: in force elsewhere after ${(performance.now() - done).toFixed(0)} ms`);
    }
    await sleep(Math.max(0, PAUSED_MS - (performance.now() - begin))); // real time: it is what is tested
    process.kill(pid, 'SIGCONT');
    const goesOn = performance.now();
    for (const [i, way] of Object.values(WAYS).entries()) await inForce(way, users[i], [second], doors());
    t.diagnostic(`in force on it ${(performance.now() - goesOn).toFixed(0)} ms after it went on`);
    for (const [i, way] of Object.values(WAYS).entries()) await keptGoOn(way, users[i]);
});
