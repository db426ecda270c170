#!/usr/bin/env -S node --test-reporter=tap
// Rooms of people through a whole Lynks with two roomsvc: who owns them, who is a member, who may what.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PASSWORD = 'open it now';

let stack;
const people = {}; // name -> {id, token}

async function signIn(username, password = PASSWORD) {
    const answer = await stack.request('/v1/sessions', { body: { username, password } });
    assert.equal(answer.status, 201, answer.text);
    return { id: answer.json.user.id, token: answer.json.token };
}

before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_LOGIN_ADDRESS_BURST: '1000', LYNKS_CREATE_BURST: '1000', LYNKS_MEMBER_BURST: '1000',
        LYNKS_USER_ROOMS_MAX: '8', LYNKS_ROOM_MEMBERS_MAX: '3' });
    const { stdout } = await run(join(ROOT, 'deploy', 'admin'), ['password'], { env: stack.env });
    people.admin = await signIn('admin', stdout.trim());
    for (const username of ['carol', 'dave', 'erin', '90', 'Zoë 📱']) {
        await addPerson(username);
    }
});
after(() => stack?.remove());

const as = (name, method, path, body, headers = {}) =>
    stack.request(path, { method, token: people[name].token, body, headers });
async function addPerson(username) {
    const added = await as('admin', 'POST', '/v1/users', { username, password: PASSWORD, display_name: `${username}!` });
    assert.equal(added.status, 201, added.text);
    people[username] = await signIn(username);
}
const anyVersion = { 'if-match': '*' };

async function makeRoom(name, options = {}) {
    const answer = await as(name, 'POST', '/v1/rooms', { name: 'Tea', ...options });
    assert.equal(answer.status, 201, answer.text);
    return answer;
}
const fails = (answer, status, code) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.code, code);
};

test('a room is made with a link and safe options, and belongs to who made it', async () => {
    const { json: room, headers } = await makeRoom('carol');
    assert.match(room.code, /^[a-z]{3}-[a-z]{4}-[a-z]{3}$/);
    assert.deepEqual(room, { id: room.id, code: room.code, url: `http://127.0.0.1:${stack.ports.http}/${room.code}`, name: 'Tea',
        access: 'open', guests_wait: true, lobby: false, locked: false, has_pin: false, participants_max: 100, publishers_max: 20,
        chat: true, screen_share: true, mute_on_entry: false, unmute: 'self', empty_timeout_s: 300,
        owner: { id: people.carol.id, display_name: 'carol!' }, role: 'owner', created_at: room.created_at });
    assert.equal(headers.location, `/v1/rooms/${room.id}`);
    const got = await as('carol', 'GET', headers.location);
    assert.deepEqual(got.json, room);
    assert.equal(got.headers.etag, headers.etag);
    for (const code of [room.code, room.code.replaceAll('-', '')]) {
        assert.deepEqual((await as('carol', 'GET', `/v1/rooms/${code}`)).json, room);
    }
});

test('all options are kept as they were given', async () => {
    const options = { access: 'invited', guests_wait: false, lobby: true, locked: true, participants_max: 7, publishers_max: 3, chat: false,
        screen_share: false, mute_on_entry: true, unmute: 'moderators', empty_timeout_s: 60, bitrate: 300000, expires_at: '2031-01-02T04:04:05.678+01:00' };
    const { json: room } = await makeRoom('carol', { ...options, pin: '0042' });
    assert.equal(room.has_pin, true);
    assert.equal(room.pin, undefined);
    for (const [name, value] of Object.entries({ ...options, expires_at: '2031-01-02T03:04:05.678Z' })) assert.equal(room[name], value, name);
    const changed = await as('carol', 'PATCH', `/v1/rooms/${room.id}`, { pin: null, expires_at: null, bitrate: null, name: 'Zoë’s', chat: true },
        anyVersion);
    assert.equal(changed.status, 200, changed.text);
    const { expires_at: _, bitrate: __, ...rest } = room;
    assert.deepEqual(changed.json, { ...rest, has_pin: false, name: 'Zoë’s', chat: true });
});

