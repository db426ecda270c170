#!/usr/bin/env -S node --test-reporter=tap
// TURN servers in the client's core: what connections are made with, and when others are asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from '../../../../gateway/web/core/api.js';
import { IceServers } from '../../../../gateway/web/core/media/ice_servers.js';
import { Publisher } from '../../../../gateway/web/core/media/publish.js';
import { Meeting } from '../../../../gateway/web/core/meeting.js';
import { FakeTrack, World, json, problem, settle, stream } from './fakes.mjs';

const SERVERS = 'GET /v1/rooms/tea/ice-servers';
const FRESH_MS = 10000;

function asking(...answers) {
    const world = new World();
    world.on(SERVERS, () => answers.shift()());
    return world;
}

const named = (name) => () => json({ ice_servers: [{ urls: [name] }] });
const none = () => problem(404, 'no_such_room');
const nameOf = (servers) => servers[0]?.urls[0];

test('what was told at first is good for a moment, and then asked for again', async () => {
    const world = asking(named('second'), named('third'));
    const servers = new IceServers(world.env, world.api, 'tea', [{ urls: ['first'] }]);
    world.time += FRESH_MS - 1;
    assert.equal(nameOf(await servers.get()), 'first');
    world.time += 1;
    assert.equal(nameOf(await servers.get()), 'second');
    assert.equal(nameOf(await servers.get()), 'second');
    world.time += FRESH_MS;
    assert.equal(nameOf(await servers.get()), 'third');
});

test('two that look for their ways at once ask once', async () => {
    const world = asking(named('only'));
    const servers = new IceServers(world.env, world.api, 'tea');
    assert.deepEqual((await Promise.all([servers.get(), servers.get()])).map(nameOf), ['only', 'only']);
    assert.equal(world.asked(SERVERS).length, 1);
});

test('where others cannot be had, the last ones are all there is', async () => {
    const world = asking(none, none, named('second'));
    const unknown = new IceServers(world.env, world.api, 'tea');
    assert.deepEqual(await unknown.get(), []);
    const servers = new IceServers(world.env, world.api, 'tea', [{ urls: ['first'] }]);
    world.time += FRESH_MS;
    assert.equal(nameOf(await servers.get()), 'first');
    assert.equal(nameOf(await servers.get()), 'second');
});

test('a connection is made with them, and looks for its ways again with fresh ones', async () => {
    const world = asking(named('second'));
    world.on('POST /v1/rooms/tea/publish', () => json({ connection: 'c1', sdp: 'answer', seq: 1 }, 201));
    world.on('PUT /v1/rtc/c1/offer', () => json({ sdp: 'answer', seq: 2 }));
    const publisher = new Publisher(world.env, world.api, 'tea', new IceServers(world.env, world.api, 'tea', [{ urls: ['first'] }]));
    await publisher.setTrack('audio', new FakeTrack('mic'));
    const [peer] = world.peers;
    assert.equal(nameOf(peer.config.iceServers), 'first');
    world.time += FRESH_MS;
    publisher.restart();
    await settle();
    assert.deepEqual([nameOf(peer.config.iceServers), peer.config.bundlePolicy, peer.offers], ['second', 'max-bundle', 2]);
});

test('a connection that is closed while they are asked for is not made', async () => {
    const world = new World();
    let answer;
    world.on(SERVERS, () => new Promise((resolve) => { answer = () => resolve(json({ ice_servers: [] })); }));
    const publisher = new Publisher(world.env, world.api, 'tea', new IceServers(world.env, world.api, 'tea'));
    publisher.setTrack('audio', new FakeTrack('mic')).catch(() => {});
    await settle();
    publisher.close();
    answer();
    await settle();
    assert.equal(world.peers.length, 0);
});

test('who has waited asks for them when he is in', async () => {
    const world = asking(named('turn'));
    world.on('GET /v1/rooms/tea/events', () => stream().response);
    world.on('POST /v1/rooms/tea/participants', () => json({ participant: { id: 'ann', state: 'waiting' }, token: 'lp_ann', me: { can: [] }, ice_servers: [] }, 202));
    const meeting = await Meeting.join(world.env, new Api(world.env), 'tea', { name: 'Ann' });
    assert.equal(nameOf(await meeting.servers.get()), 'turn');
    assert.equal(world.asked(SERVERS)[0].headers.authorization, 'Bearer lp_ann');
});
