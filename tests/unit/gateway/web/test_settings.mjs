#!/usr/bin/env -S node --test-reporter=tap
// What the settings of a room send, who may give which role, the file for a calendar, and what is read of a connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';
import { World, json } from './fakes.mjs';

const { changesOf, optionsOf, ownRole, rolesBelow, readRoom, changeRoom, makeInvitation, localInput, timeOfInput, nextHour, calendarFile, knownFormats, wayOf, measureServer } =
    await loadTypeScript('state/room_settings.ts', 'state/local_time.ts', 'state/calendar.ts', 'state/connection_test.ts');

const room = {
    id: '7', name: 'Reading', access: 'open', guests_wait: true, lobby: false, locked: false, has_pin: false, participants_max: 100,
    publishers_max: 20, chat: true, screen_share: true, mute_on_entry: false, unmute: 'self', created_at: '2026-01-01T00:00:00Z',
};
const END = '2027-03-04T10:00:00.000Z';

test('a form that nobody has changed sends nothing', () => {
    for (const one of [room, { ...room, has_pin: true, expires_at: END }]) assert.deepEqual(changesOf(one, optionsOf(one)), {});
});

test('what was changed is sent, and no more', () => {
    const form = { ...optionsOf(room), name: 'Writing', lobby: true, participants_max: '12', unmute: 'moderators' };
    assert.deepEqual(changesOf(room, form), { name: 'Writing', lobby: true, participants_max: 12, unmute: 'moderators' });
});

test('a pin is set, changed, kept and taken away', () => {
    const withPin = { ...room, has_pin: true };
    assert.deepEqual(changesOf(room, { ...optionsOf(room), hasPin: true, pin: '1234' }), { pin: '1234' });
    assert.deepEqual(changesOf(withPin, { ...optionsOf(withPin), pin: '5678' }), { pin: '5678' });
    assert.deepEqual(changesOf(withPin, { ...optionsOf(withPin), hasPin: false }), { pin: null });
    assert.deepEqual(changesOf(room, { ...optionsOf(room), hasPin: false, pin: '1234' }), {});
});

test('an end is set, and taken away', () => {
    const endsAt = localInput(new Date(END));
    assert.deepEqual(changesOf(room, { ...optionsOf(room), ends: true, endsAt }), { expires_at: END });
    const ending = { ...room, expires_at: END };
    assert.deepEqual(changesOf(ending, { ...optionsOf(ending), ends: false }), { expires_at: null });
});

test('how much each may send is said in kbit/s and sent in bits; empty or nothing is as the service says', () => {
    assert.equal(optionsOf(room).bitrate, '');
    assert.deepEqual(changesOf(room, { ...optionsOf(room), bitrate: '800' }), { bitrate: 800000 });
    const limited = { ...room, bitrate: 800400 };
    assert.equal(optionsOf(limited).bitrate, '800');
    assert.deepEqual(changesOf(limited, optionsOf(limited)), {});
    for (const none of ['', '0']) assert.deepEqual(changesOf(limited, { ...optionsOf(limited), bitrate: none }), { bitrate: null });
});

test('one gives roles below the own one; an admin acts as the owner', () => {
    assert.deepEqual(['owner', 'moderator', 'participant', undefined].map(rolesBelow),
        [['viewer', 'participant', 'moderator'], ['viewer', 'participant'], [], []]);
    assert.equal(ownRole({ ...room, role: 'viewer' }, { role: 'admin' }), 'owner');
    assert.equal(ownRole({ ...room, role: 'viewer' }, { role: 'member' }), 'viewer');
});

test('a room is changed as it was read', async () => {
    const world = new World();
    const tagged = (tag) => new Response(JSON.stringify(room), { headers: { 'content-type': 'application/json', etag: tag } });
    world.on('GET /v1/rooms/7', () => tagged('"3"'));
    world.on('PATCH /v1/rooms/7', () => tagged('"4"'));
    const changed = await changeRoom(world.api, await readRoom(world.api, '7'), { lobby: true });
    assert.equal(world.requests[1].headers['if-match'], '"3"');
    assert.deepEqual(world.requests[1].body, { lobby: true });
    assert.equal(changed.tag, '"4"');
});

