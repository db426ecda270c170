#!/usr/bin/env -S node --test-reporter=tap
// A roomsvc that is killed between its commit and its answer has told nobody. The gateway sends the command again, to the one
// that comes in its place: it is answered, was done once, and whoever follows the room hears of it once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { blockCommits } from '../../support/commit-block.mjs';
import { openEvents } from '../../support/event-stream.mjs';
import { startOwnGateway } from '../../support/own-gateway.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

let stack;
let other; // a gateway that knows the first roomsvc alone
let token;
before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2' });
    other = await startOwnGateway(stack, 0, { LYNKS_REQUEST_BUDGET_MS: '60000' });
    token = (await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } })).json.token;
});
after(async () => {
    await other?.end();
    await stack?.remove();
});

async function ask(path, options = {}) {
    const answer = await stack.request(`/v1/rooms${path}`, { token: `Bearer ${token}`, ...options });
    assert.ok(answer.status < 300, answer.text);
    return answer.json;
}

const merge = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' } };

// What is done, by whom, and what is told of it.
const WAYS = {
    'somebody comes in': { event: 'participant.joined', path: () => '/participants', options: { body: { name: 'Eve' } } },
    'a hand is raised': { event: 'hand.raised', path: ({ eve }) => `/participants/${eve.participant.id}`, asEve: true,
        options: { ...merge, body: { hand: true } } },
    'somebody is called otherwise': { event: 'participant.updated', path: ({ eve }) => `/participants/${eve.participant.id}`,
        options: { ...merge, body: { name: 'Eva' } } },
    'somebody is taken out': { event: 'participant.removed', path: ({ eve }) => `/participants/${eve.participant.id}`,
        options: { method: 'DELETE' } },
    'the room is locked': { event: 'room.updated', path: () => '', options: { ...merge, body: { locked: true } } },
    'the meeting ends': { event: 'meeting.ended', path: () => '/end', options: {} },
    'the room ends': { event: 'room.ended', path: () => '', options: { method: 'DELETE' } },
};

async function newMeeting() {
    const room = await ask('', { body: { name: 'Tea' } });
    const carol = await ask(`/${room.code}/participants`, { body: {} });
    const eve = await ask(`/${room.code}/participants`, { token: undefined, body: { name: 'Eve' } });
    const stream = await openEvents(stack.ports.http, { path: `/v1/rooms/${room.code}/events`, token: carol.token });
    assert.equal(stream.status, 200, stream.text);
    await stream.event('snapshot');
    return { room, carol, eve, stream };
}

async function killAfterCommit(run) {
    const block = await blockCommits(stack);
    try {
        const answer = run();
        await block.isWaiting();
        return { pid: await stack.signal('roomsvc', 'SIGSTOP'), answer };
    } finally {
        await block.end();
    }
}

for (const [name, way] of Object.entries(WAYS)) {
    test(`${name}, once, though its roomsvc was killed between commit and answer`, async () => {
        const meeting = await newMeeting();
        const { room, stream } = meeting;
        const [[seq]] = await stack.sql(`SELECT seq FROM rooms WHERE room_id = ${room.id}`);
        const { pid, answer } = await killAfterCommit(() => stack.request(`/v1/rooms/${room.code}${way.path(meeting)}`,
            { ...way.options, token: `Bearer ${way.asEve ? meeting.eve.token : token}`, port: other.port }));
        process.kill(pid, 'SIGKILL');
        const { status, text } = await answer;
        assert.ok(status < 300, text);
        await stream.event(way.event, 20000);
        const [[events, last]] = await stack.sql(`SELECT COUNT(*), MAX(seq) FROM room_events WHERE room_id = ${room.id}`);
        assert.deepEqual([events, last], [last, String(Number(seq) + 1)]);
        assert.equal(stream.events.filter(({ event }) => event === way.event).length, 1);
        await stream.end();
        await eventually(async () => (await stack.pid('roomsvc')) !== pid && (await stack.ops('roomsvc', '/readyz')).status === 200,
            { within: 20000, what: 'roomsvc is there again' });
    });
}
