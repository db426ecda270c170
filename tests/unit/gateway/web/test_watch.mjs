#!/usr/bin/env -S node --test-reporter=tap
// What gets in the client's core: the whole wish, one offer after the other, whatever news come early, late, twice or never.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IceServers } from '../../../../gateway/web/core/media/ice_servers.js';
import { Watcher } from '../../../../gateway/web/core/media/watch.js';
import { World, deferred, json, problem, settle } from './fakes.mjs';

const WISH = 'PUT /v1/rooms/tea/watch';
const OFFER = 'GET /v1/rooms/tea/watch/offer';
const ANSWER = 'PUT /v1/rooms/tea/watch/answer';
const RESTART = 'POST /v1/rtc/*/restart';
const wish = (participant, source = 'video', more = {}) => ({ participant, source, ...more });

// A gateway that watches: connection and seq are those of its last offer, parts what is in it.
class Gateway {
    connection = 'c1';
    seq = 0;
    parts = [];
    answered = new Set(); // seqs

    /// Janus makes an offer with these parts.
    offer(...parts) {
        this.seq += 1;
        this.parts = parts.map(([mid, participant, source = 'video']) => ({ mid, participant, source }));
    }

    /// Another connection instead.
    begin(connection) {
        this.connection = connection;
        this.seq = 0;
        this.parts = [];
        this.answered.clear();
    }
}

function watching() {
    const world = new World();
    const gateway = new Gateway();
    const heard = { states: [], layers: [] };
    world.on(WISH, () => json({ connection: gateway.connection, seq: gateway.seq }));
    world.on(OFFER, () => (gateway.seq === 0 || gateway.answered.has(gateway.seq) ? problem(404, 'not_found')
        : json({ connection: gateway.connection, seq: gateway.seq,
            sdp: `offer ${gateway.seq}: ${gateway.parts.map(({ mid }) => mid).join(' ')}`, streams: gateway.parts })));
    world.on(ANSWER, ({ body }) => {
        if (body.seq !== gateway.seq) return problem(409, 'stale_offer');
        gateway.answered.add(body.seq);
        return json();
    });
    world.on(RESTART, () => json(undefined, 202));
    world.on('DELETE /v1/rtc/*', () => json());
    world.on('GET /v1/rooms/tea/ice-servers', () => json({ ice_servers: ['later'] }));
    const servers = new IceServers(world.env, world.api, 'tea', ['first']);
    const watcher = new Watcher(world.env, world.api, 'tea', servers, {
        onChange: () => { if (heard.states.at(-1) !== watcher.state) heard.states.push(watcher.state); },
        onLayer: (layer) => heard.layers.push(layer),
    });
    const hint = (name, more = {}) => watcher.onHint(name, { connection: gateway.connection, seq: gateway.seq, ...more });
    return { world, gateway, watcher, heard, hint };
}

// One that gets ann's camera.
async function up() {
    const all = watching();
    all.gateway.offer(['0', 'ann']);
    await all.watcher.want([wish('ann')]);
    all.world.peers[0].enter('connected');
    all.world.requests.length = 0;
    return { ...all, peer: all.world.peers[0] };
}

const shown = (watcher) => watcher.streams.map(({ mid, participant, source }) => `${mid} ${participant} ${source}`);
const answers = (world) => world.asked(ANSWER).map(({ body }) => body.seq);

test('the whole wish is said, and the offer that is there is answered', async () => {
    const { world, gateway, watcher, heard } = watching();
    gateway.offer(['0', 'ann', 'audio'], ['1', 'ann']);
    const wanted = [wish('ann', 'audio'), wish('ann', 'video', { layer: 1, paused: true })];
    await watcher.want(wanted);
    assert.deepEqual(world.asked(WISH).map(({ body }) => body), [{ wanted }]);
    assert.deepEqual(world.asked(ANSWER).map(({ body }) => body), [{ seq: 1, sdp: 'answer to offer 1: 0 1' }]);
    assert.deepEqual(shown(watcher), ['0 ann audio', '1 ann video']);
    const [, video] = world.peers[0].transceivers;
    assert.equal(watcher.streams[1].track, video.receiver.track);
    world.peers[0].enter('connected');
    assert.deepEqual(heard.states, ['connecting', 'up']);
});

test('who wants nothing asks for nothing', async () => {
    const { world, watcher } = watching();
    await watcher.want([]);
    await world.pass(60000);
    assert.deepEqual(world.requests, []);
    assert.equal(watcher.state, 'idle');
});