test('an invitation says only what was filled in', async () => {
    const world = new World();
    world.on('POST /v1/rooms/7/invitations', () => json({ id: '1' }));
    const now = Date.parse('2026-01-01T00:00:00Z');
    await makeInvitation(world.api, world.env, room, { role: 'viewer', label: '', maxUses: '', validForMs: undefined }, now);
    await makeInvitation(world.api, world.env, room, { role: 'viewer', label: 'Club', maxUses: '3', validForMs: 3600000 }, now);
    assert.deepEqual(world.requests.map(({ body }) => body),
        [{ role: 'viewer' }, { role: 'viewer', label: 'Club', max_uses: 3, expires_at: '2026-01-01T01:00:00.000Z' }]);
});

test('a time goes into a field and comes back', () => {
    const time = new Date(2026, 2, 4, 5, 6);
    assert.equal(localInput(time), '2026-03-04T05:06');
    assert.equal(timeOfInput('2026-03-04T05:06'), time.toISOString());
    for (const text of ['', 'soon']) assert.equal(timeOfInput(text), undefined);
});

test('the next hour is at least a quarter of one away', () => {
    const at = (hours, minutes) => new Date(2026, 0, 1, hours, minutes);
    assert.deepEqual([nextHour(at(8, 0)), nextHour(at(8, 45)), nextHour(at(8, 46))], [at(9, 0), at(9, 0)].concat(at(10, 0)));
});

const event = { uid: '7@lynks', title: 'Reading; writing, and more', text: 'Join:\nhttps://a.example/x', url: 'https://a.example/x', begin: new Date('2026-01-01T10:00:00Z'), minutes: 90 };

test('a calendar has begin and end in UTC, and what has a meaning there is escaped', () => {
    const lines = calendarFile(event, new Date('2025-12-31T00:00:00.123Z')).split('\r\n');
    for (const line of ['DTSTAMP:20251231T000000Z', 'DTSTART:20260101T100000Z', 'DTEND:20260101T113000Z', 'SUMMARY:Reading\\; writing\\, and more',
        'DESCRIPTION:Join:\\nhttps://a.example/x', 'URL:https://a.example/x']) assert.ok(lines.includes(line), line);
    assert.deepEqual([lines[0], ...lines.slice(-3)], ['BEGIN:VCALENDAR', 'END:VEVENT', 'END:VCALENDAR', '']);
});

test('no line of it is longer than 75 bytes, and put together they are what was meant', () => {
    const title = 'Ä😀 '.repeat(60);
    const text = calendarFile({ ...event, title }, new Date(0));
    for (const line of text.split('\r\n')) assert.ok(Buffer.byteLength(line) <= 75, line);
    assert.ok(text.replaceAll('\r\n ', '').includes(`SUMMARY:${title}`));
});

test('of the formats of a browser those count that meetings take', () => {
    assert.deepEqual(knownFormats([{ mimeType: 'video/rtx' }, { mimeType: 'video/H264' }, { mimeType: 'video/VP9' }]), ['H264']);
});

test('the way of media is the pair that was chosen, of what either browser says', () => {
    const pair = { id: 'p', type: 'candidate-pair', localCandidateId: 'l', currentRoundTripTime: 0.0123 };
    const local = { id: 'l', type: 'local-candidate', protocol: 'udp' };
    const other = { id: 'q', type: 'candidate-pair', nominated: true, state: 'failed', localCandidateId: 'm', currentRoundTripTime: 9 };
    assert.deepEqual(wayOf([other, pair, local, { id: 't', type: 'transport', selectedCandidatePairId: 'p' }]), { protocol: 'UDP', roundTripMs: 12 });
    assert.deepEqual(wayOf([other, { ...pair, nominated: true, state: 'succeeded' }, local]), { protocol: 'UDP', roundTripMs: 12 });
    const relayed = { ...local, candidateType: 'relay', relayProtocol: 'tcp' };
    assert.deepEqual(wayOf([{ ...pair, nominated: true, state: 'succeeded' }, relayed]), { protocol: 'TURN/TCP', roundTripMs: 12 });
});

test('the server is measured by the median of three answers', async () => {
    const world = new World();
    const times = [300, 10, 20];
    world.on('GET /v1/info', async () => {
        await new Promise((resolve) => { world.env.after(times.shift(), resolve); });
        return json({});
    });
    const measuring = measureServer(world.env, world.api);
    await world.pass(400);
    assert.equal(await measuring, 20);
});
