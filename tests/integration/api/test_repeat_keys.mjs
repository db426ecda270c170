#!/usr/bin/env -S node --test-reporter=tap
// Idempotency-Key through a whole Lynks with two gateways and two authsvc: what comes again is done once and answered alike,
// wherever it comes, whoever is killed under it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startOwnGateway } from '../../support/own-gateway.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PASSWORD = 'open it now';

let stack;
let second;
let ports;
let admin;

before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_REGISTRATION: 'open', LYNKS_REGISTER_BURST: '1000', LYNKS_REQUEST_BUDGET_MS: '20000' });
    second = await startOwnGateway(stack, 0, { LYNKS_PUBLIC_URL: `http://127.0.0.1:${stack.ports.http}`, LYNKS_REGISTRATION: 'open',
        LYNKS_REGISTER_BURST: '1000', LYNKS_REQUEST_BUDGET_MS: '20000',
        LYNKS_AUTHSVC_ADDRESS: [1, 21].map((offset) => `127.0.0.1:${stack.base + offset}`).join(',') });
    ports = [stack.ports.http, second.port];
    const { stdout } = await run(join(ROOT, 'deploy', 'admin'), ['password'], { env: stack.env });
    admin = (await stack.request('/v1/sessions', { body: { username: 'admin', password: stdout.trim() } })).json.token;
});
after(async () => {
    await second?.end();
    await stack?.remove();
});

const post = (path, body, key, options) => stack.request(path, { body, headers: key === undefined ? {} : { 'idempotency-key': key },
    agent: undefined, ...options });
const add = (body, key, port = ports[0], token = admin) => post('/v1/users', { password: PASSWORD, ...body }, key, { port, token });
const register = (body, key, port = ports[0]) => post('/v1/registration', { password: PASSWORD, ...body }, key, { port });
const count = async (name) => Number((await stack.sql(`SELECT COUNT(*) FROM users WHERE username = '${name}'`))[0][0]);

test('what comes again is answered alike, by whichever gateway', async () => {
    const key = randomUUID();
    const first = await add({ username: 'ann', display_name: 'Ann' }, key);
    assert.equal(first.status, 201, first.text);
    for (const [port, sent] of [[ports[0], key], [ports[1], key], [ports[1], `"${key}"`]]) {
        const again = await add({ username: 'ann', display_name: 'Ann' }, sent, port);
        assert.equal(again.status, 201, again.text);
        assert.deepEqual(again.json, first.json);
    }
    assert.equal(await count('ann'), 1);
    // Without the key, or with another one, it is another request.
    for (const other of [undefined, randomUUID()]) assert.equal((await add({ username: 'ann', display_name: 'Ann' }, other)).status, 409);
});

test('a key is for one body, and for one who asks', async () => {
    const key = randomUUID();
    assert.equal((await add({ username: 'bob' }, key)).status, 201);
    for (const port of ports) {
        for (const body of [{ username: 'bobby' }, { username: 'bob', role: 'admin' }, { username: 'bob', password: 'open it later' }]) {
            const answer = await add(body, key, port);
            assert.equal(answer.status, 422, answer.text);
            assert.equal(answer.json.code, 'key_reused');
        }
    }
    assert.equal(await count('bobby'), 0);
    await add({ username: 'other admin', role: 'admin' });
    const other = (await post('/v1/sessions', { username: 'other admin', password: PASSWORD })).json.token;
    assert.equal((await add({ username: 'bobby' }, key, ports[1], other)).status, 201);
});

test('what was refused was not done: its key is free', async () => {
    const key = randomUUID();
    assert.equal((await add({ username: 'admin' }, key)).status, 409);
    assert.equal((await add({ username: 'cleo' }, key)).status, 201);
});

test('many at once make one, and all are told so', async () => {
    for (let round = 0; round < 5; round += 1) {
        const [name, key] = [`crowd ${round}`, randomUUID()];
        const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => add({ username: name }, key, ports[i % 2])));
        const done = answers.filter(({ status }) => status === 201);
        assert.ok(done.length > 0, answers[0].text);
        assert.equal(new Set(done.map(({ json }) => json.id)).size, 1);
        // On a busy machine one may be at it for longer than the others wait.
        for (const answer of answers.filter(({ status }) => status !== 201)) {
            assert.equal(answer.json.code, 'in_flight', answer.text);
            assert.ok(Number(answer.headers['retry-after']) > 0);
        }
        assert.equal(await count(name), 1);
    }
});

test('who registers twice is one, and a stranger with the key is not told of him', async () => {
    const key = randomUUID();
    const first = await register({ username: 'dora' }, key);
    assert.equal(first.status, 201, first.text);
    assert.deepEqual((await register({ username: 'dora' }, key, ports[1])).json, first.json);
    const stranger = await register({ username: 'dora', password: 'is it this one' }, key, ports[1]);
    assert.equal(stranger.status, 409);
    assert.equal(stranger.json.code, 'conflict');
    const short = await register({ username: 'emma' }, 'short');
    assert.equal(short.status, 400);
    assert.equal(short.json.code, 'bad_key');
});

test('a room is made once', async () => {
    const key = randomUUID();
    const make = (name, sent, port) => post('/v1/rooms', { name }, sent, { port, token: admin });
    const answers = await Promise.all([0, 1, 0, 1].map((i) => make('Tea', key, ports[i])));
    const [first] = answers.filter(({ status }) => status === 201);
    for (const port of ports) assert.deepEqual((await make('Tea', key, port)).json, first.json);
    const other = await make('Coffee', key, ports[1]);
    assert.equal(other.status, 422);
    assert.equal(other.json.code, 'key_reused');
    assert.notEqual((await make('Tea', randomUUID(), ports[1])).json.id, first.json.id);
    assert.deepEqual(await stack.sql("SELECT COUNT(*) FROM rooms WHERE name = 'Tea'"), [['2']]);
});

// Anywhere between its arrival and its answer.
test('a gateway or an authsvc that is killed under it: the client sends it again elsewhere, and there is one', async () => {
    const names = ['gateway', 'authsvc', 'gateway', 'authsvc-2', 'gateway', 'authsvc', 'gateway', 'authsvc-2'];
    for (const [i, name] of names.entries()) {
        const [username, key] = [`killed ${i}`, randomUUID()];
        const asked = add({ username }, key).catch(() => undefined); // the connection may be gone
        await sleep(8 * i);
        const old = await stack.signal(name, 'SIGKILL');
        const first = await asked;
        const again = await eventually(async () => {
            const answer = await add({ username }, key, ports[1]);
            return answer.status === 201 && answer;
        }, { within: 20000, what: `an answer, ${name} killed ${8 * i} ms after it was sent` });
        if (first?.status === 201) assert.deepEqual(again.json, first.json);
        assert.equal(await count(username), 1);
        await eventually(async () => (await stack.pid(name)) !== old, { within: 20000, what: `${name} is started again` });
        await eventually(async () => (await stack.request('/v1/users/me', { method: 'GET', token: admin, agent: undefined })).status === 200,
            { within: 20000, what: 'all is well' });
    }
});
