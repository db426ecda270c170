#!/usr/bin/env -S node --test-reporter=tap
// What sends in the client's core: one connection, one negotiation at a time, whatever the gateway and Janus do to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IceServers } from '../../../../gateway/web/core/media/ice_servers.js';
import { Publisher } from '../../../../gateway/web/core/media/publish.js';
import { withOpusExtras } from '../../../../gateway/web/core/media/sdp.js';
import { FakeTrack, World, deferred, json, problem, settle } from './fakes.mjs';

const POST = 'POST /v1/rooms/tea/publish';
const PUT = 'PUT /v1/rtc/*/offer';

// A world whose gateway takes everything; connections are called c1, c2 and so on.
function sending() {
    const world = new World();
    let connections = 0;
    let seq = 0;
    world.on(POST, () => json({ connection: `c${(connections += 1)}`, sdp: 'answer', seq: (seq += 1) }, 201));
    world.on(PUT, () => json({ sdp: 'answer', seq: (seq += 1) }));
    world.on('PATCH /v1/rtc/*', () => json({}));
    world.on('GET /v1/rtc/*', () => json({ state: 'up' }));
    world.on('DELETE /v1/rtc/*', () => json());
    world.on('GET /v1/rooms/tea/ice-servers', () => json({ ice_servers: ['later'] }));
    const servers = new IceServers(world.env, world.api, 'tea', ['first']);
    const publisher = new Publisher(world.env, world.api, 'tea', servers, () => world.states.push(publisher.state));
    world.states = [];
    return { world, publisher };
}

// One that is up, with sound and camera.
async function up() {
    const all = sending();
    const tracks = { audio: new FakeTrack('mic'), video: new FakeTrack('cam') };
    all.publisher.setTrack('audio', tracks.audio);
    await all.publisher.setTrack('video', tracks.video);
    all.world.peers[0].enter('connected');
    assert.equal(all.publisher.state, 'up');
    return { ...all, tracks, peer: all.world.peers[0] };
}

const closed = (publisher, reason, connection = publisher.connection) => publisher.onHint('rtc.closed', { connection, reason });

test('what is set at once goes in one offer, which says which part is what', async () => {
    const { world, publisher } = sending();
    publisher.setTrack('audio', new FakeTrack('mic'));
    publisher.setTrack('video', new FakeTrack('cam'));
    await publisher.setTrack('screen', new FakeTrack('desk'));
    const [request, ...more] = world.asked(POST);
    assert.deepEqual(request.body, { sdp: 'offer 1 mic:sendonly cam:sendonly desk:sendonly', sources: { 0: 'audio', 1: 'video', 2: 'screen' } });
    assert.ok(request.headers['idempotency-key']);
    assert.deepEqual(more, []);
    assert.deepEqual(world.asked(PUT), []);
    assert.equal(publisher.connection, 'c1');
    world.peers[0].enter('connected');
    assert.deepEqual(world.states, ['connecting', 'up']);
});

test('sound that has gone comes again by another connection, a picture by the same one', async () => {
    const { world, publisher, peer } = await up();
    await publisher.setTrack('video', null);
    await publisher.setTrack('video', new FakeTrack('cam 2'));
    assert.deepEqual([world.asked(POST).length, world.peers.length], [1, 1]);
    await publisher.setTrack('audio', null);
    await publisher.setTrack('audio', new FakeTrack('mic 2'));
    assert.deepEqual(world.asked(POST).map(({ body }) => body.sources), Array(2).fill({ 0: 'audio', 1: 'video' }));
    assert.deepEqual([publisher.connection, peer.isClosed], ['c2', true]);
});

test('sound that goes and comes before that was agreed stays where it is', async () => {
    const { world, publisher } = await up();
    publisher.setTrack('audio', null);
    await publisher.setTrack('audio', new FakeTrack('mic 2'));
    assert.equal(world.asked(POST).length, 1);
});

test('the camera is sent in three sizes, sound and screen in one', async () => {
    const { peer, publisher } = await up();
    await publisher.setTrack('screen', new FakeTrack('desk'));
    const [audio, video, screen] = peer.transceivers.map(({ sendEncodings }) => sendEncodings);
    assert.equal(audio, undefined);
    assert.deepEqual(video.map(({ rid, scaleResolutionDownBy = 1 }) => [rid, scaleResolutionDownBy]), [['f', 1], ['h', 2], ['q', 4]]);
    assert.ok(video.reduce((sum, { maxBitrate }) => sum + maxBitrate, 0) <= 1500000);
    assert.equal(screen.length, 1);
});

