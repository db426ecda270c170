#!/usr/bin/env -S node --test-reporter=tap
// Who comes into rooms, and what he may do there, through a whole Lynks with two roomsvc and two gateways.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openEvents } from '../../support/event-stream.mjs';
import { startOwnGateway } from '../../support/own-gateway.mjs';
import { actionsOf, may, ROLES } from '../../support/permissions.mjs';
import { assertDoorLines, assertMeetingLines } from '../../support/api-page.mjs';
import { startStack } from '../../support/stack.mjs';
import { drawToken, tokenKeyOf } from '../../support/tokens.mjs';
import { eventually } from '../../support/wait.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PASSWORD = 'open it now';
// What nobody in a room may learn: user names and devices. What others see are the display names.
const USERS = { carol: 'user-name-of-carol', dave: 'user-name-of-dave', erin: 'user-name-of-erin', vera: 'user-name-of-vera', zoe: 'user-name-of-zoe' };
const DEVICE = 'the laptop on the sofa';
const PIN = '31415926535897932384';

let stack;
let second; // gateway
const people = {}; // name -> {id, token}
const answers = []; // all that was told of participants

const keep = (path, answer) => {
    if (path.includes('/participants')) answers.push(answer);
    return answer;
};
const ask = async (method, path, { token, body, headers, port } = {}) => keep(path, await stack.request(path, { method, token, body, headers, port }));
const as = (name, method, path, body, headers) => ask(method, path, { token: people[name]?.token, body, headers });
const fails = (answer, status, code) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.code, code);
    return answer;
};

before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_LOGIN_ADDRESS_BURST: '1000', LYNKS_CREATE_BURST: '10000', LYNKS_MEMBER_BURST: '10000',
        LYNKS_USER_ROOMS_MAX: '10000', LYNKS_ADDRESS_PARTICIPANTS_MAX: '100000', LYNKS_USER_PARTICIPANTS_MAX: '3', LYNKS_JOIN_BURST: '100000',
        LYNKS_ROOM_CODE_BURST: '10000', LYNKS_REQUEST_BUDGET_MS: '20000', LYNKS_AWAY_S: '300' });
    second = await startOwnGateway(stack, 0, {});
    const { stdout } = await run(join(ROOT, 'deploy', 'admin'), ['password'], { env: stack.env });
    people.admin = await signIn('admin', stdout.trim());
    for (const [name, username] of Object.entries(USERS)) {
        const added = await stack.request('/v1/users', { token: people.admin.token, body: { username, password: PASSWORD, display_name: `${name}!` } });
        assert.equal(added.status, 201, added.text);
        people[name] = await signIn(username);
    }
});
after(async () => {
    await second?.end();
    await stack?.remove();
});

async function signIn(username, password = PASSWORD) {
    const answer = await stack.request('/v1/sessions', { body: { username, password } });
    assert.equal(answer.status, 201, answer.text);
    return { id: answer.json.user.id, token: answer.json.token };
}

// Carol's; dave moderates, erin participates, vera watches.
const MEMBERS = { dave: 'moderator', erin: 'participant', vera: 'viewer' };
async function makeRoom(options = {}, members = MEMBERS) {
    const made = await stack.request('/v1/rooms', { token: people.carol.token, body: { name: 'Tea', guests_wait: false, ...options } });
    assert.equal(made.status, 201, made.text);
    for (const [name, role] of Object.entries(members)) {
        const set = await stack.request(`/v1/rooms/${made.json.id}/members/${people[name].id}`, { method: 'PUT', token: people.carol.token, body: { role } });
        assert.equal(set.status, 200, set.text);
    }
    return made.json;
}
const doorOf = (room) => `/v1/rooms/${room.code}/participants`;
const enter = (room, name, body = {}, options = {}) => ask('POST', doorOf(room), { token: people[name]?.token, body, ...options });
const enterAsGuest = (room, name = 'Gus', body = {}, options = {}) => ask('POST', doorOf(room), { body: { name, ...body }, ...options });
const comeBack = (room, token, body = {}) => ask('POST', doorOf(room), { token, body });

async function isIn(promise) {
    const answer = await promise;
    assert.equal(answer.status, 201, answer.text);
    return { ...answer.json.participant, token: answer.json.token, can: answer.json.me.can };
}
const change = (room, whom, token, body) => ask('PATCH', `${doorOf(room)}/${whom.id}`, { token, body });
const remove = (room, whom, token) => ask('DELETE', `${doorOf(room)}/${whom.id}`, { token });
const patchRoom = async (room, body) => {
    const answer = await as('carol', 'PATCH', `/v1/rooms/${room.id}`, body, { 'if-match': '*' });
    assert.equal(answer.status, 200, answer.text);
};

