#!/usr/bin/env -S node --test-reporter=tap
// /v1/users/me through a whole Lynks with two authsvc: oneself, one's password, and what admins do to one: all of it in force
// on both replicas, and done once however often it arrives.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BusPeer, newHash } from '../../support/bus-peer.mjs';
import { startStack } from '../../support/stack.mjs';
import { hashOf } from '../../support/tokens.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const MEMBER = 1;
const ADMIN = 2;
// A second is what is promised; here a busy machine has its time. How long it took is printed.
const IN_FORCE_MS = 10000;

let stack;
let first;
let second;
let both;
const ids = {};
before(async () => {
    stack = await startStack({
        LYNKS_REPLICAS: '2',
        LYNKS_LOGIN_ADDRESS_BURST: '10000',
        LYNKS_LOGIN_NAME_BURST: '1000',
        LYNKS_REQUEST_BUDGET_MS: '60000',
        LYNKS_SESSIONS_PER_USER_MAX: '100',
    });
    // All with the demo user's password; one may be disabled, demoted or change his password without harm to the others.
    for (const name of ['ann', 'bob', 'carol', 'dora', 'erin', 'frank', 'gina']) {
        await stack.sql(`INSERT INTO users (username, password) SELECT '${name}', password FROM users WHERE username = 'testuser'`);
        ids[name] = Number((await stack.sql(`SELECT id FROM users WHERE username = '${name}'`))[0][0]);
    }
    const [one, two] = [1, 21].map((offset) => `127.0.0.1:${stack.base + offset}`);
    first = new BusPeer(stack, one);
    second = new BusPeer(stack, two);
    both = new BusPeer(stack, `${one},${two}`);
});

after(async () => {
    await stack?.remove();
    const codes = await Promise.all([first, second, both].map((peer) => peer?.end()));
    assert.deepEqual(codes, [0, 0, 0]);
});

const signIn = (username, password = 'test123') => stack.request('/v1/sessions', { body: { username, password } });

async function open(username, password) {
    const answer = await signIn(username, password);
    assert.equal(answer.status, 201, answer.text);
    return answer.json.token;
}

const getMe = (token, headers = {}) => stack.request('/v1/users/me', { method: 'GET', token, headers });
const patchMe = (token, body, ifMatch = '*') =>
    stack.request('/v1/users/me', { method: 'PATCH', token, body, headers: ifMatch ? { 'if-match': ifMatch } : {} });
const putPassword = (token, current_password, new_password) =>
    stack.request('/v1/users/me/password', { method: 'PUT', token, body: { current_password, new_password } });

// Both replicas have seen the session in use, so that they remember it.
async function seen(token, id) {
    for (const peer of [first, second]) assert.equal(await peer.ask(`check ${hashOf(token)}`), `OK ${id}`);
}

async function isOut(t, token) {
    const begin = performance.now();
    for (const peer of [first, second]) {
        await eventually(async () => (await peer.ask(`check ${hashOf(token)}`)) === 'ERR unauthorized',
            { within: IN_FORCE_MS, what: 'refused by both replicas' });
    }
    t.diagnostic(`refused by both after ${(performance.now() - begin).toFixed(0)} ms`);
    assert.equal((await getMe(token)).status, 401);
}

const changesOf = async (name) => Number((await stack.sql(`SELECT password_changes FROM users WHERE username = '${name}'`))[0][0]);

test('oneself is shown, changed, and not overwritten unseen', async () => {
    const token = await open('ann');
    const before = await getMe(token);
    assert.equal(before.status, 200);
    assert.deepEqual(before.json, { id: String(ids.ann), username: 'ann', display_name: 'ann', role: 'member' });
    assert.equal((await getMe(token, { 'if-none-match': before.headers.etag })).status, 304);
    const named = await patchMe(token, { display_name: 'Ann' }, before.headers.etag);
    assert.equal(named.status, 200, named.text);
    assert.equal(named.json.display_name, 'Ann');
    assert.notEqual(named.headers.etag, before.headers.etag);
    assert.deepEqual((await getMe(token)).json, named.json);
    const late = await patchMe(token, { display_name: 'Anna' }, before.headers.etag);
    assert.equal(late.status, 412);
    assert.equal(late.json.code, 'stale');
    assert.equal((await patchMe(token, { display_name: 'Anna' }, null)).status, 428);
    assert.equal((await signIn('ann')).json.user.display_name, 'Ann');
    const none = await patchMe(token, { display_name: null }, named.headers.etag);
    assert.equal(none.json.display_name, 'ann');
    const same = await patchMe(token, {}, none.headers.etag);
    assert.equal(same.headers.etag, none.headers.etag);
});

