#!/usr/bin/env -S node --test-reporter=tap
// Rooms that nobody uses end (LYNKS_ROOM_IDLE_S): in the registry, in Janus, and their rows.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const IDLE_S = 8;
const SOON = { within: 15000 };

let stack;
let token;
before(async () => {
    stack = await startStack({ LYNKS_STANDARD_ROOM: '0', LYNKS_ROOM_IDLE_S: String(IDLE_S), LYNKS_REPLICAS: '2',
        LYNKS_SESSION_IDLE_S: '3600', LYNKS_OBSERVER_IDLE_MS: '1000' });
    token = await stack.token();
});
after(() => stack?.remove());

const create = async () => {
    const answer = await stack.create(token);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.room_id;
};
const row = async (room) => (await stack.sql(`SELECT closed_unix_ms FROM rooms WHERE room_id = ${room}`))[0];
/// Whether it is open, without asking for it.
const isOpen = async (room) => (await row(room))?.[0] === 'NULL';

/// A handle of a stranger at Janus.
async function handle() {
    const session = (await stack.janus('', { janus: 'create' })).data.id;
    const attached = await stack.janus(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' });
    const path = `/${session}/${attached.data.id}`;
    return { live: () => stack.janus(`/${session}`, { janus: 'keepalive' }),
        end: () => stack.janus(`/${session}`, { janus: 'destroy' }),
        message: (body) => stack.janus(path, { janus: 'message', body }) };
}

test('a room that nobody uses ends: 404, not in Janus, and its row goes', async () => {
    const room = await create();
    await eventually(async () => (await row(room)) === undefined, { ...SOON, what: 'the row goes' });
    assert.equal((await stack.list(token, room)).status, 404);
    const stranger = await handle();
    const there = await stranger.message({ request: 'exists', room });
    assert.equal(there.plugindata.data.exists, false);
    await stranger.end();
});

test('who lists a room uses it', async () => {
    const used = async () => Number((await stack.sql(`SELECT used_unix_ms FROM rooms WHERE room_id = ${room}`))[0][0]);
    const room = await create();
    const before = await used();
    await eventually(async () => {
        assert.equal((await stack.list(token, room)).status, 200);
        return (await used()) > before;
    }, { ...SOON, what: 'it is noted' });
});

test('a room that somebody is in stays until he has left', async () => {
    const occupied = await create();
    const guest = await handle();
    await guest.message({ request: 'join', ptype: 'publisher', room: occupied, display: 'guest' });
    // One after the other, so that the first has had time to end twice.
    for (let i = 0; i < 2; i += 1) {
        const empty = await create();
        await eventually(async () => {
            await guest.live();
            return !(await isOpen(empty));
        }, { ...SOON, what: 'the one that nobody uses ends' });
    }
    assert.ok(await isOpen(occupied));
    await guest.end();
    await eventually(async () => !(await isOpen(occupied)), { ...SOON, what: 'the room that was left ends' });
});

test('while its bridges are away a room waits for them, and ends then', async () => {
    const room = await create();
    await stack.signal('janusbridge', 'SIGSTOP');
    await stack.signal('janusbridge-2', 'SIGSTOP');
    await stack.sql(`UPDATE rooms SET closed_unix_ms = FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000),
        look_unix_ms = 1 WHERE room_id = ${room}`);
    await eventually(async () => (await stack.sql(`SELECT look_unix_ms FROM rooms WHERE room_id = ${room}`))[0]?.[0] !== '1',
        { ...SOON, what: 'its end is tried' });
    assert.ok(await row(room));
    await stack.signal('janusbridge', 'SIGCONT');
    await stack.signal('janusbridge-2', 'SIGCONT');
    await eventually(async () => (await row(room)) === undefined, { ...SOON, what: 'the row goes' });
    const stranger = await handle();
    assert.equal((await stranger.message({ request: 'exists', room })).plugindata.data.exists, false);
    await stranger.end();
});

test('an observer that a killed bridge has left behind does not keep a room for ever', async () => {
    const room = await create();
    assert.equal((await stack.list(token, room)).status, 200);
    const killed = stack.signal('janusbridge', 'SIGKILL');
    await stack.signal('janusbridge-2', 'SIGKILL');
    await killed;
    await eventually(async () => !(await isOpen(room)), { ...SOON, what: 'the room ends' });
});