test('Opus is asked to correct errors and to keep silent, whatever the browser says by itself', () => {
    const sdp = (...lines) => ['v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111 63', 'a=rtpmap:111 opus/48000/2', 'a=rtpmap:63 red/48000/2',
        ...lines, 'a=fmtp:63 111/111', ''].join('\r\n');
    assert.equal(withOpusExtras(sdp('a=fmtp:111 minptime=10;useinbandfec=1')), sdp('a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1'));
    assert.equal(withOpusExtras(sdp('a=fmtp:111 minptime=10')), sdp('a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1'));
    const whole = sdp('a=fmtp:111 usedtx=1;useinbandfec=1');
    assert.equal(withOpusExtras(whole), whole);
});

test('a source that comes or goes is renegotiated on the same connection, and its part is used again', async () => {
    const { world, publisher } = await up();
    await publisher.setTrack('screen', new FakeTrack('desk'));
    await publisher.setTrack('screen', null);
    await publisher.setTrack('screen', new FakeTrack('other'));
    assert.equal(world.asked(POST).length, 1);
    assert.deepEqual(world.asked(PUT).map(({ path, body }) => [path, body.sdp, body.sources]), [
        ['/v1/rtc/c1/offer', 'offer 2 mic:sendonly cam:sendonly desk:sendonly', { 0: 'audio', 1: 'video', 2: 'screen' }],
        ['/v1/rtc/c1/offer', 'offer 3 mic:sendonly cam:sendonly -:inactive', { 0: 'audio', 1: 'video' }],
        ['/v1/rtc/c1/offer', 'offer 4 mic:sendonly cam:sendonly other:sendonly', { 0: 'audio', 1: 'video', 2: 'screen' }],
    ]);
});

test('another device takes the place of the one before without a word', async () => {
    const { world, publisher, peer } = await up();
    const other = new FakeTrack('headset');
    await publisher.setTrack('audio', other);
    assert.equal(peer.transceivers[0].sender.track, other);
    assert.deepEqual(world.asked(PUT), []);
});

test('one negotiation at a time: what is wanted meanwhile is in the next one', async () => {
    const { world, publisher } = sending();
    const answer = deferred();
    world.on(POST, () => answer.promise);
    const audio = publisher.setTrack('audio', new FakeTrack('mic'));
    await settle();
    const video = publisher.setTrack('video', new FakeTrack('cam'));
    publisher.setTrack('screen', new FakeTrack('desk'));
    await settle();
    assert.equal(world.requests.length, 1);
    answer.resolve(json({ connection: 'c1', sdp: 'answer', seq: 1 }, 201));
    await Promise.all([audio, video]);
    assert.deepEqual(world.asked(PUT).map(({ body }) => body.sources), [{ 0: 'audio', 1: 'video', 2: 'screen' }]);
});

test('when nothing is to be sent there is no connection', async () => {
    const { world, publisher, peer } = await up();
    publisher.setTrack('audio', null);
    await publisher.setTrack('video', null);
    assert.deepEqual(world.asked('DELETE /v1/rtc/*').map(({ path }) => path), ['/v1/rtc/c1']);
    assert.equal(peer.isClosed, true);
    assert.equal(publisher.state, 'idle');
});

test('a mute silences at once, and is said; an unmute is heard when it is allowed', async () => {
    const { world, publisher, tracks } = await up();
    const muting = publisher.setMuted(['audio']);
    assert.deepEqual([tracks.audio.enabled, tracks.video.enabled], [false, true]);
    await muting;
    const answer = deferred();
    world.on('PATCH /v1/rtc/*', () => answer.promise);
    const unmuting = publisher.setMuted([]);
    await settle();
    assert.equal(tracks.audio.enabled, false);
    answer.resolve(json({}));
    await unmuting;
    assert.equal(tracks.audio.enabled, true);
    assert.deepEqual(world.asked('PATCH /v1/rtc/*').map(({ body }) => body), [{ muted: ['audio'] }, { muted: [] }]);
});

test('who may not unmute himself stays silent', async () => {
    const { world, publisher, tracks } = await up();
    publisher.noteMuted(['audio']); // by a moderator
    assert.equal(tracks.audio.enabled, false);
    world.on('PATCH /v1/rtc/*', () => problem(403, 'forbidden'));
    await assert.rejects(publisher.setMuted([]), { code: 'forbidden' });
    assert.equal(tracks.audio.enabled, false);
    assert.equal(publisher.state, 'up');
});