test('a role is not one\'s own to change', async () => {
    const token = await open('ann');
    for (const body of [{ role: 'admin' }, { disabled: false }, { id: '1' }, { username: 'root' }]) {
        const answer = await patchMe(token, body);
        assert.equal(answer.status, 422);
        assert.equal(answer.json.code, 'wrong_member');
    }
});

test('names: kept in one form, whole, and harmless', async () => {
    const token = await open('ann');
    for (const [sent, kept] of [
        ['Zoe\u0308', 'Zo\u00eb'],
        ['\u{1f600}'.repeat(64), '\u{1f600}'.repeat(64)],
        ['<b onclick="x">&amp;\'"</b>', '<b onclick="x">&amp;\'"</b>'],
        ['\u05e9\u05dc\u05d5\u05dd', '\u05e9\u05dc\u05d5\u05dd'],
        ['${jndi:x} %s \\ ; DROP TABLE users', '${jndi:x} %s \\ ; DROP TABLE users'],
    ]) {
        const answer = await patchMe(token, { display_name: sent });
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.json.display_name, kept);
        assert.equal((await getMe(token)).json.display_name, kept);
    }
    for (const bad of ['', ' ', '\u00a0', '\u{1f600}'.repeat(65), 'a\u0000b', '\u202egnp.exe', '\u2066x\u2069', 'a\u200bb', 'a\u200db',
        '\u001b[2J', 'a\nb', '\u0085', '\ufeffa', `e${'\u0301'.repeat(40)}`, '\u{e0041}', 'x'.repeat(10000), 7, [], {}, true]) {
        const answer = await patchMe(token, { display_name: bad });
        const status = bad === 'a\u0000b' ? 400 : 422;
        assert.equal(answer.status, status, `${JSON.stringify(bad).slice(0, 80)}: ${answer.text}`);
    }
    const raw = await stack.request('/v1/users/me', { method: 'PATCH', token, headers: { 'if-match': '*' },
        body: Buffer.from('{"display_name":"\xff\xfe"}', 'latin1') });
    assert.equal(raw.status, 400);
    for (const [name, text] of await stack.logs()) assert.ok(!text.includes('\u001b[2J'), name);
});

test('another password: the other sessions are out everywhere, this one goes on', async (t) => {
    const [own, other] = [await open('bob'), await open('bob')];
    const original = (await stack.login('bob')).json.token;
    for (const token of [own, other, original]) await seen(token, ids.bob);
    const answer = await putPassword(own, 'test123', 'correct horse');
    assert.equal(answer.status, 204, answer.text);
    assert.equal(answer.text, '');
    await isOut(t, other);
    await isOut(t, original);
    await seen(own, ids.bob);
    assert.equal((await signIn('bob')).status, 401);
    assert.equal((await stack.login('bob')).status, 400);
    await open('bob', 'correct horse');
});

test('a password that is wrong is told as at signing in, a weak one is refused', async () => {
    const token = await open('carol');
    const told = ({ status, headers, json: { request_id: _, ...json } }) => ({ status, type: headers['content-type'], json });
    assert.deepEqual(told(await putPassword(token, 'wrong', 'correct horse')), told(await signIn('carol', 'wrong')));
    for (const [current, next] of [['test123', 'too short'], ['', 'correct horse'], ['test123', 'x'.repeat(1025)], ['test123', null]]) {
        assert.equal((await putPassword(token, current, next)).status, 422);
    }
    await stack.sql(`UPDATE users SET username = 'carolina.longname' WHERE id = ${ids.carol}`);
    const own = await putPassword(token, 'test123', 'CarolIna.LongName');
    assert.equal(own.status, 422);
    assert.equal(own.json.code, 'weak_password');
    assert.equal((await putPassword(token, 'test123', 'x'.repeat(1024))).status, 204);
    await open('carolina.longname', 'x'.repeat(1024));
    assert.equal(await changesOf('carolina.longname'), 1);
});

test('of a hundred changes at once one wins', async () => {
    const tokens = [await open('dora'), await open('dora')];
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) =>
        putPassword(tokens[i % 2], 'test123', `new password ${i}`)));
    const won = answers.flatMap(({ status }, i) => (status === 204 ? [i] : []));
    assert.equal(won.length, 1, JSON.stringify(answers.map(({ status }) => status)));
    for (const { status, text } of answers) assert.ok([204, 401, 503].includes(status), text);
    assert.equal(await changesOf('dora'), 1);
    await open('dora', `new password ${won[0]}`);
    assert.equal((await signIn('dora')).status, 401);
});

