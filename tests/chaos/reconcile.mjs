// What the clients were told, held against what the database and Janus have.
import assert from 'node:assert/strict';
import { hashOf } from '../support/tokens.mjs';

const SHOWN = 5;

const minus = (left, right) => {
    const without = new Set(right);
    return left.filter((item) => !without.has(item));
};

function assertNone(items, what) {
    assert.equal(items.length, 0, `${items.length} ${what}: ${items.slice(0, SHOWN).join(' ')} ...`);
}

/// Each token answered is a session; each room answered is a room; what is there besides is no more than what
/// clients saw fail. Rooms are there in Janus too.
export async function reconcile(stack, load) {
    await reconcileSessions(stack, load);
    await reconcileRooms(stack, load);
}

async function reconcileSessions(stack, load) {
    const rows = (await stack.sql('SELECT LOWER(HEX(token_hash)) FROM sessions')).map(([hash]) => hash);
    const answered = load.tokens.map(hashOf);
    assertNone(minus(answered, rows), 'tokens that were answered and are no session');
    const unknown = minus(rows, answered).length;
    assert.ok(unknown <= load.failed.login, `${unknown} sessions that no client has, ${load.failed.login} logins failed`);
}

async function reconcileRooms(stack, load) {
    const rows = (await stack.sql('SELECT room_id FROM rooms WHERE closed_unix_ms IS NULL')).map(([id]) => id);
    assertNone(minus(load.rooms, rows), 'rooms that were answered and are not in the registry');
    const unknown = minus(rows, load.rooms).length;
    assert.ok(unknown <= load.failed.create, `${unknown} rooms that no client has, ${load.failed.create} creates failed`);
    const running = await roomsInJanus(stack);
    assertNone(minus(load.rooms, running), 'rooms that were answered and are not in Janus');
    assertNone(minus(running, rows), 'rooms in Janus that are not in the registry');
    assert.equal(new Set(running).size, running.length, 'a room is in Janus twice');
}

async function roomsInJanus(stack) {
    const { data: { id: session } } = await stack.janus('', { janus: 'create' });
    const { data: { id: handle } } = await stack.janus(`/${session}`,
        { janus: 'attach', plugin: 'janus.plugin.videoroom' });
    const { plugindata: { data } } = await stack.janus(`/${session}/${handle}`,
        { janus: 'message', body: { request: 'list', admin_key: await stack.secret('janus-admin-key') } });
    await stack.janus(`/${session}`, { janus: 'destroy' });
    return data.list.map((item) => String(item.room));
}