test('what cannot be is refused, and makes no room', async () => {
    const count = async () => (await stack.sql('SELECT COUNT(*) FROM rooms'))[0][0];
    const before = await count();
    for (const bad of [{ name: '' }, { name: 'a\u202eb' }, { name: ' ' }, { name: 'x'.repeat(65) }, { access: 'all' }, { pin: '12' }, { pin: 'abcd' },
        { pin: '1'.repeat(33) }, { participants_max: 0 }, { publishers_max: 1001 }, { publishers_max: 21 }, { lobbi: true },
        { bitrate: 63999 }, { bitrate: 100000001 }, { bitrate: '1M' },
        { expires_at: '2001-01-01T00:00:00Z' }, { expires_at: '2031-02-30T00:00:00Z' }, { expires_at: 'soon' }, { empty_timeout_s: 1 }]) {
        fails(await as('carol', 'POST', '/v1/rooms', { name: 'Tea', ...bad }), 422, 'wrong_member');
    }
    assert.equal(await count(), before);
});

test('a version that has gone is not overwritten; locked and lobby need none', async () => {
    const { json: room, headers } = await makeRoom('carol');
    const path = `/v1/rooms/${room.id}`;
    fails(await as('carol', 'PATCH', path, { name: 'Coffee' }), 428, 'match_required');
    const changed = await as('carol', 'PATCH', path, { name: 'Coffee' }, { 'if-match': headers.etag });
    assert.equal(changed.status, 200, changed.text);
    assert.notEqual(changed.headers.etag, headers.etag);
    fails(await as('carol', 'PATCH', path, { name: 'Cocoa' }, { 'if-match': headers.etag }), 412, 'stale');
    const locked = await as('carol', 'PATCH', path, { locked: true, lobby: true });
    assert.equal(locked.status, 200, locked.text);
    assert.deepEqual([locked.json.locked, locked.json.lobby, locked.json.name], [true, true, 'Coffee']);
    fails(await as('carol', 'PATCH', path, { locked: false, chat: false }), 428, 'match_required');
    assert.equal((await as('carol', 'GET', path, undefined, { 'if-none-match': locked.headers.etag })).status, 200);
});

test('who has the link sees the room; who has not cannot tell that it is there', async () => {
    const { json: open } = await makeRoom('carol');
    const seen = await as('dave', 'GET', `/v1/rooms/${open.code}`);
    assert.equal(seen.status, 200, seen.text);
    assert.equal(seen.json.role, undefined);
    const unknown = await as('dave', 'GET', `/v1/rooms/${open.id}`);
    const none = await as('dave', 'GET', '/v1/rooms/4711');
    fails(unknown, 404, 'no_such_room');
    const { request_id: _a, ...a } = unknown.json;
    const { request_id: _b, ...b } = none.json;
    assert.deepEqual(a, b);
    const { json: closed } = await makeRoom('carol', { access: 'invited' });
    fails(await as('dave', 'GET', `/v1/rooms/${closed.code}`), 404, 'no_such_room');
    for (const nothing of ['abc-defg-hijk', 'ABC', '0', '99999999999999999999', '%F0%9F%93%B1']) {
        const answer = await as('dave', 'GET', `/v1/rooms/${nothing}`);
        fails(answer, 404, 'no_such_room');
    }
});

test('who may give no role is not told whose names there are', async () => {
    const { json: room } = await makeRoom('carol');
    for (const user of ['erin', 'nobody', people.erin.id, '4711']) {
        fails(await as('dave', 'PUT', `/v1/rooms/${room.code}/members/${user}`, { role: 'viewer' }), 403, 'forbidden');
        fails(await as('dave', 'DELETE', `/v1/rooms/${room.code}/members/${user}`), 403, 'forbidden');
        fails(await as('dave', 'PUT', `/v1/rooms/${room.code}/owner`, { user }), 403, 'forbidden');
    }
    fails(await as('carol', 'PUT', `/v1/rooms/${room.id}/members/${encodeURIComponent('dave ')}`, { role: 'viewer' }), 422, 'no_such_user');
});