// ---- coming in ----

test('who comes in is told who he is and what he may do', async () => {
    const room = await makeRoom();
    const answer = await enterAsGuest(room, 'Gus', { device: DEVICE });
    const gus = await isIn(answer);
    assert.match(gus.token, /^lp_[0-9a-f]{64}$/);
    assert.match(gus.joined_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(answer.json, { participant: { id: gus.id, name: 'Gus', role: 'participant', state: 'joined', kind: 'person', guest: true, muted: [], tracks: [], joined_at: gus.joined_at },
        token: gus.token, me: { can: actionsOf('participant') }, ice_servers: [] });
    assert.equal(answer.headers.location, `${doorOf(room)}/${gus.id}`);
    const shown = await ask('GET', answer.headers.location, { token: gus.token });
    assert.deepEqual(shown.json, answer.json.participant);
    const carol = await isIn(ask('POST', `/v1/rooms/${room.id}/participants`, { token: people.carol.token, body: {} }));
    assert.deepEqual([carol.name, carol.role, carol.guest], ['carol!', 'owner', false]);
    assert.deepEqual(carol.can, actionsOf('owner'));
    for (const [name, role] of Object.entries(MEMBERS)) assert.equal((await isIn(enter(room, name))).role, role);
    const zoe = await isIn(enter(room, 'zoe', { name: 'Zoë 📱' }));
    assert.deepEqual([zoe.name, zoe.role, zoe.guest], ['Zoë 📱', 'participant', false]);
    const listed = [];
    for (let token = ''; token !== undefined;) {
        const page = await ask('GET', `${doorOf(room)}?limit=4${token === '' ? '' : `&page_token=${token}`}`, { token: gus.token });
        assert.equal(page.status, 200, page.text);
        listed.push(...page.json.items);
        token = page.json.next_page_token;
    }
    assert.deepEqual(listed.map(({ name, role, guest }) => [name, role, guest]).sort(), [['Gus', 'participant', true], ['Zoë 📱', 'participant', false],
        ['carol!', 'owner', false], ['dave!', 'moderator', false], ['erin!', 'participant', false], ['vera!', 'viewer', false]].sort());
});

test('names of all kinds come back as they are; what cannot be is refused, and changes nobody', async () => {
    const room = await makeRoom();
    const gus = await isIn(enterAsGuest(room));
    for (const name of ['Zoë', '張偉', '📱📱', '<b>bold</b>', "o'hara %_\\", '"; DROP TABLE rooms; --', 'x'.repeat(64)]) {
        const who = await isIn(enterAsGuest(room, name));
        assert.equal(who.name, name);
        assert.equal((await change(room, gus, gus.token, { name })).json.name, name);
    }
    const before = await ask('GET', `${doorOf(room)}/${gus.id}`, { token: gus.token });
    for (const bad of [{ name: 'a\u202eb' }, { name: 'a\u001b[2J' }, { name: `e${'\u0301'.repeat(40)}` }, { name: ' ' }, { name: 5 }, { name: null }, { hand: 1 },
        { role: 'owner' }, { role: 'king' }, { state: 'joined' }, { guest: false }, { id: '1' }]) {
        fails(await change(room, gus, gus.token, bad), 422, 'wrong_member');
        fails(await change(room, gus, people.carol.token, bad), 422, 'wrong_member');
    }
    for (const bad of [{ device: '' }, { device: 'x'.repeat(129) }, { pin: 42 }, { pin: 'x'.repeat(65) }, { role: 'owner' }, { token: gus.token }]) {
        fails(await enterAsGuest(room, 'Gus', bad), 422, 'wrong_member');
    }
    for (const id of ['0', '9007199254740992', '-1', 'x', '1e3', '%00', '../participants']) {
        fails(await ask('GET', `${doorOf(room)}/${id}`, { token: gus.token }), 404, 'not_found');
    }
    assert.deepEqual((await ask('GET', `${doorOf(room)}/${gus.id}`, { token: gus.token })).json, before.json);
});

test('hands that go up and down at once are one order, and the last one is how it is', async () => {
    const room = await makeRoom();
    const gus = await isIn(enterAsGuest(room));
    const storm = await Promise.all(Array.from({ length: 100 }, (_, i) => ask('PATCH', `${doorOf(room)}/${gus.id}`,
        { token: gus.token, body: { hand: i % 2 === 0 }, port: i % 3 === 0 ? second.port : undefined })));
    for (const answer of storm) assert.equal(answer.status, 200, answer.text);
    const seqs = (await stack.sql(`SELECT seq FROM room_events WHERE room_id = ${room.id} ORDER BY seq`)).flat().map(Number);
    assert.deepEqual(seqs, seqs.map((_, i) => i + 1));
    const { json } = await ask('GET', `${doorOf(room)}/${gus.id}`, { token: gus.token });
    // One event is his coming in; each other one has turned it.
    assert.equal(json.hand_raised_at !== undefined, seqs.length % 2 === 0);
});

test('a guest needs a name and the code: by a number no room is there', async () => {
    const room = await makeRoom();
    fails(await enterAsGuest(room, undefined, { name: undefined }), 422, 'wrong_member');
    for (const name of [' ', 'a\u202eb', 'x'.repeat(65)]) fails(await enterAsGuest(room, name), 422, 'wrong_member');
    const { room_id: original } = (await stack.create(people.carol.token)).json;
    for (const id of [room.id, original, '4711', 'abc-defg-hij', 'x']) {
        fails(await ask('POST', `/v1/rooms/${id}/participants`, { body: { name: 'Gus' } }), 404, 'no_such_room');
    }
    fails(await ask('POST', `/v1/rooms/${room.id}/participants`, { token: people.zoe.token, body: {} }), 404, 'no_such_room');
    await isIn(ask('POST', `/v1/rooms/${room.code.replaceAll('-', '')}/participants`, { body: { name: 'Gus' } }));
});

test('access says who may come in', async () => {
    const members = await makeRoom({ access: 'members' });
    fails(await enterAsGuest(members), 403, 'forbidden');
    await isIn(enter(members, 'zoe'));
    const invited = await makeRoom({ access: 'invited' });
    fails(await enterAsGuest(invited), 404, 'no_such_room');
    fails(await enter(invited, 'zoe'), 404, 'no_such_room');
    await isIn(enter(invited, 'vera'));
    await isIn(enter(invited, 'admin'));
});

// Gives what one is told who waits.
async function waits(answer) {
    const { status, json, text } = await answer;
    assert.equal(status, 202, text);
    assert.equal(json.participant.state, 'waiting');
    assert.deepEqual(json.me.can, []);
    return json;
}

test('guests wait until somebody is in who is no guest; a lobby is for all who are nothing in the room', async () => {
    const room = await makeRoom({ guests_wait: true });
    const { token, participant } = await waits(enterAsGuest(room));
    fails(await ask('GET', `/v1/rooms/${room.code}/participants`, { token }), 403, 'must_wait');
    const vera = await isIn(enter(room, 'vera'));
    const listed = await ask('GET', `/v1/rooms/${room.code}/participants`, { token });
    assert.ok(listed.json.items.some(({ id, state }) => id === participant.id && state === 'joined'), listed.text);
    await isIn(enterAsGuest(room));
    assert.equal((await remove(room, vera, vera.token)).status, 204);
    await waits(enterAsGuest(room));
    const lobby = await makeRoom({ lobby: true });
    await waits(enterAsGuest(lobby));
    await waits(enter(lobby, 'zoe'));
    await isIn(enter(lobby, 'vera'));
});

test('a locked room lets in who leads it, and who was in', async () => {
    const room = await makeRoom();
    const gus = await isIn(enterAsGuest(room));
    await patchRoom(room, { locked: true });
    fails(await enterAsGuest(room), 423, 'room_locked');
    fails(await enter(room, 'erin'), 423, 'room_locked');
    await isIn(enter(room, 'dave'));
    assert.equal((await remove(room, gus, gus.token)).status, 204);
    await isIn(comeBack(room, gus.token));
});

test('a PIN is asked of everybody but who leads the room, and never told', async () => {
    const room = await makeRoom({ pin: PIN });
    fails(await enterAsGuest(room), 403, 'wrong_pin');
    fails(await enterAsGuest(room, 'Gus', { pin: '0043' }), 403, 'wrong_pin');
    fails(await enter(room, 'erin', { pin: `${PIN}2` }), 403, 'wrong_pin');
    const gus = await isIn(enterAsGuest(room, 'Gus', { pin: PIN }));
    await isIn(enter(room, 'dave'));
    await patchRoom(room, { pin: '9999' });
    assert.equal((await remove(room, gus, gus.token)).status, 204);
    await isIn(comeBack(room, gus.token));
    fails(await enterAsGuest(room, 'Gus', { pin: PIN }), 403, 'wrong_pin');
});

test('a room has so many places, and a user so many of them', async () => {
    const room = await makeRoom({ participants_max: 4 });
    const first = await isIn(enter(room, 'erin'));
    for (let i = 1; i < 3; i += 1) await isIn(enter(room, 'erin'));
    fails(await enter(room, 'erin'), 409, 'conflict');
    await isIn(enterAsGuest(room));
    fails(await enterAsGuest(room), 409, 'room_full');
    fails(await enter(room, 'carol'), 409, 'room_full');
    assert.equal((await remove(room, first, first.token)).status, 204);
    await isIn(enter(room, 'carol'));
    fails(await comeBack(room, first.token), 409, 'room_full');
});

test('a thousand come at once into a room for a hundred: a hundred are in', async () => {
    const room = await makeRoom({ participants_max: 100 });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 250 });
    const ports = [stack.ports.http, second.port];
    const statuses = await Promise.all(Array.from({ length: 1000 }, async (_, i) => {
        const headers = { 'idempotency-key': randomUUID() };
        return eventually(async () => {
            const { status } = await stack.request(doorOf(room), { body: { name: `Gus ${i}` }, headers, agent, port: ports[i % 2] });
            return status < 500 && status;
        }, { within: 10000, what: 'an answer' });
    }));
    agent.destroy();
    assert.equal(statuses.filter((status) => status === 201).length, 100);
    assert.equal(statuses.filter((status) => status === 409).length, 900);
    const [[joined, events, seq]] = await stack.sql(`SELECT (SELECT COUNT(*) FROM participants WHERE room_id = ${room.id} AND state = 2),
        (SELECT COUNT(*) FROM room_events WHERE room_id = ${room.id}), seq FROM rooms WHERE room_id = ${room.id}`);
    assert.deepEqual([joined, events, seq], ['100', '100', '100']);
});