test('what is muted stays so with another device and another connection', async () => {
    const { world, publisher } = await up();
    await publisher.setMuted(['audio']);
    const other = new FakeTrack('headset');
    await publisher.setTrack('audio', other);
    assert.equal(other.enabled, false);
    closed(publisher, 'janus_lost');
    await world.pass(1000);
    assert.equal(other.enabled, false);
});

test('a connection that was lost is made again within a second, with all its tracks', async () => {
    for (const reason of ['lost', 'janus_lost', 'interrupted', 'refused']) {
        for (const chance of [0, 0.999]) {
            const { world, publisher, peer } = await up();
            world.chance = chance;
            closed(publisher, reason);
            assert.equal(peer.isClosed, true);
            assert.equal(publisher.state, 'connecting');
            await world.pass(chance * 1000);
            const [first, second, ...more] = world.asked(POST);
            assert.deepEqual(second.body, first.body, reason);
            assert.notEqual(second.headers['idempotency-key'], first.headers['idempotency-key']);
            assert.deepEqual(more, []);
            world.peers[1].enter('connected');
            assert.equal(publisher.state, 'up');
        }
    }
});

test('one that is lost again and again is made again at longer intervals', async () => {
    const { world, publisher } = await up();
    for (let i = 0; i < 5; i += 1) {
        closed(publisher, 'refused');
        await world.pass(500 * 2 ** i - 1);
        assert.equal(world.asked(POST).length, i + 1);
        await world.pass(1);
        assert.equal(world.asked(POST).length, i + 2);
    }
});

test('one that others have ended stays so until a track is set again', async () => {
    for (const reason of ['replaced', 'not_allowed']) {
        const { world, publisher, peer } = await up();
        closed(publisher, reason);
        await world.pass(60000);
        assert.equal(world.asked(POST).length, 1);
        assert.deepEqual([publisher.state, publisher.reason, peer.isClosed], ['over', reason, true]);
        await publisher.setTrack('audio', new FakeTrack('mic'));
        assert.equal(world.asked(POST).length, 2);
        assert.equal(publisher.state, 'connecting');
    }
});

test('news of another connection mean nothing; those of a new one may come before its answer', async () => {
    const { world, publisher } = await up();
    closed(publisher, 'lost', 'c0');
    await world.pass(5000);
    assert.equal(world.asked(POST).length, 1);
    const answer = deferred();
    world.on(POST, () => answer.promise);
    closed(publisher, 'lost');
    await world.pass(1000);
    closed(publisher, 'interrupted', 'c2');
    world.on(POST, () => json({ connection: 'c3', sdp: 'answer', seq: 1 }, 201));
    answer.resolve(json({ connection: 'c2', sdp: 'answer', seq: 1 }, 201));
    await world.pass(2000);
    assert.equal(publisher.connection, 'c3');
});

test('a transport that Janus has closed is a lost connection, unless news say more', async () => {
    const { world, publisher, peer } = await up();
    peer.transport.close();
    await world.pass(1000);
    assert.equal(world.asked(POST).length, 2);
    world.peers[1].transport.close();
    closed(publisher, 'replaced', 'c2');
    await settle();
});

test('when the network fails ICE begins anew on the same connection, each time', async () => {
    const { world, publisher, peer } = await up();
    for (const n of [2, 3]) {
        peer.enter('failed');
        await settle();
        assert.equal(world.asked(PUT).at(-1).body.sdp, `offer ${n} restart mic:sendonly cam:sendonly`);
    }
    peer.enter('connected');
    await publisher.setTrack('screen', new FakeTrack('desk'));
    assert.equal(world.asked(PUT).at(-1).body.sdp, 'offer 4 mic:sendonly cam:sendonly desk:sendonly');
});

test('a connection that the gateway does not know any more is made again', async () => {
    for (const act of [(publisher) => publisher.look(), (publisher) => publisher.restart(),
        (publisher) => publisher.setTrack('screen', new FakeTrack('desk')), (publisher) => publisher.setMuted(['audio'])]) {
        const { world, publisher } = await up();
        for (const pattern of ['GET /v1/rtc/c1', 'PUT /v1/rtc/c1/offer', 'PATCH /v1/rtc/c1']) world.on(pattern, () => problem(404, 'not_found'));
        act(publisher);
        await world.pass(1000);
        assert.equal(publisher.connection, 'c2');
        assert.equal(world.asked(POST).length, 2);
    }
});