test('members have roles, given by who has more', async () => {
    const { json: room } = await makeRoom('carol');
    const path = `/v1/rooms/${room.id}/members`;
    const set = await as('carol', 'PUT', `${path}/dave`, { role: 'moderator' });
    assert.equal(set.status, 200, set.text);
    assert.deepEqual({ ...set.json, added_at: '' }, { user: { id: people.dave.id, display_name: 'dave!' }, role: 'moderator', added_at: '' });
    assert.equal((await as('dave', 'GET', `/v1/rooms/${room.id}`)).json.role, 'moderator');
    assert.equal((await as('dave', 'PUT', `${path}/${people.erin.id}`, { role: 'viewer' })).status, 200);
    fails(await as('dave', 'PUT', `${path}/erin`, { role: 'moderator' }), 403, 'forbidden');
    fails(await as('dave', 'PUT', `${path}/carol`, { role: 'viewer' }), 403, 'forbidden');
    fails(await as('dave', 'PUT', `${path}/dave`, { role: 'viewer' }), 403, 'forbidden');
    fails(await as('erin', 'PUT', `${path}/erin`, { role: 'participant' }), 403, 'forbidden');
    fails(await as('erin', 'GET', path), 403, 'forbidden');
    fails(await as('carol', 'PUT', `${path}/nobody`, { role: 'viewer' }), 422, 'no_such_user');
    fails(await as('carol', 'PUT', `${path}/dave`, { role: 'owner' }), 422, 'wrong_member');
    const listed = await as('dave', 'GET', `${path}?limit=1`);
    assert.equal(listed.json.items.length, 1);
    const rest = await as('dave', 'GET', `${path}?limit=1&page_token=${listed.json.next_page_token}`);
    assert.deepEqual([...listed.json.items, ...rest.json.items].map(({ user, role }) => [user.id, role]),
        [[people.dave.id, 'moderator'], [people.erin.id, 'viewer']]);
    assert.equal((await as('dave', 'GET', `${path}/erin`)).json.role, 'viewer');
    fails(await as('dave', 'GET', `${path}/90`), 404, 'not_found'); // that is an id
    for (const method of ['PUT', 'GET', 'DELETE']) {
        const answer = await as('dave', method, `${path}/${encodeURIComponent('Zoë 📱')}`, method === 'PUT' ? { role: 'viewer' } : undefined);
        assert.equal(answer.status, method === 'DELETE' ? 204 : 200, answer.text);
    }
    for (const bad of ['%zz', '%00', '%ff', 'x'.repeat(300)]) fails(await as('dave', 'GET', `${path}/${bad}`), 404, 'not_found');
    // A moderator guards the door, and changes nothing else.
    assert.equal((await as('dave', 'PATCH', `/v1/rooms/${room.id}`, { locked: true })).status, 200);
    fails(await as('dave', 'PATCH', `/v1/rooms/${room.id}`, { name: 'Mine' }, anyVersion), 403, 'forbidden');
    fails(await as('dave', 'DELETE', `/v1/rooms/${room.id}`), 403, 'forbidden');
    // Whoever wants to go goes; but for the owner.
    const left = await as('erin', 'DELETE', `${path}/${people.erin.id}`);
    assert.equal(left.status, 204, left.text);
    fails(await as('dave', 'DELETE', `${path}/erin`), 404, 'not_found');
    fails(await as('carol', 'DELETE', `${path}/carol`), 403, 'forbidden');
    assert.equal((await as('carol', 'DELETE', `${path}/dave`)).status, 204);
    fails(await as('dave', 'GET', `/v1/rooms/${room.id}`), 404, 'no_such_room');
});

test('a room has so many members at most, and a user so many rooms', async () => {
    const { json: room } = await makeRoom('dave');
    for (const name of ['erin', people['90'].id, people['Zoë 📱'].id]) {
        assert.equal((await as('dave', 'PUT', `/v1/rooms/${room.id}/members/${name}`, { role: 'viewer' })).status, 200);
    }
    fails(await as('dave', 'PUT', `/v1/rooms/${room.id}/members/carol`, { role: 'viewer' }), 409, 'conflict');
    assert.equal((await as('dave', 'PUT', `/v1/rooms/${room.id}/members/erin`, { role: 'participant' })).status, 200);
    for (let i = 1; i < 8; i++) await makeRoom('dave');
    fails(await as('dave', 'POST', '/v1/rooms', { name: 'Tea' }), 409, 'too_many_rooms');
    const { json: gift } = await makeRoom('erin');
    fails(await as('erin', 'PUT', `/v1/rooms/${gift.id}/owner`, { user: 'dave' }), 409, 'too_many_rooms');
    assert.equal((await as('dave', 'DELETE', `/v1/rooms/${room.id}`)).status, 204);
    await makeRoom('dave');
});