test('an offer that comes later is told of, fetched and answered once', async () => {
    const { world, gateway, watcher, hint } = await up();
    await watcher.want([wish('ann'), wish('bob')]);
    gateway.offer(['0', 'ann'], ['1', 'bob']);
    hint('rtc.offer');
    hint('rtc.offer');
    await settle();
    assert.deepEqual(answers(world), [2]);
    assert.deepEqual(shown(watcher), ['0 ann video', '1 bob video']);
    hint('rtc.offer');
    hint('rtc.offer', { seq: 1 });
    await settle();
    assert.equal(world.asked(OFFER).length, 1);
});

test('a part in which nothing comes shows nothing, and may be used again by somebody else', async () => {
    const { gateway, watcher, hint, peer } = await up();
    gateway.seq += 1;
    gateway.parts = [{ mid: '0' }];
    hint('rtc.offer');
    await settle();
    assert.deepEqual(shown(watcher), []);
    gateway.offer(['0', 'bob', 'screen']);
    hint('rtc.offer');
    await settle();
    assert.deepEqual(shown(watcher), ['0 bob screen']);
    assert.equal(watcher.streams[0].track, peer.transceivers[0].receiver.track);
});

test('one negotiation at a time: an offer that comes meanwhile is the next', async () => {
    const { world, gateway, hint } = await up();
    const answer = deferred();
    gateway.offer(['0', 'ann'], ['1', 'bob']);
    world.on(ANSWER, () => answer.promise);
    hint('rtc.offer');
    await settle();
    gateway.offer(['0', 'ann'], ['1', 'bob'], ['2', 'cid']);
    hint('rtc.offer');
    await settle();
    assert.equal(world.asked(OFFER).length, 1);
    world.on(ANSWER, () => json());
    answer.resolve(json());
    await settle();
    assert.deepEqual(answers(world), [2, 3]);
    assert.equal(world.peers.length, 1);
});

test('an answer that comes too late is for nothing: the later offer is fetched', async () => {
    const { world, gateway, watcher, hint } = await up();
    const answer = deferred();
    gateway.offer(['0', 'ann'], ['1', 'bob']);
    world.on(ANSWER, () => answer.promise);
    hint('rtc.offer');
    await settle();
    gateway.offer(['0', 'ann'], ['1', 'cid']);
    world.on(ANSWER, () => json());
    answer.resolve(problem(409, 'stale_offer'));
    await settle();
    assert.deepEqual(answers(world), [2, 3]);
    assert.deepEqual(shown(watcher), ['0 ann video', '1 cid video']);
});

test('an offer that is told of and not there is waited for, at growing intervals', async () => {
    const { world, gateway, watcher, hint } = await up();
    hint('rtc.offer', { seq: 2 });
    await world.pass(10000);
    const asked = world.asked(OFFER).length;
    assert.ok(asked >= 3 && asked <= 8, `${asked} times in ten seconds`);
    gateway.offer(['0', 'bob']);
    await world.pass(10000);
    assert.deepEqual(shown(watcher), ['0 bob video']);
    assert.deepEqual(answers(world), [2]);
});

test('an answer whose own answer is lost is said again, not made again', async () => {
    const { world, gateway, hint, peer } = await up();
    gateway.offer(['0', 'ann'], ['1', 'bob']);
    world.on(ANSWER, () => { throw new TypeError('Failed to fetch'); });
    hint('rtc.offer');
    await world.pass(5000);
    world.on(ANSWER, () => json());
    await world.pass(20000);
    assert.equal(new Set(world.asked(ANSWER).map(({ body }) => JSON.stringify(body))).size, 1);
    assert.deepEqual(peer.descriptions.map(({ type }) => type), ['offer', 'answer', 'offer', 'answer']);
});

test('an answer is said until the gateway says that it has it, and the offer is not fetched again for that', async () => {
    const { world, gateway, hint, peer } = await up();
    gateway.offer(['0', 'ann'], ['1', 'bob']);
    let lost = 12; // the gateway has had it, and its word of that was lost
    world.on(ANSWER, ({ body }) => {
        gateway.answered.add(body.seq);
        lost -= 1;
        if (lost >= 0) throw new TypeError('Failed to fetch');
        return json();
    });
    hint('rtc.offer');
    await world.pass(120000);
    assert.equal(lost, -1);
    assert.equal(world.asked(OFFER).length, 1);
    assert.equal(world.peers.at(-1), peer);
});

