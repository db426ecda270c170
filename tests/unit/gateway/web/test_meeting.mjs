#!/usr/bin/env -S node --test-reporter=tap
// A participant of the client's core: from coming in to being out, with all its parts together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from '../../../../gateway/web/core/api.js';
import { Meeting } from '../../../../gateway/web/core/meeting.js';
import { FakeTrack, World, json, problem, settle, stream } from './fakes.mjs';

const PEOPLE = 'POST /v1/rooms/tea/participants';
const WISH = 'PUT /v1/rooms/tea/watch';
const track = (source) => ({ source, muted: false, media: 'flowing' });
const person = (id, tracks = [], more = {}) => ({ id, name: id, role: 'participant', state: 'joined', muted: [], tracks, ...more });

// Ann in a room with bob, who sends sound.
async function inside(handlers = {}) {
    const world = new World();
    const streams = [];
    world.on('GET /v1/rooms/tea/events', () => {
        streams.push(stream());
        return streams.at(-1).response;
    });
    world.on(PEOPLE, () => json({ participant: person('ann'), token: 'lp_ann', me: { can: [] }, ice_servers: [] }, 201));
    world.on('POST /v1/rooms/tea/publish', () => json({ connection: 'p1', sdp: 'answer', seq: 1 }, 201));
    world.on(WISH, () => json({ connection: 'w1', seq: 0 }));
    world.on('GET /v1/rtc/*', () => json({}));
    world.on('DELETE /v1/rtc/*', () => json());
    world.on('DELETE /v1/rooms/tea/participants/ann', () => json());
    const meeting = await Meeting.join(world.env, new Api(world.env), 'tea', { name: 'Ann' }, handlers);
    await settle();
    const snapshot = (...people) => streams.at(-1).event('snapshot',
        { room: { name: 'Tea' }, participants: [person('ann'), ...people], me: { can: [] } }, 'g1.1');
    const tell = (name, data) => streams.at(-1).event(name, { type: name, data }, 'g1.2');
    snapshot(person('bob', [track('audio')]));
    await settle();
    return { world, meeting, streams, snapshot, tell };
}

const wishes = (world) => world.asked(WISH).map(({ body }) => body.wanted.map(({ participant, source }) => `${participant} ${source}`));

test('who comes in gets what the others send, as it comes and goes', async () => {
    const { world, meeting, tell } = await inside();
    const [join, events] = world.requests;
    assert.deepEqual(join.body, { name: 'Ann' });
    assert.equal(events.headers.authorization, 'Bearer lp_ann');
    assert.equal(meeting.id, 'ann');
    tell('track.published', { participant: person('bob', [track('audio'), track('video')]) });
    await settle();
    tell('hand.raised', { participant: person('bob', [track('audio'), track('video')], { hand_raised_at: 't' }) });
    tell('track.published', { participant: person('ann', [track('audio')]) });
    await settle();
    tell('participant.left', { participant: person('bob', [], { state: 'left' }) });
    await settle();
    assert.deepEqual(wishes(world), [['bob audio', 'bob video'], []]); // his camera was wished for before it came
});

test('who comes back as whom he was asks for his events and TURN servers, and for nothing else; closed, he stays in', async () => {
    const { world } = await inside();
    const before = world.requests.length;
    const meeting = Meeting.resume(world.env, new Api(world.env).withToken('lp_ann'), 'tea', 'ann');
    await settle();
    assert.deepEqual(world.requests.slice(before).map(({ method, path }) => `${method} ${path}`).sort(),
        ['GET /v1/rooms/tea/events', 'GET /v1/rooms/tea/ice-servers']);
    assert.equal(world.requests.at(-1).headers.authorization, 'Bearer lp_ann');
    meeting.close();
    await settle();
    assert.equal(world.asked('DELETE /v1/rooms/tea/participants/ann').length, 0);
    assert.deepEqual(meeting.state.over, { reason: 'closed' });
});

test('another wish may be made of the same room', async () => {
    const { world, meeting } = await inside();
    meeting.setWish(() => [{ participant: 'bob', source: 'video', layer: 0 }]);
    await settle();
    assert.deepEqual(world.asked(WISH).at(-1).body, { wanted: [{ participant: 'bob', source: 'video', layer: 0 }] });
});