test('a room that has ended is gone, for who comes and for who was in', async () => {
    const room = await makeRoom();
    const gus = await isIn(enterAsGuest(room));
    assert.equal((await as('carol', 'DELETE', `/v1/rooms/${room.id}`)).status, 204);
    fails(await enterAsGuest(room), 410, 'gone');
    fails(await enter(room, 'dave'), 410, 'gone');
    fails(await comeBack(room, gus.token), 401, 'unauthorized');
    fails(await ask('GET', doorOf(room), { token: gus.token }), 401, 'unauthorized');
    assert.equal((await stack.sql(`SELECT COUNT(*) FROM participants WHERE room_id = ${room.id} AND state = 2`))[0][0], '0');
});

// ---- coming back ----

test('with his token somebody comes back as whom he was, and with no other one', async () => {
    const room = await makeRoom();
    const gus = await isIn(enterAsGuest(room));
    const raised = await change(room, gus, gus.token, { hand: true, name: 'Gustav' });
    assert.equal(raised.status, 200, raised.text);
    const still = await isIn(comeBack(room, `Bearer ${gus.token}`, { name: 'Somebody else' }));
    assert.deepEqual([still.id, still.token, still.name], [gus.id, gus.token, 'Gustav']);
    assert.equal((await remove(room, gus, gus.token)).status, 204);
    fails(await ask('GET', doorOf(room), { token: gus.token }), 409, 'not_joined');
    fails(await change(room, gus, gus.token, { hand: true }), 409, 'not_joined');
    fails(await ask('GET', `${doorOf(room)}/${gus.id}`, { token: people.carol.token }), 404, 'not_found');
    const back = await isIn(comeBack(room, gus.token));
    assert.deepEqual([back.id, back.token, back.name, back.hand_raised_at], [gus.id, gus.token, 'Gustav', undefined]);
    // His token says nothing of other rooms, and a user's session nothing of whom it comes with.
    const other = await makeRoom();
    for (const nothing of [other.code, other.id, 'abc-defg-hij']) {
        fails(await ask('POST', `/v1/rooms/${nothing}/participants`, { token: gus.token, body: {} }), 404, 'no_such_room');
        fails(await ask('GET', `/v1/rooms/${nothing}/participants`, { token: gus.token }), 404, 'no_such_room');
    }
    fails(await ask('GET', `/v1/rooms/${room.id}`, { token: gus.token }), 401, 'unauthorized');
});

