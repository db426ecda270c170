#!/usr/bin/env -S node --test-reporter=tap
// How far /list_participants is behind Janus (live.mjs) while what roomsvc hears of the bridge is cut, late or spoilt: the
// bridge's events go through a proxy. One connection keeps its order whatever happens; pieces of two of them, which is what
// roomsvc sees when it connects anew, are told apart by their numbers (tests/unit/roomsvc/follow/test_room_copy.c).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCutProxy } from '../support/cut-proxy.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { Live, report } from './live.mjs';

const ROUNDS = 6;
const EVENTS_PORT = 13; // of the stack, from its base

let proxy;
let stack;
let live;

before(async () => {
    proxy = await startCutProxy(0);
    stack = await startStack({ LYNKS_JANUSBRIDGE_EVENTS: `127.0.0.1:${proxy.port}` });
    proxy.lead(stack.base + EVENTS_PORT);
    live = await Live.start(stack);
});
after(async () => {
    await live?.end();
    await stack?.remove();
    await proxy?.close();
});

// From where roomsvc had its answers so far.
async function lists(from) {
    const { text } = await stack.ops('roomsvc', '/metrics');
    return Number(text.match(new RegExp(`^lynks_rooms_lists_total\\{from="${from}"\\} (\\d+)`, 'm'))?.[1] ?? NaN);
}

async function answersFromCopy(within) {
    await eventually(async () => {
        const before = await lists('copy');
        assert.equal((await stack.list(live.token, live.room)).status, 200);
        return await lists('copy') > before;
    }, { within, what: 'a list from what roomsvc has heard' });
}

async function measure(name, onEvent) {
    const disturbed = onEvent !== undefined;
    const before = { copy: await lists('copy'), bridge: await lists('bridge') };
    const rounds = await live.series(ROUNDS, () => onEvent ?? (() => {}));
    const copy = await lists('copy') - before.copy;
    const bridge = await lists('bridge') - before.bridge;
    console.log(`# ${name}: ${copy} lists from what roomsvc has heard, ${bridge} asked for`);
    report(`${name}: publish to listed`, rounds.map(({ publish }) => publish), { disturbed });
    report(`${name}: leave to gone`, rounds.map(({ leave }) => leave), { disturbed });
    return { copy, bridge };
}

test('as it is: most lists come from what roomsvc has heard', async () => {
    await answersFromCopy(10000);
    const { copy, bridge } = await measure('heard');
    assert.ok(copy > bridge, `${copy} heard, ${bridge} asked for`);
});

test('the subscription is cut at each event', async () => {
    let events = 0;
    await measure('cut', () => {
        events += 1;
        proxy.cutNext(); // one that comes while roomsvc connects anew cuts the connection that comes of it
    });
    assert.ok(events >= 2 * ROUNDS, `${events} events`);
    await eventually(() => proxy.cutsDue() === 0, { within: 10000, what: 'each event has cut a connection' });
    await answersFromCopy(10000);
});

for (const late of [500, 2000]) {
    test(`all events are ${late} ms late`, async () => {
        proxy.delay(late);
        // What had come before is good for as long as it is fresh.
        await eventually(async () => {
            const before = await lists('copy');
            for (let i = 0; i < 20; i += 1) await stack.list(live.token, live.room);
            return await lists('copy') === before;
        }, { within: 10000, what: 'what is heard is too old' });
        const { copy } = await measure(`${late} ms late`);
        assert.equal(copy, 0, 'lists from events that are too late');
        proxy.delay(0);
        await answersFromCopy(10000);
    });
}

test('events are late for a while again and again', async () => {
    let isLate = false;
    await measure('in and out', () => {
        isLate = !isLate;
        proxy.delay(isLate ? 500 : 0);
    });
    proxy.delay(0);
    await answersFromCopy(10000);
});

test('a stretch is spoilt at each event', async () => {
    await measure('spoilt', () => proxy.spoil());
    await answersFromCopy(10000);
});

test('what was answered last is what Janus has', async () => {
    assert.deepEqual((await stack.list(live.token, live.room)).json.publishers, []);
    assert.deepEqual(live.witness.strange, []);
    assert.deepEqual(await live.page.evaluate(() => window.meeting.errors), []);
});
