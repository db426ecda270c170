#!/usr/bin/env -S node --test-reporter=tap
// Requests of the client's core: what they carry, what their errors say, and which of them are made again, when.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, Problem } from '../../../../gateway/web/core/api.js';
import { World, deferred, json, problem, settle } from './fakes.mjs';

const cutOff = (status) => new Response('{"ok":', { status, headers: { 'content-type': 'application/json' } });

test('a request has the token, and its body as JSON; the answer is JSON, or nothing', async () => {
    const world = new World();
    world.on('PUT /v1/x', () => json({ a: 1 }));
    world.on('DELETE /v1/x', () => json());
    assert.deepEqual(await world.api.put('/v1/x', { b: 2 }, { match: '"3"' }), { a: 1 });
    assert.equal(await world.api.delete('/v1/x'), undefined);
    const [put, gone] = world.requests;
    assert.deepEqual(put.body, { b: 2 });
    assert.deepEqual(put.headers, { authorization: 'Bearer lp_token', 'content-type': 'application/json', 'if-match': '"3"' });
    assert.deepEqual(gone.headers, { authorization: 'Bearer lp_token' });
});

test('the ETag of an answer is told to who means to change what was read', async () => {
    const world = new World();
    world.on('GET /v1/x', () => new Response('{"a":1}', { headers: { 'content-type': 'application/json', etag: '"4"' } }));
    world.on('PATCH /v1/x', () => json({ a: 2 }));
    assert.deepEqual(await world.api.tagged('GET', '/v1/x'), { body: { a: 1 }, tag: '"4"' });
    assert.deepEqual(await world.api.tagged('PATCH', '/v1/x', { body: { a: 2 }, match: '"4"' }), { body: { a: 2 }, tag: undefined });
    assert.equal(world.requests[1].headers['if-match'], '"4"');
});

test('without a token there is no header for one', async () => {
    const world = new World();
    world.on('GET /v1/info', () => json({}));
    await new Api(world.env).get('/v1/info');
    assert.deepEqual(world.requests[0].headers, {});
});

test('a problem document becomes an error with all that it says', async () => {
    const world = new World();
    world.on('POST /v1/x', () => new Response(JSON.stringify({ code: 'wrong_member', title: 'Wrong members', detail: 'name is missing',
        request_id: 'r7', errors: [{ pointer: '/name', detail: 'is missing' }] }),
    { status: 422, headers: { 'content-type': 'application/problem+json; charset=utf-8' } }));
    const error = await world.api.post('/v1/x', {}).catch((caught) => caught);
    assert.ok(error instanceof Problem);
    assert.deepEqual([error.status, error.code, error.title, error.message, error.requestId, error.errors],
        [422, 'wrong_member', 'Wrong members', 'name is missing', 'r7', [{ pointer: '/name', detail: 'is missing' }]]);
    assert.equal(error.isPassing, false);
});

test('an error without a document is one, too', async () => {
    const world = new World();
    world.on('GET /v1/x', () => new Response('<html>', { status: 418, headers: { 'content-type': 'text/html', 'x-request-id': 'r8' } }));
    const error = await world.api.get('/v1/x').catch((caught) => caught);
    assert.deepEqual([error.status, error.code, error.requestId], [418, 'http_418', 'r8']);
});

test('an answer that was cut off is asked for again; where it cannot be, there was none', async () => {
    const world = new World();
    const answers = [cutOff(200), json({ ok: true }), cutOff(201), cutOff(503)];
    world.on('GET /v1/x', () => answers.shift());
    world.on('POST /v1/x', () => answers.shift());
    const done = world.api.get('/v1/x');
    await world.pass(5000);
    assert.deepEqual(await done, { ok: true });
    for (const status of [0, 503]) {
        const error = await world.api.post('/v1/x', {}).catch((caught) => caught);
        assert.ok(error instanceof Problem);
        assert.equal(error.status, status);
    }
});

test('what can be repeated is, after as long as the gateway asks for', async () => {
    const world = new World();
    const answers = [problem(503, 'unavailable', { 'retry-after': '2' }), problem(429, 'rate_limited'), json({ ok: true })];
    world.on('PUT /v1/x', () => answers.shift());
    const done = world.api.put('/v1/x', {});
    await world.pass(1999);
    assert.equal(world.requests.length, 1);
    await world.pass(1);
    assert.equal(world.requests.length, 2);
    await world.pass(1000);
    assert.deepEqual(await done, { ok: true });
    assert.equal(world.requests.length, 3);
});

test('a POST is made again only with a key, and with the same one', async () => {
    const world = new World();
    world.on('POST /v1/x', () => problem(503, 'unavailable'));
    const error = await world.api.post('/v1/x', {}).catch((caught) => caught);
    assert.equal(error.status, 503);
    assert.equal(world.requests.length, 1);
    const keyed = world.api.post('/v1/x', { a: 1 }, { key: 'k' }).catch((caught) => caught);
    await world.pass(60000);
    assert.equal((await keyed).code, 'unavailable');
    assert.deepEqual(world.requests.slice(1).map(({ headers }) => headers['idempotency-key']), ['k', 'k', 'k', 'k']);
});

test('who would have to wait for long is told so at once', async () => {
    const world = new World();
    world.on('GET /v1/x', () => problem(429, 'rate_limited', { 'retry-after': '60' }));
    const error = await world.api.get('/v1/x').catch((caught) => caught);
    assert.deepEqual([error.code, error.retryAfterMs, world.requests.length], ['rate_limited', 60000, 1]);
});

test('what is refused is not asked for again', async () => {
    const world = new World();
    world.on('GET /v1/x', () => problem(403, 'forbidden'));
    assert.equal((await world.api.get('/v1/x').catch((caught) => caught)).code, 'forbidden');
    assert.equal(world.requests.length, 1);
});

test('no network, and no answer in time, are passing problems', async () => {
    const world = new World();
    world.on('GET /v1/x', () => { throw new TypeError('Failed to fetch'); });
    world.on('GET /v1/late', () => deferred().promise);
    const away = await world.api.get('/v1/x', { attempts: 1 }).catch((caught) => caught);
    assert.deepEqual([away.status, away.code, away.isPassing], [0, 'network', true]);
    const late = world.api.get('/v1/late', { attempts: 1, timeoutMs: 300 }).catch((caught) => caught);
    await world.pass(300);
    assert.deepEqual([(await late).status, (await late).code], [0, 'timeout']);
    assert.equal(world.timers.length, 0);
});

test('who gives up asks no more', async () => {
    const world = new World();
    world.on('GET /v1/x', () => deferred().promise);
    const abort = new AbortController();
    const asked = world.api.get('/v1/x', { signal: abort.signal }).catch((caught) => caught);
    await settle();
    abort.abort();
    assert.equal((await asked).status, 0);
    await world.pass(60000);
    assert.equal(world.requests.length, 1);
});

test('what is gone already is as good as deleted', async () => {
    const world = new World();
    world.on('DELETE /v1/x', () => problem(404, 'not_found'));
    world.on('DELETE /v1/y', () => problem(403, 'forbidden'));
    await world.api.delete('/v1/x');
    await assert.rejects(world.api.delete('/v1/y'), { code: 'forbidden' });
});