test('a token that nobody has is refused before it is said whether there is such a room', async () => {
    const room = await makeRoom();
    const key = await tokenKeyOf(stack);
    for (const token of [drawToken(key, 'participant'), `lp_${'ab'.repeat(32)}`]) {
        for (const code of [room.code, 'abc-defg-hij', room.id, '4711']) {
            fails(await ask('POST', `/v1/rooms/${code}/participants`, { token, body: {} }), 401, 'unauthorized');
            fails(await ask('GET', `/v1/rooms/${code}/participants`, { token }), 401, 'unauthorized');
        }
    }
});

test('who was taken out stays out; when the meeting has ended everybody comes anew', async () => {
    const room = await makeRoom();
    const gus = await isIn(enterAsGuest(room));
    const dora = await isIn(enterAsGuest(room, 'Dora'));
    assert.equal((await remove(room, gus, people.dave.token)).status, 204);
    fails(await comeBack(room, gus.token), 403, 'removed');
    fails(await ask('GET', doorOf(room), { token: gus.token }), 403, 'removed');
    assert.equal((await as('dave', 'POST', `/v1/rooms/${room.id}/end`)).status, 204);
    fails(await comeBack(room, dora.token), 401, 'unauthorized');
    fails(await change(room, dora, dora.token, { hand: true }), 401, 'unauthorized');
    await isIn(enterAsGuest(room, 'Dora'));
    assert.equal((await as('carol', 'POST', `/v1/rooms/${room.code}/end`)).status, 204);
    assert.equal((await as('carol', 'POST', `/v1/rooms/${room.code}/end`)).status, 204); // nobody is in
});