test('one that is still there is left alone', async () => {
    const { world, publisher } = await up();
    publisher.look();
    await world.pass(5000);
    assert.equal(world.asked('GET /v1/rtc/c1').length, 1);
    assert.equal(world.asked(POST).length, 1);
});

test('while the gateway is away it is tried again, with a peer of its own each time', async () => {
    const { world, publisher } = sending();
    const works = () => json({ connection: 'c1', sdp: 'answer', seq: 1 }, 201);
    world.on(POST, () => problem(503, 'media_full', { 'retry-after': '7' }));
    const settled = publisher.setTrack('audio', new FakeTrack('mic'));
    await world.pass(6999);
    assert.equal(world.asked(POST).length, 1);
    world.on(POST, works);
    await world.pass(1);
    await settled;
    const keys = world.asked(POST).map(({ headers }) => headers['idempotency-key']);
    assert.equal(new Set(keys).size, 2);
    assert.deepEqual(world.peers.map(({ isClosed }) => isClosed), [true, false]);
});

test('who may not send is told, and it is not tried again', async () => {
    const { world, publisher } = sending();
    world.on(POST, () => problem(403, 'forbidden'));
    await assert.rejects(publisher.setTrack('audio', new FakeTrack('mic')), { code: 'forbidden' });
    await world.pass(60000);
    assert.equal(world.asked(POST).length, 1);
    assert.deepEqual([publisher.state, publisher.reason, world.peers[0].isClosed], ['over', 'forbidden', true]);
});

test('a screen that is refused leaves camera and sound as they were', async () => {
    const { world, publisher, peer } = await up();
    world.on(PUT, () => problem(403, 'screen_off'));
    await assert.rejects(publisher.setTrack('screen', new FakeTrack('desk')), { code: 'screen_off' });
    await settle();
    assert.equal(peer.signalingState, 'stable');
    assert.equal(publisher.state, 'up');
    world.on(PUT, () => json({ sdp: 'answer', seq: 5 }));
    publisher.restart();
    await settle();
    assert.deepEqual(world.asked(PUT).at(-1).body, { sdp: 'offer 3 restart mic:sendonly cam:sendonly', sources: { 0: 'audio', 1: 'video' } });
});

test('an answer that the browser does not take costs one peer', async () => {
    const { world, publisher } = sending();
    world.onPeer = (peer) => { if (world.peers.length === 1) peer.refuses = 'answer'; };
    publisher.setTrack('audio', new FakeTrack('mic'));
    await world.pass(1000);
    assert.deepEqual(world.peers.map(({ isClosed, signalingState }) => [isClosed, signalingState]), [[true, 'have-local-offer'], [false, 'stable']]);
    assert.equal(publisher.connection, 'c2');
});

test('an offer whose connection is lost meanwhile means nothing', async () => {
    const { world, publisher } = await up();
    const answer = deferred();
    world.on(PUT, () => answer.promise);
    publisher.setTrack('screen', new FakeTrack('desk'));
    await settle();
    closed(publisher, 'interrupted');
    answer.resolve(problem(404, 'not_found'));
    await world.pass(1000);
    assert.equal(publisher.connection, 'c2');
    assert.deepEqual(world.asked(POST).at(-1).body.sources, { 0: 'audio', 1: 'video', 2: 'screen' });
});

test('closing ends the connection at the gateway, also one whose answer has not come', async () => {
    const first = await up();
    await first.publisher.close();
    assert.deepEqual(first.world.asked('DELETE /v1/rtc/*').map(({ path }) => path), ['/v1/rtc/c1']);
    const { world, publisher } = sending();
    const answer = deferred();
    world.on(POST, () => answer.promise);
    publisher.setTrack('audio', new FakeTrack('mic'));
    await settle();
    await publisher.close();
    answer.resolve(json({ connection: 'c9', sdp: 'answer', seq: 1 }, 201));
    await world.pass(60000);
    assert.deepEqual(world.asked('DELETE /v1/rtc/*').map(({ path }) => path), ['/v1/rtc/c9']);
    assert.equal(world.asked(POST).length, 1);
    assert.equal(world.peers[0].isClosed, true);
});
