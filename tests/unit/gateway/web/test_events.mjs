#!/usr/bin/env -S node --test-reporter=tap
// The event stream of the client's core: it goes on from where it was whatever breaks, and polls where no stream comes through.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoomEvents } from '../../../../gateway/web/core/events.js';
import { SseParser } from '../../../../gateway/web/core/sse.js';
import { World, deferred, json, problem, settle, stream } from './fakes.mjs';

const PATH = '/v1/rooms/tea/events';

// A world whose gateway gives one stream after the other, and what a client of it hears.
function follow(world, streams = []) {
    const heard = { events: [], states: [], reopened: 0, end: undefined };
    if (streams.length > 0) world.on(`GET ${PATH}`, () => streams.shift()?.response ?? deferred().promise);
    const events = new RoomEvents(world.env, world.api, 'tea', {
        onEvent: ({ event, id }) => heard.events.push(id === undefined ? event : `${event} ${id}`),
        onState: (state) => heard.states.push(state),
        onReopened: () => { heard.reopened += 1; },
        onEnd: (end) => { heard.end = end; },
    });
    heard.done = events.run();
    return { events, heard };
}

test('events are taken apart wherever the pieces end', () => {
    const text = ':\n\nevent: a\nid: g1.1\ndata: {"x":"ä"}\n\nretry: 300\nevent: end\ndata: {"reason":"draining"}\n\nid: g1.2\n\n';
    for (let cut = 0; cut <= text.length; cut += 1) {
        const events = [];
        const retries = [];
        const parser = new SseParser((event) => events.push(event), (ms) => retries.push(ms));
        parser.take(text.slice(0, cut));
        parser.take(text.slice(cut));
        assert.deepEqual(events, [{ id: 'g1.1', event: 'a', data: { x: 'ä' } }, { event: 'end', data: { reason: 'draining' } }]);
        assert.deepEqual(retries, [300]);
    }
});

test('a letter of two bytes may come in two pieces', async () => {
    const world = new World();
    const first = stream();
    const heard = [];
    world.on(`GET ${PATH}`, () => first.response);
    const events = new RoomEvents(world.env, world.api, 'tea', { onEvent: ({ data }) => heard.push(data) });
    events.run();
    await settle();
    const bytes = new TextEncoder().encode('event: a\ndata: "ä"\n\n');
    const at = bytes.indexOf(0xc3) + 1;
    first.sendBytes(bytes.slice(0, at));
    first.sendBytes(bytes.slice(at));
    await settle();
    assert.deepEqual(heard, ['ä']);
    events.stop();
});

test('a stream that breaks is opened again after the event that was heard last', async () => {
    const world = new World();
    const streams = [stream(), stream()];
    const [first, second] = streams;
    const { events, heard } = follow(world, streams);
    await settle();
    assert.equal(world.requests[0].headers['last-event-id'], undefined);
    assert.equal(world.requests[0].headers.authorization, 'Bearer lp_token');
    first.event('snapshot', {}, 'g1.7');
    first.event('me', {});
    first.event('hand.raised', {}, 'g1.8');
    await settle();
    first.fail(new TypeError('network error'));
    await world.pass(250);
    assert.equal(world.requests[1].headers['last-event-id'], 'g1.8');
    second.event('hand.lowered', {}, 'g1.9');
    await settle();
    assert.deepEqual(heard.events, ['snapshot g1.7', 'me', 'hand.raised g1.8', 'hand.lowered g1.9']);
    assert.deepEqual(heard.states, ['open', 'waiting', 'connecting', 'open']);
    assert.equal(heard.reopened, 1);
    events.stop();
    await heard.done;
});

test('while nobody answers it comes again at growing intervals, and at once when the network is back', async () => {
    const world = new World();
    world.on(`GET ${PATH}`, () => { throw new TypeError('Failed to fetch'); });
    const { events, heard } = follow(world);
    const times = [];
    for (let seen = 0; world.time < 60000; await world.pass(50)) {
        if (world.requests.length > seen) times.push(world.time);
        seen = world.requests.length;
    }
    const pauses = times.slice(1).map((time, i) => time - times[i]);
    assert.ok(pauses[0] <= 250, `${pauses}`);
    assert.ok(pauses.every((ms, i) => i === 0 || ms >= pauses[i - 1] - 50), `${pauses}`);
    assert.ok(pauses.at(-1) >= 5000 && pauses.at(-1) <= 10000, `${pauses}`);
    const before = world.requests.length;
    events.wake();
    await settle();
    assert.equal(world.requests.length, before + 1);
    events.stop();
    await heard.done;
});