test('news of connections go to the one that they are about', async () => {
    const { meeting, streams } = await inside();
    await meeting.setTrack('audio', new FakeTrack('mic'));
    streams.at(-1).event('rtc.closed', { connection: 'p1', kind: 'publish', reason: 'replaced' });
    streams.at(-1).event('rtc.closed', { connection: 'w1', kind: 'watch', reason: 'not_allowed' });
    await settle();
    assert.deepEqual([meeting.publisher.reason, meeting.watcher.reason], ['replaced', 'not_allowed']);
});

test('who is made mute is silent', async () => {
    const { meeting, tell } = await inside();
    const mic = new FakeTrack('mic');
    await meeting.setTrack('audio', mic);
    tell('participant.muted', { participant: person('ann', [], { muted: ['audio'] }) });
    await settle();
    assert.equal(mic.enabled, false);
});

test('after a cut both connections are looked at', async () => {
    const { world, meeting, streams, snapshot } = await inside();
    await meeting.setTrack('audio', new FakeTrack('mic'));
    streams[0].fail(new TypeError('network error'));
    await world.pass(250);
    assert.equal(streams.length, 2);
    assert.equal(world.asked('GET /v1/rtc/p1').length, 1);
    assert.equal(wishes(world).length, 2);
    snapshot(person('bob', [track('audio')]));
    await settle();
    assert.equal(wishes(world).length, 2); // it is the same one
});

test('who was away for too long comes in again as whom he was, and sends and gets again', async () => {
    const { world, meeting, streams, snapshot } = await inside();
    const mic = new FakeTrack('mic');
    await meeting.setTrack('audio', mic);
    streams[0].event('rtc.closed', { connection: 'p1', kind: 'publish', reason: 'not_allowed' });
    streams[0].event('end', { reason: 'absent' });
    await settle();
    const again = world.asked(PEOPLE).at(-1);
    assert.equal(again.headers.authorization, 'Bearer lp_ann');
    assert.equal(streams.length, 2);
    assert.equal(world.asked('GET /v1/rooms/tea/events').at(-1).headers['last-event-id'], undefined);
    snapshot(person('bob', [track('audio')]));
    await settle();
    assert.equal(world.asked('POST /v1/rooms/tea/publish').length, 2);
    assert.deepEqual(wishes(world), [['bob audio', 'bob video'], ['bob audio', 'bob video']]);
    assert.equal(meeting.state.over, undefined);
});

test('who may not come in again is out', async () => {
    const { world, meeting, streams } = await inside();
    world.on(PEOPLE, () => problem(403, 'removed'));
    streams[0].event('end', { reason: 'absent' });
    await settle();
    assert.deepEqual(meeting.state.over, { reason: 'removed' });
});

test('who was taken out has no connection any more, and does not come again', async () => {
    const { world, meeting, streams } = await inside();
    await meeting.setTrack('audio', new FakeTrack('mic'));
    streams[0].event('end', { reason: 'removed' });
    await settle();
    await world.pass(120000);
    assert.deepEqual(meeting.state.over, { reason: 'removed' });
    assert.equal(world.peers[0].isClosed, true);
    assert.equal(world.asked(PEOPLE).length, 1);
    assert.equal(streams.length, 1);
});

test('leaving ends everything at the gateway', async () => {
    const { world, meeting } = await inside();
    await meeting.setTrack('audio', new FakeTrack('mic'));
    await meeting.leave();
    assert.deepEqual(world.requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path).sort(),
        ['/v1/rooms/tea/participants/ann', '/v1/rtc/p1', '/v1/rtc/w1']);
    assert.deepEqual(meeting.state.over, { reason: 'left' });
    await world.pass(120000);
    assert.equal(world.timers.length, 0);
});

test('a track that is refused is not sent when he comes back', async () => {
    const { world, meeting, streams } = await inside();
    world.on('POST /v1/rooms/tea/publish', () => problem(403, 'forbidden'));
    await assert.rejects(meeting.setTrack('audio', new FakeTrack('mic')), { code: 'forbidden' });
    streams[0].event('end', { reason: 'absent' });
    await settle();
    assert.equal(world.asked('POST /v1/rooms/tea/publish').length, 1);
});
