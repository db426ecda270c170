#!/usr/bin/env -S node --test-reporter=tap
// Sessions on two replicas of authsvc: made, used, renewed and revoked on one, known to the other; a login that is sent
// twice, or whose replica dies, makes one session.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BusPeer, newHash } from '../../support/bus-peer.mjs';
import { startStack } from '../../support/stack.mjs';
import { hashOf } from '../../support/tokens.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const IDLE_S = 6;
// A second is what is asked for. A machine that is busy with other things may not turn a test red, so the bound is
// wide; how long it took is printed.
const REVOKED_WITHIN_MS = 5000;

let stack;
let first;
let second;
let both;
let user;
before(async () => {
    // With the usual idle time no sliding is written meanwhile, which would tell that a session is gone too.
    stack = await startStack({ LYNKS_REPLICAS: '2' });
    connect();
    user = Number((await stack.sql("SELECT id FROM users WHERE username = 'testuser'"))[0][0]);
});

function connect() {
    const [one, two] = [1, 21].map((offset) => `127.0.0.1:${stack.base + offset}`);
    first = new BusPeer(stack, one);
    second = new BusPeer(stack, two);
    both = new BusPeer(stack, `${one},${two}`);
}

async function disconnect() {
    const codes = await Promise.all([first, second, both].map((peer) => peer?.end()));
    assert.deepEqual(codes, [0, 0, 0]);
}

after(async () => {
    await stack?.remove();
    await disconnect();
});

const login = (peer, hash) => peer.ask(`login testuser test123 ${hash}`);
const rowsOf = async (hash) => Number((await stack.sql(`SELECT COUNT(*) FROM sessions WHERE token_hash = UNHEX('${hash}')`))[0][0]);

async function newSession(peer) {
    const hash = newHash();
    assert.equal(await login(peer, hash), `OK ${user}`);
    return hash;
}

const isReady = async (base) => (await stack.request('/readyz', { method: 'GET', port: base, agent: undefined })).status === 200;

const refused = (peer, hash) => eventually(async () => (await peer.ask(`check ${hash}`)) === 'ERR unauthorized',
    { within: REVOKED_WITHIN_MS, what: 'refused by the other replica' });

test('a session made on one replica is valid on the other', async () => {
    const hash = await newSession(first);
    assert.equal(await second.ask(`check ${hash}`), `OK ${user}`);
    assert.equal(await first.ask(`check ${hash}`), `OK ${user}`);
});

