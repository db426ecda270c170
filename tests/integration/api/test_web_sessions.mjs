#!/usr/bin/env -S node --test-reporter=tap
// /v1/sessions through a whole Lynks with two authsvc: signing in, the list of devices, signing out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inContainers, startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const NAME_BURST = 10;
const DAY_MS = 24 * 3600 * 1000;
// Revocations are in force everywhere within a second, as the tests of authsvc with a clock of their own see; here a busy
// machine has its time.
const IN_FORCE_MS = 10000;

let stack;
before(async () => {
    stack = await startStack({
        LYNKS_REPLICAS: '2',
        LYNKS_LOGIN_ADDRESS_BURST: '1000',
        LYNKS_LOGIN_NAME_BURST: String(NAME_BURST),
    });
    // Others with the demo user's password.
    await stack.sql("INSERT INTO users (username, password, role, disabled, display_name)"
        + " SELECT 'carol', password, 2, 0, 'Carol' FROM users WHERE username = 'testuser'");
    await stack.sql("INSERT INTO users (username, password, disabled) SELECT 'dave', password, 1 FROM users WHERE username = 'testuser'");
});
after(() => stack?.remove());

const signIn = (body, options = {}) =>
    stack.request('/v1/sessions', { body: { username: 'carol', password: 'test123', ...body }, ...options });

async function open(body) {
    const answer = await signIn(body);
    assert.equal(answer.status, 201, answer.text);
    return answer.json;
}

const get = (path, token) => stack.request(path, { method: 'GET', token: `Bearer ${token}` });
const end = (path, token) => stack.request(path, { method: 'DELETE', token: `Bearer ${token}` });

// Refused by both replicas: twice each, whichever is asked.
const isOut = (token) => eventually(async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => get('/v1/sessions/current', token)));
    return answers.every(({ status }) => status === 401);
}, { within: IN_FORCE_MS, what: 'the session is refused' });

async function pages(token, limit) {
    const items = [];
    for (let query = `?limit=${limit}`; query !== undefined;) {
        const { json } = await get(`/v1/sessions${query}`, token);
        items.push(...json.items);
        assert.ok(items.length < 10000, 'there is a last page');
        query = json.next_page_token === undefined ? undefined : `?limit=${limit}&page_token=${json.next_page_token}`;
    }
    return items;
}

test('signing in tells who it is, and the session is one of days', async () => {
    const session = await open({ device: 'Téléphone' });
    assert.match(session.id, /^[0-9a-f]{32}$/);
    assert.match(session.token, /^[0-9a-f]{64}$/);
    const { id, ...user } = session.user;
    assert.ok(id.length > 0);
    assert.deepEqual(user, { username: 'carol', display_name: 'Carol', role: 'admin' });
    assert.ok(Date.parse(session.expires_at) - Date.now() > 6 * DAY_MS, session.expires_at);
    const { json } = await get('/v1/sessions/current', session.token);
    assert.equal(json.id, session.id);
    assert.equal(json.device, 'Téléphone');
    assert.equal(json.kind, 'web');
    assert.equal(json.current, true);
    if (!inContainers) assert.equal(json.address, '127.0.0.1');
    assert.equal((await stack.create(`Bearer ${session.token}`)).status, 200);
});

test('unknown, wrong and disabled are told alike', async () => {
    const answers = [
        await signIn({ username: 'nobody' }), await signIn({ password: 'wrong' }), await signIn({ username: 'dave' }),
        await signIn({ username: 'dave', password: 'wrong' }),
    ].map(({ status, headers, json: { request_id: _, ...json } }) => ({ status, type: headers['content-type'], json }));
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal(answers[0].status, 401);
    assert.equal(answers[0].type, 'application/problem+json');
    assert.equal(answers[0].json.code, 'sign_in_refused');
    assert.equal((await stack.login('dave', 'test123')).status, 400);
});

test('the list has all of one\'s own sessions, whatever the page', async () => {
    const devices = ['a', 'b', 'c', 'd', 'e'];
    await end('/v1/sessions', (await open()).token);
    const opened = [];
    for (const device of devices) opened.push(await open({ device }));
    const original = (await stack.login('carol', 'test123')).json.token;
    await stack.token(); // somebody else's
    const { token } = opened[4];
    const all = await pages(token, 100);
    for (const limit of [1, 3]) {
        const paged = await pages(token, limit);
        assert.deepEqual(paged.map(({ id }) => id), all.map(({ id }) => id));
    }
    assert.equal(all.length, 7); // and the one that ended the others
    assert.equal(all.filter(({ kind }) => kind === 'original').length, 1);
    assert.deepEqual(all.filter(({ current }) => current).map(({ id }) => id), [opened[4].id]);
    const ages = all.map(({ created_at }) => Date.parse(created_at));
    assert.deepEqual(ages, ages.toSorted((x, y) => y - x));
    const one = await get(`/v1/sessions/${opened[1].id}`, original);
    assert.equal(one.json.device, 'b');
    assert.equal(one.json.current, false);
});

test('one session ends, on both replicas, and no other', async () => {
    const [phone, laptop] = [await open({ device: 'phone' }), await open({ device: 'laptop' })];
    for (let i = 0; i < 8; i += 1) await get('/v1/sessions/current', phone.token);
    assert.equal((await end(`/v1/sessions/${phone.id}`, laptop.token)).status, 204);
    await isOut(phone.token);
    assert.equal((await get(`/v1/sessions/${phone.id}`, laptop.token)).status, 404);
    assert.equal((await end(`/v1/sessions/${phone.id}`, laptop.token)).status, 404);
    assert.equal((await get('/v1/sessions/current', laptop.token)).status, 200);
});

test('another\'s session is not there', async () => {
    const mine = await open();
    const theirs = (await signIn({ username: 'testuser' })).json;
    for (const call of [get, end]) {
        const answer = await call(`/v1/sessions/${theirs.id}`, mine.token);
        const none = await call(`/v1/sessions/${'0'.repeat(32)}`, mine.token);
        const { request_id: a, ...told } = answer.json;
        const { request_id: b, ...toldOfNone } = none.json;
        assert.equal(answer.status, 404);
        assert.deepEqual(told, toldOfNone);
    }
    assert.equal((await get('/v1/sessions/current', theirs.token)).status, 200);
});

test('signing out ends the one, ending the others leaves it', async () => {
    const [first, second, third] = [await open(), await open(), await open()];
    assert.equal((await end('/v1/sessions', second.token)).status, 204);
    await isOut(first.token);
    await isOut(third.token);
    assert.equal((await get('/v1/sessions/current', second.token)).status, 200);
    assert.equal((await end('/v1/sessions/current', second.token)).status, 204);
    await isOut(second.token);
});

test('a session survives a crash of authsvc', async () => {
    const { token } = await open();
    await stack.crash('authsvc');
    assert.equal((await get('/v1/sessions/current', token)).status, 200);
});

test('failed sign-ins count against a name whichever way they are tried', async () => {
    for (let i = 0; i < NAME_BURST / 2; i += 1) {
        assert.equal((await stack.login('erin', 'wrong')).status, 400);
        assert.equal((await signIn({ username: 'erin', password: 'wrong' })).status, 401);
    }
    const answer = await signIn({ username: 'erin', password: 'wrong' });
    assert.equal(answer.status, 429);
    assert.equal(answer.json.code, 'rate_limited');
    assert.ok(Number(answer.headers['retry-after']) > 0);
    assert.equal((await stack.login('erin', 'wrong')).status, 429);
});
