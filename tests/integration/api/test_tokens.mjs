#!/usr/bin/env -S node --test-reporter=tap
// Tokens that nobody has opened a session with: a gateway refuses those that no gateway has drawn by itself.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exchange } from '../../support/raw-http.mjs';
import { startStack } from '../../support/stack.mjs';
import { drawToken, tokenKeyOf } from '../../support/tokens.mjs';

const FOREIGN = 100000;
const CONNECTIONS = 4;
const PER_EXCHANGE = 500;
const PATIENCE_MS = 120000;

const UNKNOWN_BURST = 20;

let stack;
let token;
before(async () => {
    stack = await startStack({ LYNKS_UNKNOWN_TOKEN_BURST: String(UNKNOWN_BURST), LYNKS_UNKNOWN_TOKEN_PER_MINUTE: '1' });
    token = await stack.token();
    await stack.create(token);
});
after(() => stack?.remove());

/// The sum of a counter's samples whose labels have this in them.
async function counted(service, name, labels = '') {
    const { text } = await stack.ops(service, '/metrics');
    const samples = text.split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
    return samples.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

// Those that a gateway has sent once more, because a busy authsvc was silent, are no requests of anybody.
const sessionChecks = async () => await counted('authsvc', 'lynks_bus_handled_total', 'session_check')
    - await counted('gateway', 'lynks_bus_resent_total', 'authsvc');
const foreignTokens = () => counted('gateway', 'lynks_gateway_foreign_tokens_total');

/// Asks with many tokens over one connection, without waiting for an answer before the next; gives the answers' statuses.
async function askWith(tokens) {
    const body = '{"room_id":123456}';
    const requests = tokens.map((one) => `POST /list_participants HTTP/1.1\r\nHost: x\r\nAuthorization: ${one}\r\n`
        + `Content-Length: ${body.length}\r\n\r\n${body}`);
    const { statuses } = await exchange(stack.ports.http, [requests.join('')], { answers: tokens.length, ms: PATIENCE_MS });
    return statuses;
}

test('100,000 random tokens are refused without a call, and who has a session goes on meanwhile', async () => {
    const before = await foreignTokens();
    const checksBefore = await sessionChecks();
    let own = 0;
    let left = FOREIGN;
    const flood = Array.from({ length: CONNECTIONS }, async () => {
        while (left > 0) {
            left -= PER_EXCHANGE;
            const tokens = Array.from({ length: PER_EXCHANGE }, () => randomBytes(32).toString('hex'));
            assert.deepEqual(await askWith(tokens), Array(PER_EXCHANGE).fill(401));
        }
    });
    const user = (async () => {
        while (left > 0) {
            const listed = await stack.list(token);
            assert.equal(listed.status, 200, listed.text);
            own += 1;
        }
    })();
    await Promise.all([...flood, user]);
    assert.ok(own > 0);
    assert.equal(await foreignTokens() - before, FOREIGN);
    assert.equal(await sessionChecks() - checksBefore, own);
});

test('a token that a gateway may have drawn is asked for; one digit beside it is not', async () => {
    const unknown = drawToken(await tokenKeyOf(stack));
    const checksBefore = await sessionChecks();
    assert.equal((await stack.list(unknown)).status, 401);
    assert.equal(await sessionChecks() - checksBefore, 1);
    for (const place of [0, 47, 48, 63]) {
        const digit = unknown[place] === '0' ? '1' : '0';
        assert.equal((await stack.list(unknown.slice(0, place) + digit + unknown.slice(place + 1))).status, 401);
    }
    assert.equal(await sessionChecks() - checksBefore, 1);
});

test('a room that others list says nothing to a token of no session', async () => {
    const key = await tokenKeyOf(stack);
    for (let i = 0; i < UNKNOWN_BURST / 4; i += 1) {
        assert.equal((await stack.list(token)).status, 200);
        const refused = await stack.list(drawToken(key));
        assert.equal(refused.status, 401);
        assert.doesNotMatch(refused.text, /publishers/);
    }
});

test('an address that comes with too many tokens of no session is refused without a call; those with a session go on', async () => {
    const key = await tokenKeyOf(stack);
    const other = { localAddress: '127.0.0.2', agent: undefined };
    let refused = 0;
    while (refused <= UNKNOWN_BURST && (await stack.list(drawToken(key))).status === 401) refused += 1;
    assert.ok(refused < UNKNOWN_BURST, `${refused}`);
    const checksBefore = await sessionChecks();
    const limited = await stack.list(drawToken(key));
    assert.equal(limited.status, 429, limited.text);
    assert.match(limited.headers['retry-after'], /^[1-9][0-9]*$/);
    assert.equal(await sessionChecks(), checksBefore);
    assert.equal((await stack.list(token)).status, 200);
    assert.equal((await stack.list(await stack.token())).status, 200);
    assert.equal((await stack.list(drawToken(key), 123456, other)).status, 401);
});

test('the key is kept from start to start; a new one beside the old one ends no session, without the old one all end', async () => {
    const file = join(stack.state, 'secrets', 'token-key');
    const old = await stack.secret('token-key');
    const fresh = randomBytes(24).toString('hex');
    assert.match(old, /^[0-9a-f]{48}$/);
    await stack.down();
    await stack.up();
    assert.equal(await stack.secret('token-key'), old);
    assert.equal((await stack.create(token)).status, 200);
    await stack.down();
    await writeFile(file, `${fresh},${old}\n`);
    await stack.up();
    assert.equal((await stack.create(token)).status, 200);
    const younger = await stack.token();
    await stack.down();
    await writeFile(file, `${fresh}\n`);
    await stack.up();
    assert.equal((await stack.create(token)).status, 401);
    assert.equal((await stack.create(younger)).status, 200);
});
