#!/usr/bin/env -S node --test-reporter=tap
// Clients that do not behave, against the real stack: it goes on, nothing leaks.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { exchange, open } from '../../support/raw-http.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually, timed } from '../../support/wait.mjs';

const REQUEST_TIMEOUT_MS = 2000;
// What a machine with other work may take for what takes no time.
const BUSY_MS = 8000;
const BODY = '{"room_id":123456}';

let stack;
let token;
before(async () => {
    stack = await startStack({ LYNKS_HTTP_REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS) });
    token = await stack.token();
    await stack.create(token);
});
after(() => stack?.remove());

const raw = (parts, options) => exchange(stack.ports.http, [].concat(parts), options);
const head = (...lines) => ['POST /list_participants HTTP/1.1', 'Host: x', `Authorization: ${token}`, ...lines, '', '']
    .join('\r\n');
const descriptors = async () => (await readdir(`/proc/${await stack.pid('gateway')}/fd`)).length;
const residentKib = async () => Number(/VmRSS:\s+(\d+)/.exec(
    await readFile(`/proc/${await stack.pid('gateway')}/status`, 'utf8'))[1]);

async function assertServes() {
    const { result, ms } = await timed(() => stack.list(token));
    assert.equal(result.status, 200, result.text);
    assert.ok(ms < BUSY_MS, `${ms} ms`);
}

test('a body over the limit that was declared gets 413 at once and the connection is closed', async () => {
    const answer = await raw(head('Content-Length: 65537'));
    assert.deepEqual(answer.statuses, [413]);
    assert.ok(answer.closed);
    const huge = await raw(head('Content-Length: 99999999999999999999'));
    assert.ok(huge.closed);
    assert.ok(huge.statuses.every((s) => s === 413 || s === 400), huge.text);
});

test('a body at the limit is read', async () => {
    const body = BODY.slice(0, -1) + ' '.repeat(65536 - BODY.length) + '}';
    const answer = await stack.request('/list_participants', { body, token });
    assert.equal(answer.status, 200, answer.text);
});

test('a chunked body over the limit gets 413; an endless one is cut after 1 MiB, memory stays flat', async () => {
    const chunk = (n) => `${n.toString(16)}\r\n${'x'.repeat(n)}\r\n`;
    const over = await raw([head('Transfer-Encoding: chunked'), chunk(50000), chunk(50000), '0\r\n\r\n']);
    assert.deepEqual(over.statuses, [413]);
    const before = await residentKib();
    await Promise.all(Array.from({ length: 8 }, async () => {
        const endless = await raw([head('Transfer-Encoding: chunked'), ...Array(64).fill(chunk(1 << 16))]);
        assert.ok(endless.closed);
        assert.ok(!endless.statuses.includes(200));
    }));
    assert.ok(await residentKib() - before < 4096, 'memory grew');
});

const FRAMINGS = {
    'Content-Length with Transfer-Encoding': ['Content-Length: 5', 'Transfer-Encoding: chunked'],
    'two different lengths': ['Content-Length: 5', 'Content-Length: 6'],
    'the same length twice in one line': ['Content-Length: 5, 5'],
    'a blank before the colon': ['Content-Length : 18'],
    'a length that is no number': ['Content-Length: 18x'],
    'a negative length': ['Content-Length: -1'],
    'a signed length': ['Content-Length: +18'],
    'an unknown transfer coding': ['Transfer-Encoding: gzip, chunked'],
    'identity': ['Transfer-Encoding: identity'],
    'chunked twice': ['Transfer-Encoding: chunked, chunked'],
};
for (const [name, lines] of Object.entries(FRAMINGS)) {
    test(`${name}: 400 and closed, nothing smuggled`, async () => {
        const smuggled = 'POST /create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}';
        const answer = await raw([head(...lines), `0\r\n\r\n${smuggled}`]);
        assert.ok(answer.closed, 'stays open');
        assert.deepEqual(answer.statuses, [400], answer.text);
    });
}