// ---- once for each key ----

test('what comes again with its key makes nobody else, on any gateway, and gets the same token', async () => {
    const room = await makeRoom();
    const askers = [{ body: { name: 'Gus' } }, { token: people.erin.token, body: {} }];
    for (const { token, body } of askers) {
        const headers = { 'idempotency-key': `"${randomUUID()}"` };
        const repeats = await Promise.all(Array.from({ length: 12 }, async (_, i) => {
            return eventually(async () => {
                const answer = await ask('POST', doorOf(room), { token, body, headers, port: i % 2 === 0 ? undefined : second.port });
                return answer.json.code !== 'in_flight' && answer;
            }, { what: 'the answer of the first' });
        }));
        const [first] = repeats;
        assert.equal(first.status, 201, first.text);
        for (const answer of repeats) assert.deepEqual(answer.json, first.json);
        const again = await isIn(comeBack(room, first.json.token));
        assert.equal(again.id, first.json.participant.id);
    }
    const [[joined]] = await stack.sql(`SELECT COUNT(*) FROM participants WHERE room_id = ${room.id}`);
    assert.equal(joined, '2');
});

test('a key is of who gave it, of the room and of the body', async () => {
    const [room, other] = [await makeRoom(), await makeRoom()];
    const headers = { 'idempotency-key': randomUUID() };
    const gus = await isIn(enterAsGuest(room, 'Gus', {}, { headers }));
    const made = [gus, await isIn(enterAsGuest(room, 'Dora', {}, { headers })), await isIn(enterAsGuest(other, 'Gus', {}, { headers })),
        await isIn(enter(room, 'erin', {}, { headers }))];
    assert.equal(new Set(made.map(({ id }) => id)).size, 4);
    assert.equal(new Set(made.map(({ token }) => token)).size, 4);
    fails(await enter(room, 'erin', { name: 'E' }, { headers }), 422, 'key_reused');
    fails(await enterAsGuest(room, 'Gus', {}, { headers: { 'idempotency-key': 'short' } }), 400, 'bad_key');
    assert.equal((await remove(room, gus, gus.token)).status, 204);
    const late = await isIn(enterAsGuest(room, 'Gus', {}, { headers }));
    assert.deepEqual([late.id, late.token], [gus.id, gus.token]); // what came of it, not a new one
});