test('one that is revoked is refused at once where that was said, and soon everywhere', async (t) => {
    const times = [];
    for (const [here, there] of [[first, second], [second, first], [first, second]]) {
        const [hash, other] = [await newSession(here), await newSession(here)];
        for (const peer of [here, there]) assert.equal(await peer.ask(`check ${hash}`), `OK ${user}`);
        assert.equal(await here.ask(`revoke ${hash}`), 'OK 1');
        const begin = performance.now();
        assert.equal(await here.ask(`check ${hash}`), 'ERR unauthorized');
        await refused(there, hash);
        times.push(performance.now() - begin);
        assert.equal(await there.ask(`revoke ${hash}`), 'OK 0');
        for (const peer of [here, there]) assert.equal(await peer.ask(`check ${other}`), `OK ${user}`);
    }
    t.diagnostic(`the other replica refused it after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
});

// The log of revocations in the database is read by each replica twice a second; this comes before it.
test('the other replica hears of it by an event, and so does one that is started anew', async () => {
    const heard = async () => {
        const { text } = await stack.request('/metrics', { method: 'GET', port: stack.base + 121, agent: undefined });
        return Number(/^lynks_auth_session_changes_total\{by="event"\} (\d+)$/m.exec(text)[1]);
    };
    const isHeard = async () => {
        const before = await heard();
        assert.equal(await first.ask(`revoke ${await newSession(first)}`), 'OK 1');
        return eventually(async () => await heard() > before, { within: REVOKED_WITHIN_MS, what: 'an event' });
    };
    await isHeard();
    const old = await stack.signal('authsvc', 'SIGKILL');
    await eventually(async () => (await stack.pid('authsvc')) !== old && isReady(stack.base + 101), { within: 20000, what: 'authsvc is ready again' });
    await isHeard();
});

test('all sessions of a user are revoked together', async () => {
    const hashes = [await newSession(first), await newSession(second), await newSession(first)];
    for (const hash of hashes) {
        for (const peer of [first, second]) assert.equal(await peer.ask(`check ${hash}`), `OK ${user}`);
    }
    assert.match(await first.ask(`revoke-user ${user}`), /^OK ([3-9]|\d\d)$/);
    for (const hash of hashes) assert.equal(await first.ask(`check ${hash}`), 'ERR unauthorized');
    for (const hash of hashes) await refused(second, hash);
    assert.equal(await first.ask(`revoke-user ${user}`), 'OK 0');
    assert.equal(await first.ask(`check ${await newSession(second)}`), `OK ${user}`);
});

test('over HTTP too: a token that is revoked gets 401', async () => {
    const token = await stack.token();
    assert.equal((await stack.create(token)).status, 200);
    assert.equal(await second.ask(`revoke ${hashOf(token)}`), 'OK 1');
    await eventually(async () => (await stack.create(token)).status === 401, { within: REVOKED_WITHIN_MS, what: '401' });
});

test('a login sent to both replicas gets the same answer and makes one session', async () => {
    for (let i = 0; i < 5; i += 1) {
        const hash = newHash();
        assert.deepEqual(await Promise.all([login(first, hash), login(second, hash)]), [`OK ${user}`, `OK ${user}`]);
        assert.equal(await rowsOf(hash), 1);
    }
});

test('a login that arrives again after its session was revoked does not open it again', async () => {
    const hash = await newSession(first);
    assert.equal(await first.ask(`revoke ${hash}`), 'OK 1');
    assert.equal(await login(second, hash), 'ERR conflict');
    assert.equal(await rowsOf(hash), 0);
    await refused(second, hash);
});

// Anywhere between its arrival and its answer; the password takes some tens of ms.
test('a login whose replica is killed under it is answered by the other, and makes one session', async () => {
    for (let i = 0; i < 8; i += 1) {
        const hash = newHash();
        // It has to be connected before it is asked.
        await eventually(async () => (await both.ask(`check ${hash}`)) === 'ERR unauthorized', { within: 20000 });
        const answer = login(both, hash);
        await sleep(8 * i);
        const old = await stack.signal(i % 2 === 0 ? 'authsvc' : 'authsvc-2', 'SIGKILL');
        assert.equal(await answer, `OK ${user}`, `killed ${8 * i} ms after it was sent`);
        assert.equal(await rowsOf(hash), 1);
        assert.equal(await both.ask(`check ${hash}`), `OK ${user}`);
        const name = i % 2 === 0 ? 'authsvc' : 'authsvc-2';
        await eventually(async () => (await stack.pid(name)) !== old && isReady(stack.base + (i % 2 === 0 ? 101 : 121)),
            { within: 20000, what: `${name} is ready again` });
    }
});

// Real time has to pass here: it is what is tested.
test('what one replica has seen used lives on at the other', async () => {
    await disconnect();
    await stack.down();
    await stack.up({ LYNKS_SESSION_IDLE_S: String(IDLE_S) });
    connect();
    const [used, unused] = [await newSession(first), await newSession(first)];
    for (const hash of [used, unused]) assert.equal(await second.ask(`check ${hash}`), `OK ${user}`);
    const begin = performance.now();
    while (performance.now() - begin < 1.5 * IDLE_S * 1000) {
        await sleep(500);
        assert.equal(await first.ask(`check ${used}`), `OK ${user}`);
    }
    assert.equal(await second.ask(`check ${used}`), `OK ${user}`);
    assert.equal(await second.ask(`check ${unused}`), 'ERR unauthorized');
});
