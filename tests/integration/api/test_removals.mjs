#!/usr/bin/env -S node --test-reporter=tap
// Users are removed, through a whole Lynks with two authsvc and two roomsvc: they are out everywhere, their names are free, their
// rooms end or are another's; and a removal is one, whoever is killed under it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BusPeer, newHash } from '../../support/bus-peer.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually, sleep } from '../../support/wait.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
// A second is what is promised for sessions, and some for rooms; here a busy machine has its time.
const SOON = { within: 20000 };
const PASSWORD = 'open it now';

let stack;
let admin;
let both;
before(async () => {
    // Rooms do not end by themselves: what ends here, ends because its owner was removed.
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_STANDARD_ROOM: '0', LYNKS_ROOM_IDLE_S: '0', LYNKS_LOGIN_ADDRESS_BURST: '10000',
        LYNKS_REQUEST_BUDGET_MS: '60000', LYNKS_ROOM_CACHE_MS: '1000' });
    const { stdout } = await run(join(ROOT, 'deploy', 'admin'), ['password'], { env: stack.env });
    admin = await open('admin', stdout.trim());
    both = new BusPeer(stack, [1, 21].map((offset) => `127.0.0.1:${stack.base + offset}`).join(','));
});
after(async () => {
    await stack?.remove();
    assert.equal(await both?.end(), 0);
});

async function open(username, password = PASSWORD) {
    const answer = await stack.request('/v1/sessions', { body: { username, password } });
    assert.equal(answer.status, 201, answer.text);
    return answer.json.token;
}

async function add(username, role = 'member') {
    const answer = await stack.request('/v1/users', { token: admin, body: { username, password: PASSWORD, role } });
    assert.equal(answer.status, 201, answer.text);
    return { id: answer.json.id, token: await open(username) };
}

const remove = (id, rooms = '', token = admin, headers = { 'if-match': '*' }) =>
    stack.request(`/v1/users/${id}${rooms && `?rooms=${rooms}`}`, { method: 'DELETE', token, headers });

async function createRoom(token) {
    const answer = await stack.create(token);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.room_id;
}

const openRoomsOf = async (id) =>
    Number((await stack.sql(`SELECT COUNT(*) FROM rooms WHERE owner_id = ${id} AND closed_unix_ms IS NULL`))[0][0]);