test('who was signed in once comes in as a guest: the refusal takes the cookie of the ended session away', async () => {
    const room = await makeRoom();
    const signedIn = await stack.request('/v1/sessions', { body: { username: USERS.zoe, password: PASSWORD, cookie: true } });
    assert.equal(signedIn.status, 201, signedIn.text);
    const [cookie] = signedIn.headers['set-cookie'][0].split(';');
    const [name] = cookie.split('=');
    const ended = await ask('DELETE', '/v1/sessions/current', { headers: { cookie } });
    assert.equal(ended.status, 204, ended.text);
    const refused = await eventually(async () => {
        const answer = await enterAsGuest(room, 'Zoe', {}, { headers: { cookie } });
        return answer.status === 401 && answer;
    }, { within: 10000, what: 'the session has ended everywhere' });
    fails(refused, 401, 'unauthorized');
    assert.deepEqual(refused.headers['set-cookie'].map((each) => each.split('; ').filter((part) => !/^Http|^Same|^Secure/.test(part))),
        [[`${name}=`, 'Path=/', 'Max-Age=0']]);
    assert.equal((await isIn(enterAsGuest(room, 'Zoe'))).guest, true); // as the browser sends it now
});

// ---- who may what ----

// One of each role in a room, and one more to whom things are done; roles are given through the database, so that there
// are also second owners.
async function makeMeeting() {
    const room = await makeRoom();
    const roles = [];
    for (const role of ROLES) {
        const who = await isIn(enterAsGuest(room, role));
        roles.push({ ...who, role });
    }
    const target = await isIn(enterAsGuest(room, 'target'));
    const setRoles = async () => {
        const rows = [...roles.map(({ id, role }) => [id, role]), [target.id, target.role]];
        for (const [id, role] of rows) {
            await stack.sql(`UPDATE participants SET state = 2, hand_unix_ms = 0, name = 'somebody', role = ${ROLES.indexOf(role) + 1} WHERE participant_id = ${id}`);
        }
    };
    await setRoles();
    return { room, roles, target, setRoles };
}

// What is done to somebody: its action, the request, what role he has then.
const deeds = [
    { action: 'rename', body: () => ({ name: 'another' }) },
    { action: 'raise_hand', body: () => ({ hand: true }) },
    { action: 'lower_hands', body: () => ({ hand: false }) },
    ...ROLES.filter((role) => role !== 'owner').map((role) => ({ action: 'set_roles', wished: role, body: () => ({ role }) })),
    { action: 'remove' },
];

test('what somebody may do to others is what the table says, for all roles on both sides', async () => {
    const { room, roles, target, setRoles } = await makeMeeting();
    let [allowed, refused] = [0, 0];
    for (const own of roles) {
        for (const targetRole of [...ROLES, 'oneself']) {
            const isOneself = targetRole === 'oneself';
            target.role = isOneself ? 'viewer' : targetRole;
            const whom = isOneself ? own : target;
            for (const { action, wished, body } of deeds) {
                await setRoles();
                const answer = body === undefined ? await remove(room, whom, own.token) : await change(room, whom, own.token, body());
                const isAllowed = may(own.role, action, { isOneself, now: isOneself ? own.role : targetRole, wished });
                const what = `${own.role} does ${action} ${wished ?? ''} to ${targetRole}: ${answer.text}`;
                assert.equal(answer.status, isAllowed ? (body === undefined ? 204 : 200) : 403, what);
                if (!isAllowed) assert.equal(answer.json.code, 'forbidden', what);
                if (isAllowed && wished) assert.equal(answer.json.role, wished, what);
                [allowed, refused] = [allowed + isAllowed, refused + !isAllowed];
            }
        }
    }
    assert.ok(allowed > 30 && refused > 50, `${allowed} ${refused}`);
});

test('what somebody may see and end is what the table says, in the room and as a member who is not in it', async () => {
    const { room, roles, target, setRoles } = await makeMeeting();
    const members = { viewer: people.vera, participant: people.erin, moderator: people.dave, owner: people.carol };
    for (const { role, token } of [...roles, ...ROLES.map((each) => ({ role: each, token: members[each].token })), { role: 'owner', token: people.admin.token }]) {
        await setRoles();
        for (const path of [doorOf(room), `${doorOf(room)}/${target.id}`]) {
            const seen = await ask('GET', path, { token });
            assert.equal(seen.status, may(role, 'see_participants') ? 200 : 403, `${role} ${path}: ${seen.text}`);
        }
        const ended = await ask('POST', `/v1/rooms/${room.code}/end`, { token });
        assert.equal(ended.status, may(role, 'end_meeting') ? 204 : 403, `${role} ends: ${ended.text}`);
    }
    // A member who is not in it acts with his role; who is none knows of the room at most.
    await setRoles();
    assert.equal((await change(room, target, people.dave.token, { name: 'Named by dave' })).status, 200);
    fails(await change(room, roles[2], people.dave.token, { name: 'A moderator, too' }), 403, 'forbidden');
    fails(await change(room, target, people.erin.token, { name: 'By erin' }), 403, 'forbidden');
    for (const [method, path, body] of [['GET', doorOf(room)], ['GET', `${doorOf(room)}/${target.id}`], ['PATCH', `${doorOf(room)}/${target.id}`, { hand: false }],
        ['DELETE', `${doorOf(room)}/${target.id}`], ['POST', `/v1/rooms/${room.code}/end`]]) {
        fails(await as('zoe', method, path, body), 403, 'forbidden');
        fails(await as('zoe', method, path.replace(room.code, room.id), body), 404, 'no_such_room');
        fails(await ask(method, path, { body }), 401, 'unauthorized');
    }
});

