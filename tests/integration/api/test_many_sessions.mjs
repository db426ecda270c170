#!/usr/bin/env -S node --test-reporter=tap
// Ten thousand sessions of one user, and pages of users while they change: nothing is listed twice or left out, the end of all of them
// is in force on both replicas, and nobody else waits for it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { BusPeer } from '../../support/bus-peer.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const MANY = 10000;
const PASSWORD = 'open it now';

let stack;
let root;
let first;
let second;
let count = 0;
before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_LOGIN_ADDRESS_BURST: '10000', LYNKS_REQUEST_BUDGET_MS: '60000',
        LYNKS_SESSIONS_PER_USER_MAX: String(MANY) });
    await stack.sql("UPDATE users SET role = 2 WHERE username = 'testuser'");
    root = (await open('testuser', 'test123')).token;
    [first, second] = [1, 21].map((offset) => new BusPeer(stack, `127.0.0.1:${stack.base + offset}`));
});
after(async () => {
    await stack?.remove();
    assert.deepEqual(await Promise.all([first, second].map((peer) => peer?.end())), [0, 0]);
});

async function open(username, password = PASSWORD) {
    const answer = await stack.request('/v1/sessions', { body: { username, password } });
    assert.equal(answer.status, 201, answer.text);
    return answer.json;
}
const call = (method, path, body, token = root) => stack.request(path, { method, token, body, headers: { 'if-match': '*' } });
async function add(username) {
    const answer = await call('POST', '/v1/users', { username, password: PASSWORD });
    assert.equal(answer.status, 201, answer.text);
    return answer.json.id;
}

const hashOf = (id, n) => createHash('sha256').update(`${id}-${n}`).digest('hex');

// Somebody with as many sessions as one may have, of which the one that is given here is the last.
async function newUser() {
    const username = `busy ${count += 1}`;
    const id = await add(username);
    await stack.sql(`INSERT INTO sessions (token_hash, user_id, kind, created_unix_ms, used_unix_ms, expires_unix_ms)
        SELECT UNHEX(SHA2(CONCAT(${id}, '-', seq), 256)), ${id}, 2, UNIX_TIMESTAMP() * 1000 - 10000000 + seq, 0,
            UNIX_TIMESTAMP() * 1000 + 86400000 FROM seq_1_to_${MANY - 1}`);
    for (const n of [1, 5000, MANY - 1]) {
        for (const peer of [first, second]) assert.equal(await peer.ask(`check ${hashOf(id, n)}`), `OK ${id}`);
    }
    return { id, username, session: await open(username) };
}

const sessionsOf = async (id) => Number((await stack.sql(`SELECT COUNT(*) FROM sessions WHERE user_id = ${id}`))[0][0]);

async function allAreOut(t, { id, session }, began) {
    for (const peer of [first, second]) {
        for (const n of [1, 5000, MANY - 1]) {
            await eventually(async () => (await peer.ask(`check ${hashOf(id, n)}`)) === 'ERR unauthorized', { what: 'refused by both replicas' });
        }
    }
    await eventually(async () => (await call('GET', '/v1/users/me', undefined, session.token)).status === 401, { what: 'his own session is out, too' });
    t.diagnostic(`all are out after ${(performance.now() - began).toFixed(0)} ms`);
    assert.equal(await sessionsOf(id), 0);
}

// How long somebody else waits meanwhile.
async function meanwhile(t, work) {
    let isOver = false;
    let longest = 0;
    const begin = performance.now();
    const running = work().finally(() => { isOver = true; });
    while (!isOver) {
        const asked = performance.now();
        assert.equal((await call('GET', '/v1/users/me')).status, 200);
        longest = Math.max(longest, performance.now() - asked);
    }
    t.diagnostic(`took ${(performance.now() - begin).toFixed(0)} ms; others waited for ${longest.toFixed(0)} ms at most`);
    assert.ok(longest < 5000, `${longest} ms`);
    return running;
}

test('they are listed, each once, and a new one pushes out the oldest', async () => {
    const { id, username, session } = await newUser();
    const seen = new Set();
    let pages = 0;
    for (let query = '?limit=100'; query !== undefined; pages += 1) {
        assert.ok(pages <= MANY / 100, `more than ${pages} pages`);
        const { status, text, json } = await call('GET', `/v1/sessions${query}`, undefined, session.token);
        assert.equal(status, 200, text);
        for (const item of json.items) seen.add(item.id);
        query = json.next_page_token === undefined ? undefined : `?limit=100&page_token=${json.next_page_token}`;
    }
    assert.equal(seen.size, MANY);
    await open(username);
    assert.equal(await sessionsOf(id), MANY);
    for (const peer of [first, second]) {
        await eventually(async () => (await peer.ask(`check ${hashOf(id, 1)}`)) === 'ERR unauthorized', { what: 'the oldest is out' });
        assert.equal(await peer.ask(`check ${hashOf(id, 2)}`), `OK ${id}`);
    }
});

for (const [name, end] of Object.entries({
    'ending all others, and then the last': async ({ session }) => {
        assert.equal((await call('DELETE', '/v1/sessions', undefined, session.token)).status, 204);
        assert.equal((await call('DELETE', '/v1/sessions/current', undefined, session.token)).status, 204);
    },
    disabling: async ({ id }) => assert.equal((await call('PATCH', `/v1/users/${id}`, { disabled: true })).status, 200),
    removal: async ({ id }) => assert.equal((await call('DELETE', `/v1/users/${id}`)).status, 204),
})) {
    test(`${name} is in force for all of them, and others do not wait`, async (t) => {
        const user = await newUser();
        const began = performance.now();
        await meanwhile(t, () => end(user));
        await allAreOut(t, user, began);
    });
}

// Whoever is there from the beginning to the end is listed once; who is renamed, disabled, promoted or removed meanwhile is no trouble.
test('pages of users hold whoever stays, once, while others change', async () => {
    const stay = [];
    const change = [];
    for (let i = 0; i < 60; i += 1) (i % 2 === 0 ? stay : change).push(await add(`guest ${i}`));
    let isOver = false;
    const changes = (async () => {
        for (let i = 0; !isOver; i += 1) {
            const id = change[i % change.length];
            const body = [{ display_name: `Guest ${i}` }, { disabled: i % 2 === 0 }, { role: i % 2 === 0 ? 'admin' : 'member' }][i % 3];
            const answer = i % 7 === 6 ? await call('DELETE', `/v1/users/${id}`) : await call('PATCH', `/v1/users/${id}`, body);
            assert.ok([200, 204, 404].includes(answer.status), answer.text);
            await call('POST', '/v1/users', { username: `later ${i}`, password: PASSWORD });
        }
    })();
    for (let round = 0; round < 5; round += 1) {
        const seen = [];
        for (let query = '?limit=7&search=guest'; query !== undefined;) {
            const { status, text, json } = await call('GET', `/v1/users${query}`);
            assert.equal(status, 200, text);
            seen.push(...json.items.map(({ id }) => id));
            query = json.next_page_token && `?limit=7&search=guest&page_token=${json.next_page_token}`;
        }
        assert.equal(new Set(seen).size, seen.length);
        for (const id of stay) assert.ok(seen.includes(id), id);
    }
    isOver = true;
    await changes;
});
