#!/usr/bin/env -S node --test-reporter=tap
// Users as admins see them, through a whole Lynks with two authsvc; and what API.md tells of them, run as it stands.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { assertPeopleLines } from '../../support/api-page.mjs';
import { inContainers, startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
// A second is what is promised; here a busy machine has its time.
const IN_FORCE_MS = 10000;

let stack;
let admin;
before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_LOGIN_ADDRESS_BURST: '10000', LYNKS_REQUEST_BUDGET_MS: '60000' });
    const { stdout } = await run(join(ROOT, 'deploy', 'admin'), ['password'], { env: stack.env });
    admin = await open('admin', stdout.trim());
});
after(() => stack?.remove());

const signIn = (username, password) => stack.request('/v1/sessions', { body: { username, password } });
async function open(username, password) {
    const answer = await signIn(username, password);
    assert.equal(answer.status, 201, answer.text);
    return answer.json.token;
}

const users = (method, path = '', options = {}) => stack.request(`/v1/users${path}`, { method, token: admin, ...options });
const add = (body) => users('POST', '', { body });
const change = (id, body, ifMatch = '*') => users('PATCH', `/${id}`, { body, headers: { 'if-match': ifMatch } });

test('a user is added, once, and signs in', async () => {
    const added = await add({ username: 'dora', password: 'open it now', display_name: 'Dora' });
    assert.equal(added.status, 201, added.text);
    assert.deepEqual({ ...added.json, id: '' }, { id: '', username: 'dora', display_name: 'Dora', role: 'member', disabled: false });
    assert.equal((await add({ username: 'dora', password: 'open it again' })).status, 409);
    const token = await open('dora', 'open it now');
    const me = await stack.request('/v1/users/me', { method: 'GET', token });
    assert.equal(me.json.id, added.json.id);
    for (const [method, path] of [['GET', ''], ['POST', ''], ['GET', '/1'], ['PATCH', '/1']]) {
        const body = { POST: { username: 'x', password: 'open it now' }, PATCH: { disabled: true } }[method];
        const refused = await stack.request(`/v1/users${path}`, { method, token, body, headers: { 'if-match': '*' } });
        assert.equal(refused.status, 403, `${method} ${path}`);
    }
});

test('names of all kinds come back as they are, or are refused', async () => {
    for (const name of ['Zoë', '張偉', '📱📱', '<b>bold</b>', "o'hara %_\\"]) {
        const added = await add({ username: name, password: 'open it now' });
        assert.equal(added.json?.username, name, added.text);
        await open(name, 'open it now');
    }
    for (const name of ['a\u202eb', 'a\u200bb', 'a\u001b[2J', `e${'\u0301'.repeat(40)}`, ' ', 'x'.repeat(65)]) {
        assert.equal((await add({ username: name, password: 'open it now' })).status, 422, JSON.stringify(name));
    }
    assert.equal((await add({ username: 'a\0b', password: 'open it now' })).status, 400); // as JSON already
});

test('pages hold everybody once, also while users come, and a search takes everything as it is', async () => {
    for (let i = 0; i < 25; i += 1) assert.equal((await add({ username: `user ${i}`, password: 'open it now' })).status, 201);
    const seen = [];
    let token = '';
    do {
        const page = await users('GET', `?limit=10${token && `&page_token=${token}`}`);
        assert.equal(page.status, 200, page.text);
        seen.push(...page.json.items.map(({ id }) => id));
        token = page.json.next_page_token ?? '';
        assert.equal((await add({ username: `later ${seen.length}`, password: 'open it now' })).status, 201);
    } while (token && seen.length < 200);
    assert.equal(new Set(seen).size, seen.length);
    const stored = (await stack.sql("SELECT id FROM users WHERE username NOT LIKE 'later%'")).map(([id]) => id);
    for (const id of stored) assert.ok(seen.includes(id), id);
    const found = async (text) => (await users('GET', `?search=${encodeURIComponent(text)}`)).json.items.map(({ username }) => username);
    assert.deepEqual(await found('O\'HARA %_\\'), ["o'hara %_\\"]);
    assert.deepEqual(await found('%'), ["o'hara %_\\"]);
    assert.deepEqual(await found('nobody at all'), []);
    assert.equal((await users('GET', '?search=%ff')).status, 400);
});