test('whoever is not in any more does nothing, and nothing is done to him', async () => {
    const { room, roles, target, setRoles } = await makeMeeting();
    const owner = roles.at(-1);
    const states = { left: [3, 409, 'not_joined'], removed: [4, 403, 'removed'], denied: [5, 403, 'denied'], ended: [6, 401, 'unauthorized'] };
    for (const [number, status, code] of Object.values(states)) {
        await setRoles();
        await stack.sql(`UPDATE participants SET state = ${number} WHERE participant_id = ${target.id}`);
        for (const { body } of deeds) {
            fails(body === undefined ? await remove(room, owner, target.token) : await change(room, owner, target.token, body()), status, code);
            fails(body === undefined ? await remove(room, target, owner.token) : await change(room, target, owner.token, body()), 404, 'not_found');
        }
        for (const path of [doorOf(room), `${doorOf(room)}/${owner.id}`]) fails(await ask('GET', path, { token: target.token }), status, code);
        fails(await ask('POST', `/v1/rooms/${room.code}/end`, { token: target.token }), status, code);
        const listed = await ask('GET', doorOf(room), { token: owner.token });
        assert.ok(!listed.json.items.some(({ id }) => id === target.id));
    }
    await stack.sql(`UPDATE participants SET state = 3, changed_unix_ms = changed_unix_ms - 601000 WHERE participant_id = ${target.id}`);
    fails(await comeBack(room, target.token), 401, 'unauthorized'); // ten minutes are over
});

test('hands go up and down, and say since when', async () => {
    const room = await makeRoom();
    const gus = await isIn(enterAsGuest(room));
    const up = await change(room, gus, gus.token, { hand: true });
    assert.match(up.json.hand_raised_at, /^\d{4}-/);
    const again = await change(room, gus, gus.token, { hand: true });
    assert.equal(again.json.hand_raised_at, up.json.hand_raised_at);
    const down = await change(room, gus, people.dave.token, { hand: false });
    assert.equal(down.json.hand_raised_at, undefined);
    const types = (await stack.sql(`SELECT COUNT(*) FROM room_events WHERE room_id = ${room.id}`))[0][0];
    assert.equal(types, '3'); // joined, raised, lowered
});

// ---- limits and privacy ----

test('a room where wrong PINs or invitations come from an address refuses more of them, and others let in who comes from there', async (t) => {
    const [room, other] = [await makeRoom({ pin: PIN }), await makeRoom({ pin: PIN })];
    const strict = await startOwnGateway(stack, 1, { LYNKS_ROOM_PIN_BURST: '3', LYNKS_ROOM_PIN_PER_MINUTE: '1', LYNKS_ADDRESS_PIN_BURST: '5',
        LYNKS_ADDRESS_PIN_PER_MINUTE: '1' });
    t.after(() => strict.end());
    const at = { port: strict.port };
    const limits = (answer) => assert.match(fails(answer, 429, 'rate_limited').headers['retry-after'], /^[1-9][0-9]*$/);
    const invite = async (to) => (await as('carol', 'POST', `/v1/rooms/${to.code}/invitations`, { role: 'participant' })).json.secret;
    const [to, toOther] = [await invite(room), await invite(other)];
    const undashed = { code: room.code.replaceAll('-', '') };
    for (let i = 0; i < 3; i += 1) fails(await enterAsGuest(i === 1 ? undashed : room, 'Gus', { pin: `100${i}` }, at), 403, 'wrong_pin');
    for (let i = 0; i < 10; i += 1) limits(await enterAsGuest(i === 1 ? undashed : room, 'Gus', { pin: PIN }, at));
    await isIn(enterAsGuest(other, 'Gus', { pin: PIN }, at));
    await isIn(enterAsGuest(room, 'Ivy', { invitation: to }, at));
    for (let i = 0; i < 3; i += 1) fails(await enterAsGuest(room, 'Jim', { invitation: toOther }, at), 404, 'no_such_invitation');
    limits(await enterAsGuest(room, 'Jim', { invitation: to }, at));
    limits(await ask('POST', '/v1/join-info', { body: { room: room.code, invitation: to }, ...at }));
    assert.equal((await ask('POST', '/v1/join-info', { body: { invitation: toOther }, ...at })).status, 200);
    await isIn(enterAsGuest(other, 'Jim', { invitation: toOther }, at));
    // Over all rooms.
    for (let i = 0; i < 2; i += 1) fails(await enterAsGuest(other, 'Gus', { pin: `200${i}` }, at), 403, 'wrong_pin');
    limits(await enterAsGuest(other, 'Kim', { pin: PIN }, at));
    await isIn(enterAsGuest(other, 'Kim', { invitation: toOther }, at));
});