test('broken chunks: 400 and closed, or closed', async () => {
    for (const body of ['zz\r\nxx\r\n0\r\n\r\n', '-5\r\nhello\r\n0\r\n\r\n', '5\r\nhelloworld\r\n0\r\n\r\n',
        'fffffffffffffffff\r\nx\r\n0\r\n\r\n']) {
        const answer = await raw([head('Transfer-Encoding: chunked'), body]);
        assert.ok(answer.closed, JSON.stringify(body));
        assert.ok(!answer.statuses.includes(200), answer.text);
    }
});

test('what is not HTTP: 400 and closed, or closed', async () => {
    const inputs = ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'GET\r\n\r\n', 'hello\r\n\r\n', '\0'.repeat(100),
        'POST /login HTTP/9.9\r\n\r\n', 'A'.repeat(100000), `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(50000)}\r\n`];
    for (const input of inputs) {
        const answer = await raw([Buffer.from(input, 'latin1')], { ms: REQUEST_TIMEOUT_MS + BUSY_MS });
        assert.ok(answer.closed, JSON.stringify(input.slice(0, 20)));
        assert.ok(answer.statuses.every((s) => s >= 400 && s < 500 || s === 505), answer.text.slice(0, 200));
    }
    await assertServes();
});

test('pipelined requests are answered in order', async () => {
    const one = (room) => {
        const body = `{"room_id":${room}}`;
        return head(`Content-Length: ${body.length}`) + body;
    };
    const answer = await raw([one(123456) + one(77) + one(123456)], { answers: 3 });
    assert.deepEqual(answer.statuses, [200, 404, 200]);
});

test('a client that sends slowly is cut by a total deadline', async () => {
    const begin = performance.now();
    const socket = await open(stack.ports.http);
    const drip = setInterval(() => socket.write('X'), 100);
    await new Promise((resolve) => { socket.once('close', resolve); socket.resume(); });
    clearInterval(drip);
    const ms = performance.now() - begin;
    assert.ok(ms > REQUEST_TIMEOUT_MS / 2 && ms < REQUEST_TIMEOUT_MS + BUSY_MS, `${ms} ms`);
});

test('a half-closed request is answered or closed, and forgotten', async () => {
    const before = await descriptors();
    const answer = await raw([head(`Content-Length: ${BODY.length}`) + BODY], { halfClose: true });
    assert.ok(answer.closed);
    assert.ok(answer.statuses.every((s) => s === 200), answer.text);
    await eventually(async () => await descriptors() <= before, { what: 'descriptors are given back' });
});

test('RST at any moment leaves nothing', async () => {
    const before = await descriptors();
    const request = head(`Content-Length: ${BODY.length}`) + BODY;
    for (let bytes = 0; bytes <= request.length; bytes += 5) {
        const socket = await open(stack.ports.http);
        if (bytes > 0) await new Promise((resolve) => socket.write(request.slice(0, bytes), resolve));
        socket.resetAndDestroy();
    }
    await assertServes();
    await eventually(async () => await descriptors() <= before + 1, { what: 'descriptors are given back' });
});

test('10,000 idle connections from many addresses: others are served, then all is given back', async (t) => {
    const before = await descriptors();
    const sockets = [];
    t.after(() => sockets.forEach((socket) => socket.destroy()));
    for (let i = 0; i < 10000; i += 100) {
        const batch = Array.from({ length: 100 }, (_, j) => open(stack.ports.http, `127.1.${i / 100}.${1 + j}`));
        sockets.push(...(await Promise.all(batch)).filter(Boolean));
        if (i % 2000 === 0) await assertServes();
    }
    await assertServes();
    const fresh = await timed(() => stack.request('/login', { agent: undefined,
        body: { username: 'testuser', password: 'test123' } }));
    assert.equal(fresh.result.status, 200, fresh.result.text);
    for (const socket of sockets) socket.destroy();
    await eventually(async () => await descriptors() <= before + 2, { within: 10000, what: 'descriptors are given back' });
    await assertServes();
});

test('one address cannot take every connection', async (t) => {
    const sockets = [];
    t.after(() => sockets.forEach((socket) => socket.destroy()));
    for (let i = 0; i < 3000; i += 100) {
        sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(stack.ports.http, '127.0.0.66'))))
            .filter(Boolean));
    }
    const fresh = await stack.request('/list_participants', { agent: undefined, token, body: { room_id: 123456 } });
    assert.equal(fresh.status, 200, fresh.text);
});