test('a stream that has spoken and is silent for 20 s is opened again', async () => {
    const world = new World();
    const streams = [stream(), stream()];
    const [first] = streams;
    const { events } = follow(world, streams);
    await settle();
    await world.pass(15000);
    first.send(':\n\n');
    await world.pass(19999);
    assert.equal(world.requests.length, 1);
    await world.pass(300);
    assert.equal(world.requests.length, 2);
    assert.equal(world.requests[1].headers.accept, 'text/event-stream');
    events.stop();
});

test('where a stream never says anything it polls, and tries a stream again at times', async () => {
    const world = new World();
    const polls = [];
    world.on(`GET ${PATH}`, (request) => {
        if (request.headers.accept === 'text/event-stream') return deferred().promise;
        const poll = deferred();
        polls.push(poll);
        return poll.promise;
    });
    const { events, heard } = follow(world);
    await world.pass(20200);
    assert.equal(world.requests[1].path, `${PATH}?wait_s=20`);
    polls[0].resolve(json({ events: [{ id: 'g1.1', event: 'snapshot', data: {} }], next: 'g1.3' }));
    await settle();
    assert.equal(world.requests[2].path, `${PATH}?wait_s=20&after=g1.3`);
    polls[1].resolve(json({ events: [{ event: 'me', data: {} }, { id: 'g1.4', event: 'hand.raised', data: {} }], next: 'g1.4' }));
    await settle();
    assert.deepEqual(heard.events, ['snapshot g1.1', 'me', 'hand.raised g1.4']);
    assert.equal(events.state, 'polling');
    for (let i = 0; i < 4; i += 1) {
        await world.pass(20000);
        polls.at(-1).resolve(json({ events: [], next: 'g1.4' }));
    }
    await settle();
    const [, again] = world.asked(`GET ${PATH}`).filter(({ headers }) => headers.accept === 'text/event-stream');
    assert.equal(again.headers['last-event-id'], 'g1.4');
    events.stop();
});

test('a gateway that stops says when to come again', async () => {
    const world = new World();
    const streams = [stream(), stream()];
    const [first] = streams;
    const { events, heard } = follow(world, streams);
    await settle();
    first.event('snapshot', {}, 'g1.1');
    first.send('retry: 900\nevent: end\ndata: {"reason":"draining"}\n\n');
    first.end();
    await world.pass(899);
    assert.equal(world.requests.length, 1);
    await world.pass(251);
    assert.equal(world.requests.length, 2);
    assert.equal(heard.end, undefined);
    assert.deepEqual(heard.events, ['snapshot g1.1']);
    events.stop();
});

test('who is out is told why, and does not come again', async () => {
    const world = new World();
    const streams = [stream()];
    const [first] = streams;
    const { events, heard } = follow(world, streams);
    await settle();
    first.event('end', { reason: 'removed' });
    await heard.done;
    await world.pass(60000);
    assert.deepEqual(heard.end, { reason: 'removed' });
    assert.equal(events.state, 'over');
    assert.equal(world.requests.length, 1);
});

test('who is refused does not come again; who is told to wait does', async () => {
    const world = new World();
    const answers = [problem(429, 'rate_limited', { 'retry-after': '3' }), problem(409, 'not_joined')];
    world.on(`GET ${PATH}`, () => answers.shift());
    const { heard } = follow(world);
    await world.pass(2999);
    assert.equal(world.requests.length, 1);
    await world.pass(1);
    await heard.done;
    assert.equal(heard.end.reason, 'not_joined');
    assert.equal(heard.end.problem.status, 409);
});

test('stop ends it silently at any moment', async () => {
    for (const ms of [0, 100, 20100]) {
        const world = new World();
        world.on(`GET ${PATH}`, () => deferred().promise);
        const { events, heard } = follow(world);
        await world.pass(ms);
        events.stop();
        await heard.done;
        assert.equal(heard.end, undefined);
        assert.equal(world.timers.length, 0);
    }
});