test('a room is handed over by its owner or an admin', async () => {
    const { json: room } = await makeRoom('erin');
    const path = `/v1/rooms/${room.id}/owner`;
    fails(await as('carol', 'PUT', path, { user: 'carol' }), 404, 'no_such_room');
    const handed = await as('erin', 'PUT', path, { user: 'carol' });
    assert.equal(handed.status, 200, handed.text);
    assert.equal(handed.json.owner.id, people.carol.id);
    assert.equal(handed.json.role, 'moderator');
    fails(await as('erin', 'PUT', path, { user: 'erin' }), 403, 'forbidden');
    assert.equal((await as('admin', 'PUT', path, { user: people.erin.id })).json.owner.id, people.erin.id);
    assert.equal((await as('carol', 'GET', `/v1/rooms/${room.id}`, undefined, { 'if-none-match': handed.headers.etag })).json.role, 'moderator');
    fails(await as('erin', 'PUT', path, { user: 'nobody' }), 422, 'no_such_user');
});

test('rooms are listed: one’s own and those one is a member of, and all for an admin', async () => {
    const { json: mine } = await makeRoom('90');
    const { json: other } = await makeRoom('erin');
    assert.equal((await as('erin', 'PUT', `/v1/rooms/${other.id}/members/${people['90'].id}`, { role: 'viewer' })).status, 200);
    const listed = await as('90', 'GET', '/v1/rooms');
    assert.deepEqual(listed.json.items.map(({ id, role }) => `${id} ${role}`).sort(), [`${mine.id} owner`, `${other.id} viewer`].sort());
    const pages = [];
    for (let token = ''; token !== undefined;) {
        const page = await as('admin', 'GET', `/v1/rooms?limit=2${token === '' ? '' : `&page_token=${token}`}`);
        assert.equal(page.status, 200, page.text);
        pages.push(...page.json.items.map(({ id }) => id));
        token = page.json.next_page_token;
    }
    const open = await stack.sql('SELECT room_id FROM rooms WHERE closed_unix_ms IS NULL ORDER BY room_id');
    assert.deepEqual(pages, open.map(([id]) => id));
    assert.equal((await as('admin', 'GET', `/v1/rooms?user=${people['90'].id}`)).json.items.length, 2);
    fails(await as('90', 'GET', `/v1/rooms?user=${people.erin.id}`), 403, 'forbidden');
    assert.equal((await as('90', 'GET', '/v1/rooms?user=me')).json.items.length, 2);
    assert.equal((await as('90', 'GET', '/v1/rooms?user=x')).status, 400);
});

test('a room that has ended says so to who knew it, by its link too', async () => {
    const { json: room } = await makeRoom('carol');
    assert.equal((await as('carol', 'DELETE', `/v1/rooms/${room.code}`)).status, 204);
    fails(await as('carol', 'GET', `/v1/rooms/${room.id}`), 410, 'gone');
    fails(await as('erin', 'GET', `/v1/rooms/${room.code}`), 410, 'gone');
    fails(await as('erin', 'GET', `/v1/rooms/${room.id}`), 404, 'no_such_room');
    fails(await as('carol', 'PATCH', `/v1/rooms/${room.id}`, { locked: true }), 410, 'gone');
    const { json: brief } = await makeRoom('carol', { expires_at: '2031-01-01T00:00:00Z' });
    await stack.sql(`UPDATE rooms SET expires_unix_ms = 1, due_unix_ms = 1 WHERE room_id = ${brief.id}`);
    fails(await as('carol', 'GET', `/v1/rooms/${brief.id}`), 410, 'gone');
    await eventually(async () => (await stack.sql(`SELECT closed_unix_ms FROM rooms WHERE room_id = ${brief.id}`))[0][0] !== 'NULL',
        { within: 10000, what: 'it is closed' });
});

test('what an admin does to rooms of others is kept, once; what one does to one\'s own is not', async () => {
    await addPerson('grace');
    await addPerson('heidi');
    const { json: own } = await makeRoom('grace');
    const { json: other } = await makeRoom('grace', { name: 'Chess' });
    assert.equal((await as('grace', 'DELETE', `/v1/rooms/${own.id}`)).status, 204);
    assert.equal((await as('admin', 'PATCH', `/v1/rooms/${other.id}`, { locked: true })).status, 200);
    assert.equal((await as('admin', 'PUT', `/v1/rooms/${other.id}/members/heidi`, { role: 'moderator' })).status, 200);
    assert.equal((await as('admin', 'DELETE', `/v1/rooms/${other.id}/members/heidi`)).status, 204);
    assert.equal((await as('admin', 'PUT', `/v1/rooms/${other.id}/owner`, { user: 'heidi' })).status, 200);
    const ended = await as('admin', 'DELETE', `/v1/rooms/${other.id}`);
    assert.equal(ended.status, 204, ended.text);
    assert.equal((await as('admin', 'DELETE', `/v1/rooms/${other.id}`)).status, 410);
    const rows = await stack.sql(`SELECT act, by_name, username, detail, HEX(address), request_id FROM audit
        WHERE room_id IN (${own.id}, ${other.id}) ORDER BY id`);
    const heidi = `Chess, user ${people.heidi.id}`;
    assert.deepEqual(rows.map((row) => row.slice(0, 4)), [['8', 'admin', 'grace', 'Chess'], ['9', 'admin', 'grace', heidi],
        ['10', 'admin', 'grace', heidi], ['7', 'admin', 'grace', heidi], ['6', 'admin', 'heidi', 'Chess']]);
    assert.equal(rows.at(-1)[4], '00000000000000000000FFFF7F000001');
    assert.equal(rows.at(-1)[5], ended.headers['x-request-id']);
});