test('what is wanted is said again when the stream was cut off, and when another bridge looks after it', async () => {
    const { world, gateway, watcher, hint } = await up();
    hint('rtc.resumed');
    await settle();
    assert.deepEqual(world.asked(WISH).map(({ body }) => body), [{ wanted: [wish('ann')] }]);
    gateway.offer(['0', 'ann']); // and its news were missed
    watcher.look();
    await settle();
    assert.equal(world.asked(WISH).length, 2);
    assert.deepEqual(answers(world), [1, 2]);
    assert.equal(world.peers.length, 1);
});

test('another bridge is told the last answer again, for the one before may have had it and not passed it on', async () => {
    const { world, gateway, watcher, hint } = await up();
    gateway.offer(['0', 'ann'], ['1', 'bob']);
    hint('rtc.offer');
    await settle();
    assert.deepEqual(answers(world), [2]);
    gateway.answered.delete(2);
    hint('rtc.resumed');
    await settle();
    assert.deepEqual(answers(world), [2, 2]);
    assert.equal(world.peers.length, 1);
    assert.deepEqual(shown(watcher), ['0 ann video', '1 bob video']);
});

test('an offer that a bridge took with it is forgotten', async () => {
    const { world, hint } = await up();
    world.on(OFFER, () => problem(503, 'unavailable'));
    hint('rtc.offer', { seq: 2 });
    await world.pass(100);
    hint('rtc.resumed');
    await world.pass(60000);
    const asked = world.asked(OFFER).length;
    await world.pass(60000);
    assert.equal(world.asked(OFFER).length, asked);
});

test('if what is wanted is missing for long it is said again, less and less often', async () => {
    const { world, gateway, watcher } = await up();
    await watcher.want([wish('ann'), wish('bob')]);
    const times = [];
    for (let seen = 1; world.time < 120000; await world.pass(500)) {
        if (world.asked(WISH).length > seen) times.push(world.time);
        seen = world.asked(WISH).length;
    }
    assert.deepEqual(times, [3000, 9000, 21000, 45000, 93000]);
    gateway.offer(['0', 'ann'], ['1', 'bob']);
    await world.pass(50000);
    assert.deepEqual(shown(watcher), ['0 ann video', '1 bob video']);
    const said = world.asked(WISH).length;
    await world.pass(200000);
    assert.equal(world.asked(WISH).length, said);
});

test('what is wished for ahead is said, and not missed while it does not come', async () => {
    const { world, gateway, watcher, heard, hint } = watching();
    await watcher.want([wish('ann', 'video', { isAhead: true })]);
    assert.deepEqual(world.asked(WISH).map(({ body }) => body), [{ wanted: [wish('ann')] }]);
    await world.pass(200000);
    assert.equal(world.asked(WISH).length, 1);
    assert.equal(watcher.state, 'idle');
    assert.deepEqual(heard.states, []);
    gateway.offer(['0', 'ann']);
    hint('rtc.offer');
    await settle();
    assert.deepEqual(shown(watcher), ['0 ann video']);
    world.peers[0].enter('connected');
    assert.equal(watcher.state, 'up');
});

test('what comes to be sent as it was wished for ahead is not said again', async () => {
    const { world, watcher } = watching();
    await watcher.want([wish('ann'), wish('ann', 'audio', { isAhead: true })]);
    await watcher.want([wish('ann', 'audio'), wish('ann')]);
    assert.equal(world.asked(WISH).length, 1);
    await watcher.want([wish('ann', 'audio')]);
    assert.equal(world.asked(WISH).length, 2);
});

test('a connection that was lost is made again within a second, and all that is wanted comes again', async () => {
    for (const reason of ['lost', 'janus_lost', 'interrupted', 'refused']) {
        const { world, gateway, watcher, hint, peer } = await up();
        world.chance = 0.999;
        hint('rtc.closed', { reason });
        assert.equal(peer.isClosed, true);
        assert.deepEqual(shown(watcher), []);
        gateway.begin('c2');
        gateway.offer(['0', 'ann']);
        await world.pass(998);
        assert.deepEqual(world.requests, []);
        await world.pass(1);
        assert.equal(watcher.connection, 'c2');
        assert.deepEqual(shown(watcher), ['0 ann video']);
        assert.equal(world.peers.length, 2);
    }
});

