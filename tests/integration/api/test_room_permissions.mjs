#!/usr/bin/env -S node --test-reporter=tap
// Every route that names a room, asked by everybody who may stand to it in some way, against the table of permissions
// (roomsvc/PERMISSIONS.md). What participants do to one another is in test_participants.mjs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { may, ROLES } from '../../support/permissions.mjs';
import { startStack } from '../../support/stack.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PASSWORD = 'open it now';
// Whose role in the room it is; the target is a viewer.
const NAMES = { owner: 'carol', moderator: 'dave', participant: 'erin', viewer: 'vera', target: 'tess', stranger: 'zoe' };
const VIEWER = { now: 'viewer' };

let stack;
let operations; // operationId -> {method, path}
const people = {}; // name -> {id, token}

// What each route asks of the table; null: it is no question of roles. {member} and {participant} are those of the target.
const QUESTIONS = {
    getRoom: [{ action: 'see_room' }],
    changeRoom: [{ action: 'lock_room', body: { locked: true, lobby: true } }, { action: 'change_room', body: { name: 'Coffee' } },
        { action: 'change_room', body: { locked: true, chat: false } }],
    closeRoom: [{ action: 'close_room' }],
    handOverRoom: [{ action: 'hand_over_room', body: () => ({ user: people.tess.id }) }],
    listMembers: [{ action: 'see_members' }],
    getMember: [{ action: 'see_members' }],
    setMember: ['viewer', 'participant', 'moderator'].map((wished) => ({ action: 'set_members', target: { ...VIEWER, wished }, body: { role: wished } })),
    removeMember: [{ action: 'remove_members', target: VIEWER }],
    joinRoom: null,
    listParticipants: [{ action: 'see_participants' }],
    getParticipant: [{ action: 'see_participants' }],
    changeParticipant: [{ action: 'rename', target: VIEWER, body: { name: 'another' } }, { action: 'raise_hand', target: VIEWER, body: { hand: true } },
        { action: 'lower_hands', target: VIEWER, body: { hand: false } },
        ...['viewer', 'participant', 'moderator'].map((wished) => ({ action: 'set_roles', target: { ...VIEWER, wished }, body: { role: wished } }))],
    removeParticipant: [{ action: 'remove', target: VIEWER }],
    endMeeting: [{ action: 'end_meeting' }],
    admitParticipant: [{ action: 'admit' }],
    denyParticipant: [{ action: 'admit', done: 409 }], // who is in is not denied any more
    admitAll: [{ action: 'admit', body: ({ target }) => ({ participants: [target] }) }],
    muteParticipant: [{ action: 'mute', target: VIEWER, body: { sources: ['audio'] } }],
    muteAll: [{ action: 'mute', target: VIEWER, body: { sources: ['audio', 'screen'] } }],
    listInvitations: [{ action: 'invite', target: {} }],
    addInvitation: ['viewer', 'participant', 'moderator'].map((wished) => ({ action: 'invite', target: { wished }, body: { role: wished } })),
    getInvitation: [{ action: 'invite', target: {} }],
    changeInvitation: ['viewer', 'participant', 'moderator'].map((wished) => ({ action: 'invite', target: { ...VIEWER, wished }, body: { role: wished } })),
    revokeInvitation: [{ action: 'invite', target: VIEWER }],
    listBans: [{ action: 'ban', target: {} }],
    addBan: [{ action: 'ban', target: VIEWER, body: ({ target }) => ({ participant: target, by: ['device'] }) }],
    getBan: [{ action: 'ban', target: {} }],
    liftBan: [{ action: 'ban', target: {} }],
    listStreamKeys: [{ action: 'stream_keys' }],
    addStreamKey: ['publish', 'watch'].map((use) => ({ action: 'stream_keys', body: { label: 'Door', use } })),
    getStreamKey: [{ action: 'stream_keys' }],
    removeStreamKey: [{ action: 'stream_keys' }],
    sendMessage: null, // only participants; see test_moderation.mjs
    listMessages: null,
    followRoom: null,
    getIceServers: null, // likewise; see test_ice_servers.mjs
    publish: null, // likewise; see test_media_rights.mjs
    whip: null,
    lookAtWhip: null,
    whep: null,
    lookAtWhep: null,
    watch: null,
    getWatchOffer: null,
    answerWatchOffer: null,
};

async function signIn(username, password = PASSWORD) {
    const answer = await stack.request('/v1/sessions', { body: { username, password } });
    assert.equal(answer.status, 201, answer.text);
    return { id: answer.json.user.id, token: answer.json.token };
}

before(async () => {
    stack = await startStack({ LYNKS_LOGIN_ADDRESS_BURST: '1000', LYNKS_CREATE_BURST: '10000', LYNKS_MEMBER_BURST: '100000', LYNKS_USER_ROOMS_MAX: '10000',
        LYNKS_ADDRESS_PARTICIPANTS_MAX: '10000', LYNKS_ROOM_CODE_BURST: '10000', LYNKS_AWAY_S: '300' });
    const { stdout } = await run(join(ROOT, 'deploy', 'admin'), ['password'], { env: stack.env });
    people.admin = await signIn('admin', stdout.trim());
    for (const username of Object.values(NAMES)) {
        const added = await stack.request('/v1/users', { token: people.admin.token, body: { username, password: PASSWORD } });
        assert.equal(added.status, 201, added.text);
        people[username] = await signIn(username);
    }
    const { paths } = (await stack.request('/v1/openapi.json', { method: 'GET' })).json;
    operations = new Map(Object.entries(paths).filter(([path]) => path.includes('{room}')).flatMap(([path, item]) =>
        Object.entries(item).filter(([, { operationId }]) => operationId !== undefined)
            .map(([method, { operationId }]) => [operationId, { method: method.toUpperCase(), path }])));
});
after(() => stack?.remove());