// He owns some, and is a member of others.
test('the rooms of who is removed end, or get an heir, and he is a member nowhere', async () => {
    await addPerson('gone');
    await addPerson('heir');
    const { json: his } = await makeRoom('gone');
    const { json: hers } = await makeRoom('heir');
    const member = (name, room, user) => as(name, 'PUT', `/v1/rooms/${room}/members/${user}`, { role: 'moderator' });
    assert.equal((await member('gone', his.id, people.heir.id)).status, 200);
    assert.equal((await member('heir', hers.id, people.gone.id)).status, 200);
    const removed = await as('admin', 'DELETE', `/v1/users/${people.gone.id}?rooms=transfer:${people.heir.id}`, undefined, anyVersion);
    assert.equal(removed.status, 204, removed.text);
    await eventually(async () => (await as('heir', 'GET', `/v1/rooms/${his.id}`)).json.role === 'owner',
        { within: 20000, what: 'he owns it' });
    await eventually(async () => (await stack.sql(`SELECT COUNT(*) FROM room_members WHERE room_id IN (${his.id}, ${hers.id})`))[0][0] === '0',
        { within: 20000, what: 'nobody is a member' });
    assert.equal((await as('admin', 'DELETE', `/v1/users/${people.heir.id}`, undefined, anyVersion)).status, 204);
    await eventually(async () => (await as('admin', 'GET', `/v1/rooms/${his.code}`)).status === 410, { within: 20000, what: 'it has ended' });
    await eventually(async () => (await as('admin', 'GET', `/v1/rooms/${hers.id}`)).status === 410, { within: 20000, what: 'the other one, too' });
});

test('the rooms of /create are rooms, too: nobody owns them, and the standard room never ends', async () => {
    const created = await stack.create(await stack.token());
    const seen = await as('dave', 'GET', `/v1/rooms/${created.json.room_id}`);
    assert.equal(seen.status, 200, seen.text);
    assert.equal(seen.json.access, 'members');
    assert.equal(seen.json.owner, undefined);
    assert.equal(seen.json.code, undefined);
    fails(await as('dave', 'DELETE', `/v1/rooms/${created.json.room_id}`), 403, 'forbidden');
    fails(await as('admin', 'DELETE', `/v1/rooms/${created.json.room_id}`), 409, 'conflict');
    fails(await as('admin', 'PATCH', `/v1/rooms/${created.json.room_id}`, { name: 'Mine' }, anyVersion), 409, 'conflict');
    // The number that Janus knows a room of people by opens it to nobody who does not belong there.
    const { json: room } = await makeRoom('erin');
    const list = (name) => stack.list(people[name].token, Number(room.id));
    assert.deepEqual((await list('erin')).json.publishers, []);
    assert.equal((await list('dave')).status, 404);
});

test('of a hundred changes at once with one version one is done', async () => {
    const { json: room, headers } = await makeRoom('erin');
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) =>
        as('erin', 'PATCH', `/v1/rooms/${room.id}`, { name: `Tea ${i}` }, { 'if-match': headers.etag })));
    const done = answers.filter(({ status }) => status === 200);
    assert.equal(done.length, 1);
    assert.ok(answers.every(({ status }) => [200, 412, 503].includes(status)), answers.map(({ status }) => status).join());
    assert.equal((await as('erin', 'GET', `/v1/rooms/${room.id}`)).json.name, done[0].json.name);
    assert.deepEqual(await stack.sql(`SELECT seq FROM room_events WHERE room_id = ${room.id}`), [['1']]);
});
