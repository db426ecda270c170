#!/usr/bin/env -S node --test-reporter=tap
// How many rooms there may be, and how many one user may make: LYNKS_ROOMS_MAX, LYNKS_CREATE_BURST.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const BURST = 4;
const ROOMS_MAX = 6;

let stack;
let token;
before(async () => {
    stack = await startStack({
        LYNKS_STANDARD_ROOM: '0',
        LYNKS_ROOMS_MAX: String(ROOMS_MAX),
        LYNKS_CREATE_BURST: String(BURST),
        LYNKS_CREATE_PER_MINUTE: '1',
        LYNKS_OWN_FRONT: '127.0.0.1',
    });
    token = await stack.token();
});
after(() => stack?.remove());

/// As a proxy sends it, and may send it again.
const create = (id) => stack.create(token, { headers: { 'x-request-id': id } });
const rooms = async () => Number((await stack.sql('SELECT COUNT(*) FROM rooms'))[0][0]);

test('a user who makes too many rooms is told to wait, and one that is there is given to him', async () => {
    const made = [];
    for (let i = 0; i < BURST; i += 1) {
        const answer = await create(`a${i}`);
        assert.equal(answer.status, 200, answer.text);
        made.push(answer.json.room_id);
    }
    assert.equal(new Set(made).size, BURST);
    const refused = await create('one-more');
    assert.equal(refused.status, 429, refused.text);
    assert.equal(refused.json.action, 'failed');
    assert.equal(refused.json.error.code, 'rate_limited');
    assert.match(refused.headers['retry-after'], /^[1-9][0-9]*$/);
    assert.equal((await create('a0')).json.room_id, made[0]);
    assert.equal(await rooms(), BURST);
});

test('at the limit of rooms another is refused, and one that is there is given', async () => {
    await stack.sql(`INSERT INTO rooms (room_id, secret, publishers_max, owner_id, created_unix_ms)
        SELECT seq, '00112233445566778899aabbccddeeff', 20, 1, 1 FROM seq_1_to_${ROOMS_MAX}`);
    await stack.deploy('restart', 'roomsvc', 'gateway'); // counts anew, and forgets who has made how many
    await eventually(async () => (await stack.ops('roomsvc', '/metrics')).text
        .includes(`lynks_rooms_open ${ROOMS_MAX + BURST}\n`), { within: 15000, what: 'the rooms are counted' });
    const refused = await create('too-many');
    assert.equal(refused.status, 503, refused.text);
    assert.equal(refused.json.error.code, 'overloaded');
    const [room] = (await stack.sql('SELECT room_id FROM rooms WHERE room_id > 1000 ORDER BY room_id')).map(Number);
    assert.ok(room > 1000);
    const again = await create('a0');
    assert.equal(again.status, 200, again.text);
    assert.equal(await rooms(), ROOMS_MAX + BURST);
});
