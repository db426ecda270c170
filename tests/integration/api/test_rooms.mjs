#!/usr/bin/env -S node --test-reporter=tap
// Fresh rooms (LYNKS_STANDARD_ROOM=0), logins over the limits, an old password hash, and a second stack beside.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inContainers, startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

// A port that an engine publishes shows it all clients of this machine with one and the same address, and there is one
// stack of containers.
const natively = inContainers ? () => {} : test;

let stack;
before(async () => {
    stack = await startStack({
        LYNKS_STANDARD_ROOM: '0',
        LYNKS_LOGIN_NAME_BURST: '3',
        LYNKS_LOGIN_NAME_PER_MINUTE: '1',
        LYNKS_LOGIN_ADDRESS_BURST: '20',
        LYNKS_LOGIN_ADDRESS_PER_MINUTE: '1',
    });
});
after(() => stack?.remove());

test('a legacy hash is wrapped by the migration and upgraded by the first login', async () => {
    const stored = async () => (await stack.sql("SELECT password FROM users WHERE username = 'testuser'"))[0][0];
    assert.match(await stored(), /^sha256:\$argon2id\$/);
    assert.equal((await stack.login('testuser', 'wrong')).status, 400);
    assert.match(await stored(), /^sha256:\$argon2id\$/);
    assert.equal((await stack.login()).status, 200);
    await eventually(async () => /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/.test(await stored()), { within: 2000 });
    assert.equal((await stack.login()).status, 200);
});

natively('a name that tries too often from one address is told to wait; others are not', async () => {
    let answer;
    for (let i = 0; i < 4; i += 1) answer = await stack.login('mallory', 'guess');
    assert.equal(answer.status, 429, answer.text);
    assert.equal(answer.json.error.code, 'rate_limited');
    assert.match(answer.headers['retry-after'], /^[1-9][0-9]*$/);
    assert.equal((await stack.login('somebody', 'guess')).status, 400);
    const elsewhere = { body: { username: 'mallory', password: 'guess' }, localAddress: '127.0.0.9', agent: undefined };
    assert.equal((await stack.request('/login', elsewhere)).status, 400, 'another address has its own count');
});

natively('an address that tries too often is told to wait; others are not', async () => {
    const from = (localAddress, i) => stack.request('/login', { localAddress, agent: undefined,
        body: { username: `name${i}`, password: 'guess' } });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => from('127.0.0.7', i)));
    assert.ok(answers.every(({ status }) => status === 400 || status === 429), answers.map((a) => a.status).join());
    assert.ok(answers.filter(({ status }) => status === 400).length >= 15);
    assert.ok(answers.filter(({ status }) => status === 429).length >= 15);
    assert.equal((await from('127.0.0.8', 0)).status, 400);
});

natively('X-Forwarded-For from a stranger is not believed', async () => {
    const answer = await stack.request('/login', { localAddress: '127.0.0.7', agent: undefined,
        headers: { 'x-forwarded-for': '10.1.2.3' }, body: { username: 'another', password: 'guess' } });
    assert.equal(answer.status, 429, answer.text);
});

test('every create makes a fresh room that cannot be guessed, in Janus too', async () => {
    const answer = await stack.request('/login', { localAddress: '127.0.0.10', agent: undefined,
        body: { username: 'testuser', password: 'test123' } });
    const { token } = answer.json;
    const rooms = new Set();
    for (let i = 0; i < 8; i += 1) {
        const created = await stack.create(token);
        assert.equal(created.status, 200, created.text);
        const room = created.json.room_id;
        assert.ok(Number.isSafeInteger(room) && room > 0, String(room));
        rooms.add(room);
        const listed = await stack.list(token, room);
        assert.deepEqual(listed.json, { action: 'success', room_id: room, publishers: [] });
    }
    assert.equal(rooms.size, 8);
    // 53 bits, so that all of eight are small once in 2^80.
    assert.ok(Math.max(...rooms) > 2 ** 43, 'ids look small');
});

test('a stranger at Janus can neither destroy nor see a room', async () => {
    const { json: { token } } = await stack.request('/login', { localAddress: '127.0.0.11', agent: undefined,
        body: { username: 'testuser', password: 'test123' } });
    const room = (await stack.create(token)).json.room_id;
    const session = (await stack.janus('', { janus: 'create' })).data.id;
    const handle = (await stack.janus(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
    const ask = async (body) => (await stack.janus(`/${session}/${handle}`, { janus: 'message', body })).plugindata.data;
    assert.equal((await ask({ request: 'destroy', room })).error_code, 429);
    assert.equal((await ask({ request: 'destroy', room, secret: 'guess' })).error_code, 433);
    assert.ok([429, 433].includes((await ask({ request: 'create', room: 99 })).error_code));
    assert.ok(!(await ask({ request: 'list' })).list.some((r) => r.room === room));
    await stack.janus(`/${session}`, { janus: 'destroy' });
    assert.equal((await stack.list(token, room)).status, 200);
});

natively('a second stack runs beside the first and knows nothing of it', async (t) => {
    const other = await startStack();
    t.after(() => other.remove());
    const token = await other.token();
    assert.equal((await other.create(token)).json.room_id, 123456);
    assert.equal((await stack.create(token)).status, 401);
});