test('one that others have ended stays so until something is wanted anew', async () => {
    const { world, gateway, watcher, hint } = await up();
    hint('rtc.closed', { reason: 'replaced' });
    gateway.begin('c2');
    watcher.look();
    await world.pass(60000);
    assert.deepEqual(world.requests, []);
    assert.deepEqual([watcher.state, watcher.reason], ['over', 'replaced']);
    await watcher.want([wish('ann')]);
    assert.equal(world.asked(WISH).length, 1);
});

test('a wish that is answered for another connection begins anew', async () => {
    const { world, gateway, watcher, peer } = await up();
    gateway.begin('c2');
    gateway.offer(['0', 'ann']);
    watcher.look();
    await settle();
    assert.equal(peer.isClosed, true);
    assert.deepEqual([watcher.connection, ...shown(watcher)], ['c2', '0 ann video']);
    assert.deepEqual(answers(world), [1]);
});

test('news that come before the answer to the wish count', async () => {
    const { world, gateway, watcher, hint } = watching();
    const said = deferred();
    world.on(WISH, () => said.promise);
    const done = watcher.want([wish('ann')]);
    await settle();
    gateway.offer(['0', 'ann']);
    hint('rtc.offer');
    said.resolve(json({ connection: 'c1', seq: 0 }));
    await done;
    assert.deepEqual(shown(watcher), ['0 ann video']);
});

test('a connection that was over before its wish was answered is made again', async () => {
    const { world, gateway, watcher, hint } = watching();
    const said = deferred();
    world.on(WISH, () => said.promise);
    watcher.want([wish('ann')]);
    await settle();
    hint('rtc.closed', { reason: 'interrupted' });
    gateway.begin('c2');
    gateway.offer(['0', 'ann']);
    world.on(WISH, () => json({ connection: 'c2', seq: 1 }));
    said.resolve(json({ connection: 'c1', seq: 0 }));
    await world.pass(1000);
    assert.deepEqual([watcher.connection, ...shown(watcher)], ['c2', '0 ann video']);
});

test('a connection that a page before had is ended, and another one made', async () => {
    const { world, gateway, watcher } = watching();
    gateway.offer(['0', 'ann']);
    gateway.answered.add(1);
    world.on('DELETE /v1/rtc/c1', () => {
        gateway.begin('c2');
        gateway.offer(['0', 'ann']);
        return json();
    });
    await watcher.want([wish('ann')]);
    assert.equal(watcher.connection, 'c2');
    assert.deepEqual(shown(watcher), ['0 ann video']);
    assert.equal(world.peers.length, 1);
});

test('so is one of which another offer is under way: it is for who has answered the one before', async () => {
    const { world, gateway, watcher } = watching();
    gateway.offer(['0', 'ann']);
    gateway.answered.add(1);
    gateway.offer(['0', 'ann'], ['1', 'bob']);
    world.on('DELETE /v1/rtc/c1', () => {
        gateway.begin('c2');
        gateway.offer(['0', 'ann']);
        return json();
    });
    await watcher.want([wish('ann')]);
    assert.deepEqual([watcher.connection, world.peers.length, world.asked(ANSWER).length], ['c2', 1, 1]);
});

test('while that one does not end it is not asked for again and again', async () => {
    const { world, gateway, watcher } = watching();
    gateway.offer(['0', 'ann']);
    gateway.answered.add(1);
    watcher.want([wish('ann')]);
    await world.pass(10000);
    const ended = world.asked('DELETE /v1/rtc/c1').length;
    assert.ok(ended >= 2 && ended <= 6, `${ended} times in ten seconds`);
    gateway.begin('c2');
    gateway.offer(['0', 'ann']);
    await world.pass(30000);
    assert.deepEqual(shown(watcher), ['0 ann video']);
});

test('a transport that Janus has closed is a lost connection', async () => {
    const { world, gateway, watcher, peer } = await up();
    gateway.begin('c2');
    peer.transport.close();
    assert.equal(watcher.state, 'connecting');
    await world.pass(1000);
    assert.equal(watcher.connection, 'c2');
});