test('codes of no room are tried so often from one address', async (t) => {
    const room = await makeRoom();
    const gus = await isIn(enterAsGuest(room, 'Gus'));
    const strict = await startOwnGateway(stack, 1, { LYNKS_ROOM_CODE_BURST: '3', LYNKS_ROOM_CODE_PER_MINUTE: '1' });
    t.after(() => strict.end());
    const at = { port: strict.port };
    for (let i = 0; i < 3; i += 1) fails(await enterAsGuest({ code: `abc-defg-hi${'jkl'[i]}` }, 'Gus', {}, at), 404, 'no_such_room');
    fails(await enterAsGuest(room, 'Gus', {}, at), 429, 'rate_limited');
    fails(await ask('GET', `/v1/rooms/${room.code}`, { token: people.carol.token, ...at }), 429, 'rate_limited');
    // Who is in goes on.
    assert.equal((await ask('GET', doorOf(room), { token: gus.token, ...at })).status, 200);
    const metrics = (await stack.request('/metrics', { method: 'GET', port: strict.opsPort, agent: undefined })).text;
    for (const [limit, count] of [['pin', 0], ['invitation', 0], ['code', 2], ['join', 0]]) {
        assert.ok(metrics.includes(`lynks_gateway_limited_joins_total{limit="${limit}"} ${count}\n`), limit);
    }
});

// Whatever a guest is told by a stream: everybody comes, goes, is changed and taken out, and the room changes, too.
async function textOfStream() {
    const room = await makeRoom({ pin: PIN });
    const gus = await isIn(enterAsGuest(room, 'Gus', { device: DEVICE, pin: PIN }));
    const stream = await openEvents(stack.ports.http, { path: `${doorOf(room).replace('participants', 'events')}`, token: gus.token });
    for (const name of ['carol', 'dave', 'erin', 'zoe']) {
        const who = await isIn(enter(room, name, { device: DEVICE, pin: PIN }));
        assert.equal((await change(room, who, who.token, { hand: true, name: `${name}?` })).status, 200);
        assert.equal((await remove(room, who, name === 'zoe' ? people.carol.token : who.token)).status, 204);
    }
    await patchRoom(room, { name: 'Coffee', locked: true });
    assert.equal((await as('carol', 'POST', `/v1/rooms/${room.id}/end`)).status, 204);
    await stream.event('end');
    assert.ok(stream.events.length > 12);
    return JSON.stringify(stream.events.map(({ data }) => data));
}

test('nothing has told a user name, an address, a device or a PIN', async () => {
    assert.ok(answers.length > 300);
    const stream = (await textOfStream()).replaceAll(`http://127.0.0.1:${stack.ports.http}/`, ''); // the link
    for (const text of [...answers.map((answer) => answer.text), stream]) {
        for (const secret of [...Object.values(USERS), DEVICE, PIN, '127.0.0.1']) assert.ok(!text.includes(secret), text);
        assert.doesNotMatch(text, /"(username|user|user_id|address|device|session|pin|token_hash|node)":/);
    }
});

test('API.md\'s meeting in three terminals is as it says', () => assertMeetingLines(stack));

test('API.md\'s guest at the door is as it says', () => assertDoorLines(stack));