test('a change that arrives again is one, and is answered again', async () => {
    const key = newHash();
    const change = `password ${ids.erin} test123 correct-horse ${key}`;
    const token = await open('erin');
    await seen(token, ids.erin);
    assert.equal(await first.ask(change), 'OK 1');
    for (const peer of [second, first, both]) assert.equal(await peer.ask(change), 'OK 0');
    assert.equal(await second.ask(`password ${ids.erin} test123 correct-horse ${newHash()}`), 'ERR bad_credentials');
    assert.equal(await changesOf('erin'), 1);
});

const isReady = async (base) => (await stack.request('/readyz', { method: 'GET', port: base, agent: undefined })).status === 200;

// Anywhere between its arrival and its answer.
test('a change whose replica is killed under it is done once, and answered', async () => {
    let current = 'test123';
    for (let i = 0; i < 8; i += 1) {
        const next = `correct-horse-${i}`;
        await eventually(async () => (await both.ask(`check ${newHash()}`)) === 'ERR unauthorized', { within: 20000 });
        const answer = both.ask(`password ${ids.frank} ${current} ${next} ${newHash()}`);
        await sleep(12 * i);
        const name = i % 2 === 0 ? 'authsvc' : 'authsvc-2';
        const old = await stack.signal(name, 'SIGKILL');
        assert.match(await answer, /^OK \d+$/, `killed ${12 * i} ms after it was sent`);
        assert.equal(await changesOf('frank'), i + 1);
        await eventually(async () => (await stack.pid(name)) !== old && isReady(stack.base + (i % 2 === 0 ? 101 : 121)),
            { within: 20000, what: `${name} is ready again` });
        current = next;
    }
    await open('frank', current);
});

test('another role is in force on both replicas, and ends nothing', async (t) => {
    const token = await open('gina');
    await seen(token, ids.gina);
    for (const [role, peer] of [[ADMIN, first], [MEMBER, second]]) {
        // Somebody stays an admin.
        await stack.sql(`UPDATE users SET role = ${ADMIN} WHERE username = 'ann'`);
        assert.match(await peer.ask(`role ${ids.gina} ${role}`), /^OK \d+$/);
        const begin = performance.now();
        for (const other of [first, second]) {
            await eventually(async () => (await other.ask(`role-of ${hashOf(token)}`)) === `OK ${role}`,
                { within: IN_FORCE_MS, what: 'the role is in force' });
        }
        t.diagnostic(`in force on both after ${(performance.now() - begin).toFixed(0)} ms`);
        assert.equal((await getMe(token)).json.role, role === ADMIN ? 'admin' : 'member');
    }
});

test('the last admin stays one', async () => {
    await stack.sql(`UPDATE users SET role = IF(id = ${ids.ann}, ${ADMIN}, ${MEMBER})`);
    assert.equal(await first.ask(`role ${ids.ann} ${MEMBER}`), 'ERR conflict');
    assert.equal(await second.ask(`disable ${ids.ann} 1`), 'ERR conflict');
    await stack.sql(`UPDATE users SET role = ${ADMIN} WHERE id = ${ids.gina}`);
    const answers = await Promise.all([first.ask(`role ${ids.ann} ${MEMBER}`), second.ask(`role ${ids.gina} ${MEMBER}`)]);
    assert.equal(answers.filter((answer) => answer === 'ERR conflict').length, 1, answers.join(', '));
    assert.deepEqual(await stack.sql(`SELECT COUNT(*) FROM users WHERE role = ${ADMIN} AND disabled = 0`), [['1']]);
});

test('who is disabled is out everywhere, and told as if his password were wrong', async (t) => {
    const tokens = [await open('gina'), (await stack.login('gina')).json.token];
    await stack.sql(`UPDATE users SET role = IF(id = ${ids.ann}, ${ADMIN}, ${MEMBER})`);
    for (const token of tokens) await seen(token, ids.gina);
    assert.match(await second.ask(`disable ${ids.gina} 1`), /^OK \d+$/);
    for (const token of tokens) await isOut(t, token);
    assert.equal((await signIn('gina')).status, 401);
    assert.match(await first.ask(`disable ${ids.gina} 0`), /^OK \d+$/);
    const token = await open('gina');
    await seen(token, ids.gina);
    assert.equal((await getMe(tokens[0])).status, 401);
});