test('when the network fails Janus is asked for an offer with new credentials', async () => {
    const { world, gateway, watcher, hint, peer } = await up();
    peer.enter('failed');
    await settle();
    assert.deepEqual(world.asked(RESTART).map(({ path }) => path), ['/v1/rtc/c1/restart']);
    gateway.offer(['0', 'ann']);
    hint('rtc.offer');
    await settle();
    assert.deepEqual(answers(world), [2]);
    assert.equal(world.peers.length, 1);
    peer.enter('connected');
    assert.equal(watcher.state, 'up');
    await world.pass(60000);
    assert.equal(world.asked(RESTART).length, 1);
});

test('while nothing comes it is not up; when something comes again it is, without a word to anybody', async () => {
    const { world, watcher, peer } = await up();
    peer.enter('disconnected');
    await world.pass(10000);
    assert.equal(watcher.state, 'connecting');
    peer.enter('connected');
    assert.equal(watcher.state, 'up');
    assert.equal(world.asked(RESTART).length, 0);
    assert.equal(world.peers.length, 1);
});

test('news of the restart that are lost are asked for', async () => {
    const { world, gateway, peer } = await up();
    peer.enter('failed');
    await settle();
    gateway.offer(['0', 'ann']);
    await world.pass(3000);
    assert.deepEqual(answers(world), [2]);
});

test('a restart waits while there is an offer under way, and makes it again if there is no such connection', async () => {
    const { world, gateway, watcher, peer } = await up();
    world.on(RESTART, () => problem(409, 'conflict'));
    peer.enter('failed');
    await world.pass(400);
    assert.equal(world.asked(RESTART).length, 2);
    gateway.begin('c2');
    gateway.offer(['0', 'ann']);
    world.on(RESTART, () => problem(404, 'not_found'));
    await world.pass(3000);
    assert.equal(watcher.connection, 'c2');
});

test('an offer that the browser does not take costs one peer', async () => {
    const { world, gateway, watcher } = watching();
    gateway.offer(['0', 'ann']);
    world.onPeer = (peer) => { if (world.peers.length === 1) peer.refuses = 'offer'; };
    watcher.want([wish('ann')]);
    await world.pass(1000);
    assert.deepEqual(world.peers.map(({ isClosed }) => isClosed), [true, false]);
    assert.deepEqual(shown(watcher), ['0 ann video']);
});

test('who may not watch is told; what passes is waited for', async () => {
    const { world, gateway, watcher } = watching();
    world.on(WISH, () => problem(403, 'forbidden'));
    await assert.rejects(watcher.want([wish('ann')]), { code: 'forbidden' });
    assert.deepEqual([watcher.state, watcher.reason], ['over', 'forbidden']);
    world.on(WISH, () => problem(503, 'media_full', { 'retry-after': '6' }));
    const settled = watcher.want([wish('ann')]);
    await world.pass(1);
    gateway.offer(['0', 'ann']);
    world.on(WISH, () => json({ connection: 'c1', seq: 1 }));
    await world.pass(6000);
    await settled;
    assert.deepEqual(shown(watcher), ['0 ann video']);
});

test('the layer that comes is told', async () => {
    const { heard, hint } = await up();
    hint('rtc.layer', { mid: '0', participant: 'ann', source: 'video', layer: 0 });
    hint('rtc.layer', { connection: 'c0', mid: '0', participant: 'ann', source: 'video', layer: 1 });
    assert.deepEqual(heard.layers, [{ participant: 'ann', source: 'video', layer: 0 }]);
});

test('no more is wanted than fits into one description', async () => {
    const { world, watcher } = watching();
    await watcher.want(Array.from({ length: 100 }, (_, i) => wish(`p${i}`)));
    assert.equal(world.asked(WISH)[0].body.wanted.length, 80);
    await watcher.close();
});

test('closing ends the connection at the gateway, also one whose wish was not answered', async () => {
    const first = await up();
    await first.watcher.close();
    assert.deepEqual(first.world.asked('DELETE /v1/rtc/*').map(({ path }) => path), ['/v1/rtc/c1']);
    assert.equal(first.peer.isClosed, true);
    assert.equal(first.world.timers.length, 0);
    const { world, watcher } = watching();
    const said = deferred();
    world.on(WISH, () => said.promise);
    watcher.want([wish('ann')]);
    await settle();
    await watcher.close();
    said.resolve(json({ connection: 'c9', seq: 1 }));
    await world.pass(60000);
    assert.deepEqual(world.requests.slice(1).map(({ method, path }) => `${method} ${path}`), ['DELETE /v1/rtc/c9']);
});