const inJanus = async (room) => {
    const session = (await stack.janus('', { janus: 'create' })).data.id;
    const handle = (await stack.janus(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
    const answer = await stack.janus(`/${session}/${handle}`, { janus: 'message', body: { request: 'exists', room } });
    await stack.janus(`/${session}`, { janus: 'destroy' });
    return answer.plugindata.data.exists;
};

// How many changes of users each authsvc has published.
const news = () => Promise.all([101, 121].map(async (offset) => {
    const { text } = await stack.request('/metrics', { method: 'GET', port: stack.base + offset, agent: undefined });
    return Number(/^lynks_auth_user_news_total (\d+)$/m.exec(text)[1]);
}));

test('who is removed is out everywhere, his name is free, and his rooms end in Janus', async () => {
    const { id, token } = await add('carol');
    const [room, other] = [await createRoom(token), await createRoom(admin)];
    assert.equal(await inJanus(room), true);
    const before = await news();
    const answer = await remove(id);
    assert.equal(answer.status, 204, answer.text);
    await eventually(async () => {
        const answers = await Promise.all([1, 2, 3, 4].map(() => stack.request('/v1/users/me', { method: 'GET', token })));
        return answers.every(({ status }) => status === 401);
    }, { ...SOON, what: 'carol is out' });
    assert.equal((await stack.request('/v1/sessions', { body: { username: 'carol', password: PASSWORD } })).status, 401);
    assert.equal((await remove(id)).status, 404);
    await eventually(async () => (await news()).every((n, i) => n === before[i] + 1), { ...SOON, what: 'each replica has told of it once' });
    await eventually(async () => (await openRoomsOf(id)) === 0, { ...SOON, what: 'the room is closed' });
    await eventually(async () => !(await inJanus(room)), { ...SOON, what: 'the room is not in Janus' });
    await eventually(async () => (await stack.list(admin, room)).status === 404, { ...SOON, what: 'nobody finds it' });
    assert.equal((await stack.list(admin, other)).status, 200);
    const again = await add('carol');
    assert.notEqual(again.id, id);
});

test('the heir gets the rooms, and people in them notice nothing', async () => {
    const [dora, erin] = [await add('dora'), await add('erin')];
    const rooms = [await createRoom(dora.token), await createRoom(dora.token)];
    assert.equal((await remove(dora.id, `transfer:${erin.id}`)).status, 204);
    await eventually(async () => (await openRoomsOf(erin.id)) === 2, { ...SOON, what: 'erin has them' });
    for (const room of rooms) {
        assert.equal((await stack.list(erin.token, room)).status, 200);
        assert.equal(await inJanus(room), true);
    }
});

test('who cannot be removed, and who cannot get rooms', async () => {
    const { id } = await add('frank');
    const gina = await add('gina');
    const [[self]] = await stack.sql("SELECT id FROM users WHERE username = 'admin'");
    assert.equal((await remove(self)).status, 409);
    assert.equal((await remove(id, '', gina.token)).status, 403);
    assert.equal((await remove(id, '', admin, {})).status, 428);
    assert.equal((await remove(id, '', admin, { 'if-match': '"99"' })).status, 412);
    assert.equal((await remove(id, 'keep')).status, 400);
    await stack.sql(`UPDATE users SET disabled = 1 WHERE id = ${gina.id}`);
    for (const heir of [id, gina.id, '999999', 'nobody']) {
        const answer = await remove(id, `transfer:${heir}`);
        assert.equal(answer.status, 422, heir);
        assert.equal(answer.json.code, 'no_heir');
    }
    const hank = await add('hank', 'admin');
    assert.equal((await remove(hank.id, '', hank.token)).status, 204); // himself
});

// Calls of his that were under way.
test('a room that is made at the same time ends, too', async () => {
    for (let round = 0; round < 3; round += 1) {
        const { id, token } = await add('ivan');
        const creations = Array.from({ length: 20 }, () => stack.create(token));
        await creations[0];
        assert.equal((await remove(id)).status, 204);
        const made = (await Promise.all(creations)).filter(({ status }) => status === 200).length;
        assert.ok(made >= 1);
        await eventually(async () => (await openRoomsOf(id)) === 0, { ...SOON, what: 'all are closed' });
    }
});

test('roomsvc is away meanwhile, or killed on the way: nothing is lost', async () => {
    const { id, token } = await add('judy');
    await createRoom(token);
    await stack.sql(`INSERT INTO rooms (room_id, secret, publishers_max, owner_id, created_unix_ms, used_unix_ms) SELECT 7000 + seq,
        '00112233445566778899aabbccddeeff', 20, ${id}, 1, 1 FROM seq_1_to_1000`);
    const pids = [await stack.pid('roomsvc'), await stack.pid('roomsvc-2')];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    assert.equal((await remove(id)).status, 204);
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    for (let i = 0; i < 4; i += 1) {
        const before = await openRoomsOf(id);
        await eventually(async () => (await openRoomsOf(id)) < before || before === 0, { ...SOON, what: 'some are closed' });
        const name = i % 2 === 0 ? 'roomsvc' : 'roomsvc-2';
        const old = await stack.signal(name, 'SIGKILL');
        await eventually(async () => (await stack.pid(name)) !== old, { ...SOON, what: `${name} is back` });
    }
    await eventually(async () => (await openRoomsOf(id)) === 0, { ...SOON, what: 'all are closed' });
});

const isReady = async (base) => (await stack.request('/readyz', { method: 'GET', port: base, agent: undefined })).status === 200;

// Anywhere between its arrival and its answer.
test('a removal whose replica is killed under it is done once, and answered', async () => {
    for (let i = 0; i < 8; i += 1) {
        const { id } = await add(`kim ${i}`);
        const key = newHash();
        await eventually(async () => (await both.ask(`check ${newHash()}`)) === 'ERR unauthorized', { within: 20000 });
        const answer = both.ask(`remove ${id} ${key}`);
        await sleep(i);
        const name = i % 2 === 0 ? 'authsvc' : 'authsvc-2';
        const old = await stack.signal(name, 'SIGKILL');
        assert.match(await answer, /^OK \d+$/, `killed ${i} ms after it was sent`);
        assert.match(await both.ask(`remove ${id} ${key}`), /^OK 0$/);
        assert.deepEqual(await stack.sql(`SELECT COUNT(*) FROM user_removals WHERE user_id = ${id}`), [['1']]);
        assert.equal(await both.ask(`remove ${id} ${newHash()}`), 'ERR not_found');
        await eventually(async () => (await stack.pid(name)) !== old && isReady(stack.base + (i % 2 === 0 ? 101 : 121)),
            { within: 20000, what: `${name} is ready again` });
    }
});
