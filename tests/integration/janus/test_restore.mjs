#!/usr/bin/env -S node --test-reporter=tap
// Janus restarts with a thousand open rooms: all of them are back before anyone asks for one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const ROOMS = 1000;
const FIRST = 500000;
const CLOSED = FIRST + 7;
// Two seconds are what is promised on a machine with nothing else to do.
const BOUND_MS = 30000;

let stack;
before(async () => {
    stack = await startStack();
    await stack.sql('INSERT INTO rooms (room_id, secret, publishers_max, owner_id, created_unix_ms) '
        + `SELECT seq, MD5(CONCAT('secret', seq)), 6, 1, 0 FROM seq_${FIRST}_to_${FIRST + ROOMS - 1}`);
});
after(() => stack?.remove());

async function videoroom() {
    const session = (await stack.janus('', { janus: 'create' })).data.id;
    const handle = (await stack.janus(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
    return async (body) => {
        const answer = await stack.janus(`/${session}/${handle}`, { janus: 'message', body });
        return answer.plugindata.data;
    };
}

async function metric(name) {
    const { text } = await stack.ops('janusbridge', '/metrics');
    return Number(text.match(new RegExp(`^${name} (\\d+)$`, 'm'))[1]);
}

const janusAnswers = async () => (await stack.janus('', { janus: 'ping' })).janus === 'pong';

// What Janus itself tells; the bridge is asked for nothing but its counters.
async function roomsInJanus() {
    const ask = await videoroom();
    const { list } = await ask({ request: 'list', admin_key: await stack.secret('janus-admin-key') });
    return list.filter(({ room }) => room >= FIRST && room < FIRST + ROOMS);
}

async function restartJanus() {
    const before = await metric('lynks_janus_rooms_restored_total');
    await stack.crash('janus');
    await eventually(janusAnswers, { within: BOUND_MS, what: 'Janus answers' });
    return before;
}

async function assertRestored(t, before, count) {
    const begin = performance.now();
    await eventually(async () => await metric('lynks_janus_rooms_restored_total') - before >= count
        && await metric('lynks_janus_restoring') === 0, { within: BOUND_MS, what: `${count} rooms restored` });
    t.diagnostic(`${count} rooms are back ${Math.round(performance.now() - begin)} ms after Janus answered`);
}

test('a thousand rooms are back with their ids and options, before anyone asks', async (t) => {
    await assertRestored(t, await restartJanus(), ROOMS);
    const rooms = await roomsInJanus();
    assert.equal(rooms.length, ROOMS);
    assert.ok(rooms.every((room) => room.max_publishers === 6 && room.is_private !== false && room.lock_record));
    t.diagnostic(`Janus' list of them has ${JSON.stringify(rooms).length} bytes`);
    const ask = await videoroom();
    const open = await ask({ request: 'destroy', room: FIRST, secret: 'not the secret' });
    assert.equal(open.error_code, 433, 'the room secret is there again');
});

test('a call for a room comes first: it waits and is answered', async () => {
    const token = await stack.token();
    await restartJanus();
    // Whichever way it goes (Janus away is told at once, a slow machine takes longer than a call), no room is
    // ever denied.
    const answers = [];
    await eventually(async () => {
        const answer = await stack.list(token, FIRST + ROOMS - 1);
        answers.push(answer.status);
        return answer.status === 200;
    }, { within: BOUND_MS });
    assert.ok(answers.every((status) => [200, 503, 504].includes(status)), String(answers));
});

test('a room that was closed meanwhile does not come back', async (t) => {
    await stack.sql(`UPDATE rooms SET closed_unix_ms = 1 WHERE room_id = ${CLOSED}`);
    await assertRestored(t, await restartJanus(), ROOMS - 1);
    const rooms = await roomsInJanus();
    assert.equal(rooms.length, ROOMS - 1);
    assert.ok(rooms.every(({ room }) => room !== CLOSED));
});

// Janus' log names the sessions that were made; who knows an id can destroy it.
async function destroyAllSessions() {
    const ids = [...(await stack.logs()).get('janus.log').matchAll(/Creating new session: (\d+)/g)].map((m) => m[1]);
    await Promise.all(ids.map((id) => stack.janus(`/${id}`, { janus: 'destroy' })));
}

test('the session is lost while Janus lives: another one, and no room is touched', async (t) => {
    const made = await metric('lynks_janus_sessions_made_total');
    const restored = await metric('lynks_janus_rooms_restored_total');
    const ask = await videoroom();
    // A room that no registry knows would be lost with the others if anything cleared them away.
    assert.equal((await ask({ request: 'create', room: 1, admin_key: await stack.secret('janus-admin-key') })).videoroom,
        'created');
    await destroyAllSessions();
    const begin = performance.now();
    await eventually(async () => await metric('lynks_janus_sessions_made_total') === made + 1
        && await metric('lynks_janus_ready') === 1, { within: BOUND_MS });
    t.diagnostic(`another session ${Math.round(performance.now() - begin)} ms after the destruction`);
    await eventually(async () => await metric('lynks_janus_restoring') === 0, { within: BOUND_MS });
    assert.equal(await metric('lynks_janus_rooms_restored_total'), restored);
    assert.equal((await roomsInJanus()).length, ROOMS - 1);
});
