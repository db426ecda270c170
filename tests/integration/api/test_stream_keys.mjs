#!/usr/bin/env -S node --test-reporter=tap
// Stream keys through a whole Lynks: who makes them, and that one is told once and good for nothing but what it is for.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';

let stack;
let token; // of testuser, whose the room is
let room;
let made; // a key for sending
const told = []; // all answers but those that give a key

const keep = (answer) => {
    told.push(answer);
    return answer;
};
const fails = (answer, status, code) => assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text);
const of = (path = '') => `/v1/rooms/${room.id}/stream-keys${path}`;
const ask = async (path, options) => keep(await stack.request(path, options));
const make = (body, more = {}) => stack.request(of(), { token, body, ...more });

before(async () => {
    stack = await startStack({ LYNKS_LOG_LEVEL: 'debug' });
    token = await stack.token();
    const added = await stack.request('/v1/rooms', { token, body: { name: 'Tea', guests_wait: false } });
    assert.equal(added.status, 201, added.text);
    room = added.json;
});
after(() => stack?.remove());

test('a key is made once for its Idempotency-Key, and told only then', async () => {
    const body = { label: 'Camera at the door', use: 'publish' };
    const headers = { 'idempotency-key': randomUUID() };
    const answer = await make(body, { headers });
    made = answer.json;
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.headers.location, of(`/${made.id}`));
    assert.match(made.key, /^ls_[0-9a-f]{64}$/);
    assert.equal(made.url, `http://127.0.0.1:${stack.ports.http}/v1/rooms/${room.id}/whip`);
    assert.deepEqual([made.label, made.use, made.made_by, made.receives, made.expires_at], ['Camera at the door', 'publish', 'testuser', false, null]);
    assert.deepEqual((await make(body, { headers })).json, made);
    fails(await make({ ...body, label: 'another' }, { headers }), 422, 'key_reused');
    const { key, ...shown } = made;
    assert.deepEqual((await ask(of(), { method: 'GET', token })).json.items, [shown]);
    assert.deepEqual((await ask(of(`/${made.id}`), { method: 'GET', token })).json, shown);
});

test('what is no key is not made', async () => {
    for (const body of [{ use: 'publish' }, { label: 'x' }, { label: '', use: 'publish' }, { label: 'x'.repeat(65), use: 'watch' }, { label: 'x', use: 'both' },
        { label: 'x', use: 'watch', expires_at: '2001-01-01T00:00:00Z' }, { label: 'x', use: 'watch', role: 'owner' }]) {
        fails(await make(body), 422, 'wrong_member');
    }
});

test('the list has pages', async () => {
    const wall = await make({ label: 'Wall', use: 'watch', expires_at: '2100-01-01T00:00:00Z' });
    assert.equal(wall.status, 201, wall.text);
    assert.deepEqual([wall.json.url, wall.json.expires_at], [undefined, '2100-01-01T00:00:00.000Z']);
    const first = (await ask(of('?limit=1'), { method: 'GET', token })).json;
    const second = (await ask(of(`?limit=1&page_token=${first.next_page_token}`), { method: 'GET', token })).json;
    assert.deepEqual([first.items[0].id, second.items[0].id].sort(), [made.id, wall.json.id].sort());
    assert.equal((await ask(of(`/${wall.json.id}`), { method: 'DELETE', token })).status, 204);
    fails(await ask(of(`/${wall.json.id}`), { method: 'GET', token }), 404, 'not_found');
    fails(await ask(of(`/${wall.json.id}`), { method: 'DELETE', token }), 404, 'not_found');
});

test('no guest makes or sees any, whatever his role', async () => {
    const { secret } = (await stack.request(`/v1/rooms/${room.id}/invitations`, { token, body: { role: 'moderator' } })).json;
    const guest = (await stack.request(`/v1/rooms/${room.code}/participants`, { body: { name: 'Gus', invitation: secret } })).json;
    assert.equal(guest.participant.role, 'moderator');
    for (const [method, path] of [['GET', ''], ['POST', ''], ['GET', `/${made.id}`], ['DELETE', `/${made.id}`]]) {
        for (const who of [guest.token, undefined, made.key]) fails(await ask(of(path), { method, token: who, body: method === 'POST' ? { label: 'x', use: 'watch' } : undefined }), 401, 'unauthorized');
    }
    assert.equal((await stack.request(`/v1/rooms/${room.id}/participants/${guest.participant.id}`, { method: 'DELETE', token })).status, 204);
});

test('a key opens nothing but media', async () => {
    const { paths } = (await stack.request('/v1/openapi.json', { method: 'GET' })).json;
    let refused = 0;
    for (const [path, item] of Object.entries(paths)) {
        for (const [method, { security, requestBody }] of Object.entries(item)) {
            const taken = JSON.stringify(security ?? []);
            if (!taken.includes('session') && !taken.includes('participant') || taken.includes('stream_key')) continue;
            const named = path.replace('{room}', room.id).replace(/\{[a-z_]+\}/g, '1');
            for (const who of [made.key, `Bearer ${made.key}`]) {
                const answer = await ask(named, { method: method.toUpperCase(), token: who, body: requestBody === undefined ? undefined : {}, agent: false });
                assert.deepEqual([answer.status, answer.json?.code ?? answer.json?.error.code], [401, 'unauthorized'], `${method} ${path}: ${answer.text}`);
                refused++;
            }
        }
    }
    assert.ok(refused > 80, `${refused}`);
});

test('only a hash of it is kept, and neither an answer nor a log has it', async () => {
    const [[hash]] = await stack.sql(`SELECT LOWER(HEX(key_hash)) FROM stream_keys WHERE stream_key_id = ${made.id}`);
    assert.equal(hash, createHash('sha256').update(made.key).digest('hex'));
    const logs = [...(await stack.logs()).values()].join('\n');
    assert.match(logs, /stream-keys/);
    for (const text of [...told.map((answer) => answer.text + JSON.stringify(answer.headers)), logs]) assert.ok(!text.includes(made.key.slice(3, 51)));
});