test('who is disabled is out everywhere, and comes back', async () => {
    const { json: { id } } = await add({ username: 'erin', password: 'open it now' });
    const token = await open('erin', 'open it now');
    const shown = await users('GET', `/${id}`);
    assert.equal((await change(id, { disabled: true }, shown.headers.etag)).json.disabled, true);
    assert.equal((await change(id, { disabled: false }, shown.headers.etag)).status, 412);
    await eventually(async () => (await stack.create(token)).status === 401, { within: IN_FORCE_MS, what: 'erin is out' });
    assert.equal((await signIn('erin', 'open it now')).status, 401);
    assert.equal((await change(id, { disabled: false, role: 'admin' })).json.role, 'admin');
    const again = await open('erin', 'open it now');
    assert.equal((await stack.request('/v1/users', { method: 'GET', token: again })).status, 200);
    assert.equal((await change(id, { role: 'member' })).status, 200);
    await eventually(async () => (await stack.request('/v1/users', { method: 'GET', token: again })).status === 403,
        { within: IN_FORCE_MS, what: 'erin is no admin any more' });
    assert.equal((await change(999999, { disabled: true })).status, 404);
    const [[self]] = await stack.sql("SELECT id FROM users WHERE username = 'admin'");
    assert.equal((await change(self, { role: 'member' })).status, 409);
});

test('an admin gives another a new password, sees where he is signed in, and ends that', async () => {
    const { json: { id } } = await add({ username: 'gina', password: 'open it now' });
    const sessionsOf = (path = '', method = 'GET') => users(method, `/${id}/sessions${path}`);
    const isOut = (token) => eventually(async () => (await stack.request('/v1/users/me', { method: 'GET', token })).status === 401,
        { within: IN_FORCE_MS, what: 'a session is over' });
    const [first, second] = [await open('gina', 'open it now'), await open('gina', 'open it now')];
    const listed = (await sessionsOf()).json.items;
    assert.equal(listed.length, 2);
    assert.ok(listed.every(({ current }) => !current));
    const mine = await stack.request('/v1/sessions/current', { method: 'GET', token: second });
    assert.equal((await sessionsOf(`/${mine.json.id}`, 'DELETE')).status, 204);
    await isOut(second);
    assert.equal((await sessionsOf(`/${mine.json.id}`, 'DELETE')).status, 404);
    assert.equal((await stack.request('/v1/users/me', { method: 'GET', token: first })).status, 200);
    assert.equal((await sessionsOf('', 'DELETE')).status, 204);
    await isOut(first);
    assert.deepEqual((await sessionsOf()).json.items, []);

    const third = await open('gina', 'open it now');
    const give = (password, whom = id) => users('PUT', `/${whom}/password`, { body: { new_password: password } });
    assert.equal((await give('gina')).status, 422);
    assert.equal((await give('another one')).status, 204);
    await isOut(third);
    assert.equal((await signIn('gina', 'open it now')).status, 401);
    const fourth = await open('gina', 'another one');
    assert.equal((await give('open it now', 999999)).status, 404);
    const [[self]] = await stack.sql("SELECT id FROM users WHERE username = 'admin'");
    assert.equal((await give('open it now', self)).status, 403); // his own: with the one that he has
    for (const [method, path, body] of [['GET', '/sessions'], ['DELETE', '/sessions'], ['PUT', '/password', { new_password: 'open it now' }]]) {
        const refused = await stack.request(`/v1/users/${self}${path}`, { method, token: fourth, body });
        assert.equal(refused.status, 403, `${method} ${path}`);
    }
    const acts = await stack.sql(`SELECT act, by_name FROM audit WHERE user_id = ${id} ORDER BY id`);
    assert.deepEqual(acts, [['1', 'admin'], ['5', 'admin'], ['5', 'admin'], ['3', 'admin']]);
});

// Whoever is in the way of it: it is the command's own transaction.
test('what an admin does to others is kept, with his address and the id of the request', async () => {
    const added = await add({ username: 'hugo', password: 'open it now' });
    const token = await open('hugo', 'open it now');
    await change(added.json.id, { role: 'admin', display_name: 'Hugo' });
    await stack.request('/v1/users/me', { method: 'PATCH', token, body: { display_name: 'His own' }, headers: { 'if-match': '*' } });
    await change(added.json.id, { role: 'admin' }); // which he is
    const removed = await users('DELETE', `/${added.json.id}`, { headers: { 'if-match': '*' } });
    assert.equal(removed.status, 204);
    const rows = await stack.sql(`SELECT act, by_name, username, detail, HEX(address), request_id FROM audit
        WHERE user_id = ${added.json.id} ORDER BY id`);
    assert.deepEqual(rows.map((row) => row.slice(0, 4)), [['1', 'admin', 'hugo', 'role member'],
        ['2', 'admin', 'hugo', 'role admin, display name Hugo'], ['4', 'admin', 'hugo', 'rooms end']]);
    if (!inContainers) for (const row of rows) assert.equal(row[4], '00000000000000000000FFFF7F000001');
    assert.equal(rows[0][5], added.headers['x-request-id']);
    assert.equal(rows[2][5], removed.headers['x-request-id']);
});

test('one call that comes from both replicas at once adds one user', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => add({ username: 'frank', password: 'open it now' })));
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    assert.equal(answers.filter(({ status }) => status === 409).length, 19);
});

test('API.md\'s lines do what it says', () => assertPeopleLines(stack));
