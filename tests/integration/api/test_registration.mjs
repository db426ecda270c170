#!/usr/bin/env -S node --test-reporter=tap
// POST /v1/registration through a whole Lynks: closed unless it was opened, and then as an admin would add a member.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';

const BURST = 4;
const PASSWORD = 'open it now';
const WARNING = /^Warning: everybody who reaches the API can register/m;

let stack;
before(async () => {
    stack = await startStack({ LYNKS_REGISTRATION: 'open', LYNKS_REGISTER_BURST: String(BURST), LYNKS_REGISTER_PER_MINUTE: '1' });
});
after(() => stack?.remove());

// Each test comes from an address of its own.
const register = (address, body) => stack.request('/v1/registration', { body, localAddress: address, agent: undefined });
const features = async () => (await stack.request('/v1/info', { method: 'GET' })).json.features;
const users = async () => (await stack.sql('SELECT username, role FROM users ORDER BY id')).map((row) => row.join(' '));

test('who registers is a member, and signs in by himself', async () => {
    assert.ok((await features()).includes('registration'));
    const answer = await register('127.0.0.2', { username: 'rita', password: PASSWORD, display_name: 'Rita' });
    assert.equal(answer.status, 201, answer.text);
    const { id, ...told } = answer.json;
    assert.match(id, /^\d+$/);
    assert.deepEqual(told, { username: 'rita', display_name: 'Rita', role: 'member' });
    assert.equal(answer.headers['set-cookie'], undefined);
    const session = await stack.request('/v1/sessions', { body: { username: 'rita', password: PASSWORD } });
    assert.equal(session.json.user.id, id);
    assert.equal((await stack.request('/v1/users', { method: 'GET', token: session.json.token })).status, 403);
});

test('nobody gets a role, a name that is taken, or a bad password by it', async () => {
    const before = await users();
    const tries = [
        [{ username: 'eve', password: PASSWORD, role: 'admin' }, 422, 'wrong_member'],
        [{ username: 'eve', password: 'too short' }, 422, 'wrong_member'],
        [{ username: 'eve and bob', password: 'eve and bob' }, 422, 'weak_password'],
        [{ username: 'admin', password: PASSWORD }, 409, 'conflict'],
    ];
    for (const [body, status, code] of tries) {
        const answer = await register('127.0.0.3', body);
        assert.equal(answer.status, status, answer.text);
        assert.equal(answer.json.code, code);
    }
    assert.deepEqual(await users(), before);
});

test('an address tries so often, and another one is not held up', async () => {
    const statuses = [];
    for (let i = 0; i < BURST; i += 1) statuses.push((await register('127.0.0.4', { username: `sam ${i}`, password: PASSWORD })).status);
    assert.deepEqual(statuses, Array(BURST).fill(201));
    const limited = await register('127.0.0.4', { username: 'sam too', password: PASSWORD });
    assert.equal(limited.status, 429);
    assert.equal(limited.json.code, 'rate_limited');
    assert.ok(Number(limited.headers['retry-after']) > 0);
    assert.equal((await register('127.0.0.5', { username: 'tom', password: PASSWORD })).status, 201);
});

test('the banner and deploy/status warn of it', async () => {
    assert.match(await readFile(join(stack.state, 'banner'), 'utf8'), WARNING);
    assert.match((await stack.deploy('status')).stdout, WARNING);
});

test('by default it is closed', async () => {
    const before = await users();
    await stack.down();
    await stack.up({ LYNKS_REGISTRATION: '' });
    assert.ok(!(await features()).includes('registration'));
    const answer = await register('127.0.0.6', { username: 'ulf', password: PASSWORD });
    assert.equal(answer.status, 403);
    assert.equal(answer.json.code, 'registration_closed');
    assert.deepEqual(await users(), before);
    assert.doesNotMatch(await readFile(join(stack.state, 'banner'), 'utf8'), WARNING);
    assert.doesNotMatch((await stack.deploy('status')).stdout, WARNING);
});