// Carol's, with a member of each role and the target, who is in it and a member.
async function makeRoom(options = {}) {
    const made = await stack.request('/v1/rooms', { token: people.carol.token, body: { name: 'Tea', guests_wait: false, ...options } });
    assert.equal(made.status, 201, made.text);
    for (const [name, role] of [['dave', 'moderator'], ['erin', 'participant'], ['vera', 'viewer'], ['tess', 'viewer']]) {
        const set = await stack.request(`/v1/rooms/${made.json.id}/members/${people[name].id}`, { method: 'PUT', token: people.carol.token, body: { role } });
        assert.equal(set.status, 200, set.text);
    }
    const target = await stack.request(`/v1/rooms/${made.json.id}/participants`, { token: people.tess.token, body: { device: 'tablet' } });
    assert.equal(target.status, 201, target.text);
    return { ...made.json, target: target.json.participant.id, token: target.json.token };
}

async function byCarol(room, resource, body) {
    const made = await stack.request(`/v1/rooms/${room.code}/${resource}`, { token: people.carol.token, body });
    assert.equal(made.status, 201, made.text);
    return made.json;
}

let phones = 0;

// What a path names besides the room.
const NAMED = {
    '{user}': () => people.tess.id,
    '{participant}': (room) => room.target,
    '{invitation}': async (room) => (await byCarol(room, 'invitations', { role: 'viewer' })).id,
    '{key}': async (room) => (await byCarol(room, 'stream-keys', { label: 'Door', use: 'watch' })).id,
    '{ban}': async (room) => {
        const { participant } = (await stack.request(`/v1/rooms/${room.code}/participants`, { token: people.erin.token, body: { device: `phone ${phones++}` } })).json;
        return (await byCarol(room, 'bans', { participant: participant.id, by: ['device'] })).id;
    },
};

async function put(operation, { body }, room, token, name = room.id) {
    let path = operation.path.replace('{room}', name);
    for (const [place, find] of Object.entries(NAMED)) if (path.includes(place)) path = path.replace(place, await find(room));
    return stack.request(path, { method: operation.method, token, body: typeof body === 'function' ? body(room) : body, headers: { 'if-match': '*' } });
}

function* questions() {
    for (const [name, asked] of Object.entries(QUESTIONS)) {
        for (const question of asked ?? []) yield { operation: operations.get(name), question, what: `${name} ${JSON.stringify(question.body ?? '')}` };
    }
}

test('no route that names a room is forgotten here', () => {
    assert.deepEqual([...operations.keys()].sort(), Object.keys(QUESTIONS).sort());
});

test('members and admins may what the table says', async () => {
    const askers = [...ROLES.map((role) => [role, people[NAMES[role]].token]), ['owner', people.admin.token]];
    let [allowed, refused] = [0, 0];
    for (const { operation, question, what } of questions()) {
        for (const [role, token] of askers) {
            const answer = await put(operation, question, await makeRoom(), token);
            const isAllowed = may(role, question.action, question.target);
            if (isAllowed) assert.ok((question.done === undefined ? [200, 201, 204] : [question.done]).includes(answer.status), `${role}: ${what}: ${answer.text}`);
            else assert.deepEqual([answer.status, answer.json.code], [403, 'forbidden'], `${role}: ${what}: ${answer.text}`);
            [allowed, refused] = [allowed + isAllowed, refused + !isAllowed];
        }
    }
    assert.ok(allowed > 40 && refused > 30, `${allowed} ${refused}`);
});

test('who is nothing in a room knows of it by its code at most, and does nothing there', async () => {
    const rooms = { open: await makeRoom(), members: await makeRoom({ access: 'members' }), invited: await makeRoom({ access: 'invited' }) };
    for (const { operation, question, what } of questions()) {
        for (const [access, room] of Object.entries(rooms)) {
            for (const name of [room.id, room.code]) {
                const answer = await put(operation, question, room, people.zoe.token, name);
                const isKnown = name === room.code && access !== 'invited';
                const wanted = !isKnown ? [404, 'no_such_room'] : question.action === 'see_room' ? [200, room.code] : [403, 'forbidden'];
                assert.deepEqual([answer.status, answer.json.code], wanted, `${access} ${name}: ${what}: ${answer.text}`);
            }
        }
    }
});

test('nobody, and who shows a token of another kind than a route takes, is refused whatever the room', async () => {
    const room = await makeRoom();
    await stack.sql(`UPDATE participants SET role = 4 WHERE participant_id = ${room.target}`);
    const { paths } = (await stack.request('/v1/openapi.json', { method: 'GET' })).json;
    for (const { operation, question, what } of questions()) {
        const takesParticipants = JSON.stringify(paths[operation.path][operation.method.toLowerCase()].security).includes('participant');
        for (const name of [room.id, room.code, '4711', 'abc-defg-hij']) {
            const answer = await put(operation, question, room, undefined, name);
            assert.deepEqual([answer.status, answer.json.code], [401, 'unauthorized'], `${what}: ${answer.text}`);
            if (takesParticipants) continue;
            const his = await put(operation, question, room, room.token, name);
            assert.deepEqual([his.status, his.json.code], [401, 'unauthorized'], `${what}: ${his.text}`);
        }
    }
});
