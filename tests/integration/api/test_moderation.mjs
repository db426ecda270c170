#!/usr/bin/env -S node --test-reporter=tap
// Guests, the lobby, invitations, bans and the chat, through two gateways: who may see what, who is out and stays out, and what is
// told nobody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openEvents } from '../../support/event-stream.mjs';
import { startOwnGateway } from '../../support/own-gateway.mjs';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const PASSWORD = 'open it now';
const PIN = '271828';

let stack;
let second; // a gateway
let secondLog;
const people = {}; // name -> token
const secrets = []; // that were given to somebody

before(async () => {
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_LOGIN_ADDRESS_BURST: '1000', LYNKS_CREATE_BURST: '10000', LYNKS_AWAY_S: '300',
        LYNKS_JOIN_BURST: '100000', LYNKS_ROOM_CODE_BURST: '10000', LYNKS_ROOM_PIN_BURST: '10000' });
    second = await startOwnGateway(stack, 0, {
        LYNKS_ROOMSVC_ADDRESS: [2, 22].map((offset) => `127.0.0.1:${stack.base + offset}`).join(),
        LYNKS_ROOMSVC_EVENTS: [12, 32].map((offset) => `127.0.0.1:${stack.base + offset}`).join(),
        LYNKS_PUBLIC_URL: `http://127.0.0.1:${stack.ports.http}`, LYNKS_JOIN_BURST: '100000', LYNKS_ROOM_PIN_BURST: '10000' });
    await stack.sql("UPDATE users SET role = 2 WHERE username = 'testuser'");
    people.admin = await signIn('testuser', 'test123');
    for (const name of ['carol', 'dave']) {
        await does(201, 'POST', '/v1/users', people.admin, { username: name, password: PASSWORD });
        people[name] = await signIn(name);
    }
});
after(async () => {
    await second?.end();
    await stack?.remove();
});

const ask = (method, path, token, body, { headers = {}, port = stack.ports.http } = {}) => stack.request(path, { method, token, body, headers, port });
async function does(status, ...asked) {
    const answer = await ask(...asked);
    assert.equal(answer.status, status, `${asked[0]} ${asked[1]}: ${answer.text}`);
    return answer.json;
}
async function fails(status, code, ...asked) {
    const answer = await ask(...asked);
    assert.deepEqual([answer.status, answer.json?.code], [status, code], `${asked[0]} ${asked[1]}: ${answer.text}`);
}
const signIn = async (username, password = PASSWORD) => (await does(201, 'POST', '/v1/sessions', undefined, { username, password })).token;

async function makeRoom(options = {}) {
    const room = await does(201, 'POST', '/v1/rooms', people.carol, { name: 'Tea', ...options });
    return { ...room, path: `/v1/rooms/${room.code}` };
}
async function come(status, room, token, body, options) {
    const answer = await does(status, 'POST', `${room.path}/participants`, token, body, options);
    secrets.push(answer.token);
    return { ...answer.participant, token: answer.token, path: `${room.path}/participants/${answer.participant.id}` };
}
const carolIn = (room) => come(201, room, people.carol, { name: 'Carol' });
async function invite(room, body = { role: 'participant' }) {
    const invitation = await does(201, 'POST', `${room.path}/invitations`, people.carol, body);
    secrets.push(invitation.secret);
    return invitation;
}
const listen = (room, { token }, { port = stack.ports.http, last } = {}) =>
    openEvents(port, { path: `${room.path}/events`, token, headers: last === undefined ? {} : { 'last-event-id': last } });
const typesOf = (stream) => stream.events.map(({ event }) => event);

test('who waits sees the room\'s name and himself, whatever happens there, and gets the rest when he is let in', async () => {
    const room = await makeRoom({ lobby: true, pin: PIN });
    const carol = await carolIn(room);
    const gus = await come(202, room, undefined, { name: 'Gus', pin: PIN });
    const eve = await come(202, room, undefined, { name: 'Eve', pin: PIN, device: 'eves' });
    const streams = await Promise.all([listen(room, gus), listen(room, gus, { port: second.port })]);
    const staff = await listen(room, carol, { port: second.port });
    const first = await staff.event('snapshot');
    assert.deepEqual(first.data.waiting.map(({ name }) => name).sort(), ['Eve', 'Gus']);
    for (const stream of streams) {
        const { data } = await stream.event('snapshot');
        assert.deepEqual(Object.keys(data).sort(), ['me', 'participants', 'room']);
        assert.deepEqual([data.room, data.me.can], [{ name: 'Tea' }, []]);
        assert.deepEqual(data.participants.map(({ id, state }) => [id, state]), [[gus.id, 'waiting']]);
    }
    // Every resource.
    for (const [method, path, body] of [['GET', '/participants'], ['GET', `/participants/${carol.id}`], ['GET', '/messages'],
        ['POST', '/messages', { text: 'Hello?' }], ['GET', '/invitations'], ['POST', '/invitations', { role: 'viewer' }], ['GET', '/bans'],
        ['POST', '/bans', { participant: eve.id, by: ['device'] }], ['POST', `/participants/${gus.id}/admit`],
        ['POST', `/participants/${eve.id}/deny`], ['POST', '/admit-all', { participants: [gus.id] }],
        ['POST', `/participants/${carol.id}/mute`, { sources: ['audio'] }], ['POST', '/mute-all', { sources: ['audio'] }],
        ['PATCH', `/participants/${gus.id}`, { name: 'Carol' }], ['DELETE', `/participants/${carol.id}`], ['POST', '/end']]) {
        await fails(403, 'must_wait', method, `${room.path}${path}`, gus.token, body);
    }
    // Every type of event that leaves him waiting.
    const invitation = await invite(room);
    await does(200, 'PATCH', `${room.path}/invitations/${invitation.id}`, people.carol, { label: 'for friends' });
    const ann = await come(202, room, undefined, { name: 'Ann', invitation: invitation.secret, device: 'anns' });
    await does(204, 'POST', `${ann.path}/admit`, carol.token);
    await does(201, 'POST', `${room.path}/messages`, carol.token, { text: 'About Gus' });
    await does(200, 'PATCH', ann.path, ann.token, { hand: true });
    await does(200, 'PATCH', ann.path, ann.token, { hand: false });
    await does(200, 'PATCH', ann.path, ann.token, { name: 'Anna' });
    await does(204, 'POST', `${ann.path}/mute`, carol.token, { sources: ['audio', 'video'] });
    await does(201, 'POST', `${room.path}/bans`, carol.token, { participant: ann.id, by: ['device'] });
    await does(204, 'POST', `${eve.path}/deny`, carol.token);
    const bob = await come(202, room, undefined, { name: 'Bob', pin: PIN });
    await does(204, 'POST', `${room.path}/admit-all`, carol.token, { participants: [bob.id] });
    await does(204, 'DELETE', bob.path, bob.token);
    await does(204, 'DELETE', `${room.path}/invitations/${invitation.id}`, people.carol);
    await does(200, 'PATCH', room.path, people.carol, { locked: true });
    await staff.event('room.updated');
    await does(204, 'POST', `${gus.path}/admit`, carol.token);
    for (const stream of streams) {
        await stream.event('participant.admitted');
        await eventually(() => typesOf(stream).length >= 3, { what: 'a second snapshot' });
        assert.deepEqual(typesOf(stream), ['snapshot', 'participant.admitted', 'snapshot']);
        assert.equal(stream.events[2].data.participants.length, 2);
        assert.equal(stream.events[2].data.waiting, undefined);
        assert.ok(stream.events[2].data.me.can.includes('chat'));
    }
    assert.deepEqual(typesOf(staff).slice(1, -1), ['invitation.created', 'invitation.updated', 'participant.waiting', 'invitation.updated',
        'participant.admitted', 'message.created', 'hand.raised', 'hand.lowered', 'participant.updated', 'participant.muted', 'participant.banned',
        'participant.denied', 'participant.waiting', 'participant.admitted', 'participant.left', 'invitation.revoked', 'room.updated']);
    await Promise.all([...streams, staff].map((stream) => stream.end()));
});

test('who is let in while he is cut off, or by a poll, gets the room, whatever he has seen last', async () => {
    const room = await makeRoom({ lobby: true });
    const carol = await carolIn(room);
    const [gus, eve] = [await come(202, room, undefined, { name: 'Gus' }), await come(202, room, undefined, { name: 'Eve' })];
    const poll = (who, query, port) => does(200, 'GET', `${room.path}/events?${query}`, who.token, undefined,
        { port, headers: { accept: 'application/json' } });
    for (const [who, port, opsPort] of [[gus, stack.ports.http, stack.base + 100], [eve, second.port, second.opsPort]]) {
        const waiting = await listen(room, who, { port });
        const { id } = await waiting.event('snapshot');
        await waiting.end();
        const polled = poll(who, `after=${id}&wait_s=20`, port);
        await eventually(async () => /^lynks_gateway_waiting_room_polls 1$/m.test(
            (await stack.request('/metrics', { method: 'GET', port: opsPort, agent: undefined })).text), { what: 'the poll waits' });
        await does(204, 'POST', `${who.path}/admit`, carol.token);
        const { events, next } = await polled;
        assert.deepEqual([events[0].event, events[0].id], ['participant.admitted', undefined]);
        const rest = events.length > 1 ? events.slice(1) : (await poll(who, next === undefined ? '' : `after=${next}`, port)).events;
        const again = await listen(room, who, { port, last: id });
        for (const { data } of [rest.find(({ event }) => event === 'snapshot'), await again.event('snapshot')]) {
            assert.ok(data.participants.some((one) => one.id === carol.id));
            assert.ok(data.me.can.includes('chat'));
        }
        assert.deepEqual(typesOf(again).slice(0, 2), ['reset', 'snapshot']);
        await again.end();
    }
});

test('who is made a moderator while he is cut off gets those who wait', async () => {
    const room = await makeRoom({ lobby: true });
    const carol = await carolIn(room);
    const gus = await come(202, room, undefined, { name: 'Gus' });
    await does(204, 'POST', `${gus.path}/admit`, carol.token);
    const before = await listen(room, gus);
    const { id } = await before.event('snapshot');
    const eve = await come(202, room, undefined, { name: 'Eve' });
    await before.end();
    await does(200, 'PATCH', gus.path, carol.token, { role: 'moderator' });
    const again = await listen(room, gus, { last: id });
    assert.deepEqual((await again.event('snapshot')).data.waiting.map((one) => one.id), [eve.id]);
    await again.end();
});

test('what is written to one is seen by the two, on both gateways, live, again, by a poll and in the history', async () => {
    const room = await makeRoom({ guests_wait: false });
    const carol = await carolIn(room);
    const [eve, bob] = [await come(201, room, undefined, { name: 'Eve' }), await come(201, room, undefined, { name: 'Bob' })];
    const all = { carol, eve, bob };
    const ports = [stack.ports.http, second.port];
    const open = async () => Promise.all(Object.values(all).flatMap((who) => ports.map((port) => listen(room, who, { port }))));
    const streams = await open();
    const start = (await streams[0].event('snapshot')).id;
    await does(201, 'POST', `${room.path}/messages`, eve.token, { text: 'for all' });
    await does(201, 'POST', `${room.path}/messages`, eve.token, { text: 'for carol', to: carol.id });
    const last = await does(201, 'POST', `${room.path}/messages`, carol.token, { text: 'the last' });
    const seen = { carol: ['for all', 'for carol', 'the last'], eve: ['for all', 'for carol', 'the last'], bob: ['for all', 'the last'] };
    const textsOf = (events) => events.filter(({ event }) => event === 'message.created').map(({ data }) => data.data.message.text);
    const isLast = (stream) => eventually(() => textsOf(stream.events).includes('the last'), { what: 'the last message' });
    for (const [i, stream] of streams.entries()) {
        await isLast(stream);
        assert.deepEqual(textsOf(stream.events), seen[Object.keys(all)[i >> 1]]);
    }
    for (const [name, who] of Object.entries(all)) {
        for (const port of ports) {
            const again = await listen(room, who, { port, last: start });
            await isLast(again);
            assert.deepEqual(textsOf(again.events), seen[name]);
            await again.end();
            const poll = await ask('GET', `${room.path}/events?after=${start}`, who.token, undefined, { port, headers: { accept: 'application/json' } });
            assert.deepEqual(textsOf(poll.json.events), seen[name], poll.text);
            const history = await does(200, 'GET', `${room.path}/messages`, who.token, undefined, { port });
            assert.deepEqual([history.items.map(({ text }) => text), history.more], [seen[name], false]);
        }
    }
    assert.deepEqual((await does(200, 'GET', `${room.path}/messages?after=${last.seq - 1}`, bob.token)).items.map(({ id }) => id), [last.id]);
    // Who comes later has not been there; nor does he get it by an id from before him.
    const late = await come(201, room, undefined, { name: 'Late' });
    assert.deepEqual((await does(200, 'GET', `${room.path}/messages?after=0`, late.token)).items, []);
    const replayed = await listen(room, late, { last: start });
    await replayed.event('snapshot');
    assert.deepEqual(typesOf(replayed), ['reset', 'snapshot']);
    await fails(401, 'unauthorized', 'GET', `${room.path}/messages`, people.carol);
    // The next meeting begins with nothing.
    await does(204, 'POST', `${room.path}/end`, people.carol);
    const carolAgain = await carolIn(room);
    assert.deepEqual((await does(200, 'GET', `${room.path}/messages`, carolAgain.token)).items, []);
    await Promise.all([...streams, replayed].map((stream) => stream.end()));
});

test('twenty messages at once from one are too many, on whichever gateway', async () => {
    const room = await makeRoom({ guests_wait: false });
    const eve = await come(201, room, undefined, { name: 'Eve' });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask('POST', `${room.path}/messages`, eve.token, { text: `spam ${i}` },
        { port: i % 2 === 0 ? stack.ports.http : second.port })));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(refused.length > 0, answers.map(({ status }) => status).join());
    assert.ok(refused.every(({ json, headers }) => json.code === 'rate_limited' && headers['retry-after'] !== undefined));
    assert.ok(answers.every(({ status }) => status === 201 || status === 429));
});

test('a hundred come at once by an invitation for ten, through two gateways: ten are in', async () => {
    const room = await makeRoom({ access: 'invited', guests_wait: false });
    const invitation = await invite(room, { role: 'viewer', max_uses: 10 });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask('POST', `${room.path}/participants`, undefined,
        { name: `Guest ${i}`, invitation: invitation.secret }, { port: i % 2 === 0 ? stack.ports.http : second.port })));
    const counts = answers.map(({ status, json }) => `${status} ${json.code ?? json.participant.role}`)
        .reduce((all, one) => all.set(one, (all.get(one) ?? 0) + 1), new Map());
    assert.deepEqual(Object.fromEntries(counts), { '201 viewer': 10, '410 invitation_used_up': 90 });
    assert.equal((await does(200, 'GET', `${room.path}/invitations/${invitation.id}`, people.carol)).uses, 10);
    await does(204, 'DELETE', `${room.path}/invitations/${invitation.id}?participants=remove`, people.carol);
    await eventually(async () => Number((await stack.sql(`SELECT COUNT(*) FROM participants WHERE room_id = ${room.id} AND state = 2`))[0][0]) === 0,
        { what: 'all who came by it are out' });
});

test('who is banned is out on all gateways, is told why, hears nothing more, and has no way back', async () => {
    const room = await makeRoom({ guests_wait: false });
    const carol = await carolIn(room);
    const invitation = await invite(room);
    const body = { name: 'Eve', device: 'eves', invitation: invitation.secret };
    const key = { headers: { 'idempotency-key': 'eve-comes-with-this-key' } };
    const eve = await come(201, room, undefined, body, key);
    const dave = await come(201, room, people.dave, { device: 'daves' });
    const streams = await Promise.all([eve, dave].flatMap((who) => [stack.ports.http, second.port].map((port) => listen(room, who, { port }))));
    await Promise.all(streams.map((stream) => stream.event('snapshot')));
    await fails(403, 'forbidden', 'POST', `${room.path}/bans`, eve.token, { participant: dave.id, by: ['user'] });
    await fails(403, 'forbidden', 'POST', `${room.path}/bans`, carol.token, { participant: carol.id, by: ['user'] });
    const ban = await does(201, 'POST', `${room.path}/bans`, carol.token, { participant: eve.id, by: ['device', 'invitation'], note: 'loud' });
    await does(201, 'POST', `${room.path}/bans`, carol.token, { participant: dave.id, by: ['user'] });
    await does(201, 'POST', `${room.path}/messages`, carol.token, { text: 'They are gone' });
    for (const stream of streams) {
        assert.deepEqual((await stream.event('end')).data, { reason: 'banned' });
        await stream.closed;
        assert.ok(!typesOf(stream).includes('message.created'));
    }
    const at = `${room.path}/participants`;
    await fails(403, 'removed', 'POST', at, eve.token, {});
    await fails(403, 'removed', 'POST', at, undefined, body, key);
    await fails(403, 'banned', 'POST', at, undefined, body);
    await fails(403, 'banned', 'POST', at, undefined, { name: 'Other', device: 'eves' });
    await fails(403, 'banned', 'POST', at, people.dave, { device: 'another' });
    await fails(403, 'banned', 'POST', at, people.dave, {});
    assert.equal((await listen(room, eve)).status, 403);
    assert.deepEqual((await does(200, 'GET', `${room.path}/bans`, people.carol)).items.map(({ name, by, note }) => [name, by, note]).sort(),
        [['Eve', ['invitation', 'device'], 'loud'], ['dave', ['user'], undefined]].sort());
    await does(204, 'DELETE', `${room.path}/bans/${ban.id}`, carol.token);
    await come(201, room, undefined, { name: 'Eve', device: 'eves' });
});

test('a guest does not take the name of who has signed in, and is marked as one', async () => {
    const room = await makeRoom({ guests_wait: false });
    await carolIn(room);
    await fails(409, 'name_taken', 'POST', `${room.path}/participants`, undefined, { name: 'cAROL' });
    const eve = await come(201, room, undefined, { name: 'Eve' });
    assert.equal(eve.guest, true);
    await fails(409, 'name_taken', 'PATCH', eve.path, eve.token, { name: 'CAROL' });
});

test('what a join page shows before it asks for anything', async () => {
    const room = await makeRoom({ pin: PIN, lobby: true });
    const invitation = await invite(room, { role: 'viewer' });
    const info = (body, token) => does(200, 'POST', '/v1/join-info', token, body);
    assert.deepEqual(await info({ room: room.code }), { name: 'Tea', code: room.code, begun: false, pin: true, lobby: true, waits: true, locked: false,
        role: 'participant' });
    assert.deepEqual(await info({ invitation: invitation.secret }), { name: 'Tea', code: room.code, begun: false, pin: false, lobby: true, waits: true,
        locked: false, role: 'viewer' });
    const carols = await info({ room: room.code }, people.carol);
    assert.deepEqual([carols.pin, carols.waits, carols.role], [false, false, 'owner']);
    await carolIn(room);
    assert.equal((await info({ room: room.code })).begun, true);
    await fails(404, 'no_such_room', 'POST', '/v1/join-info', undefined, { room: 'abc-defg-hij' });
    await fails(404, 'no_such_invitation', 'POST', '/v1/join-info', undefined, { room: room.code, invitation: `li_${'0'.repeat(64)}` });
    await fails(422, 'wrong_member', 'POST', '/v1/join-info', undefined, {});
    const early = await invite(room, { role: 'viewer', not_before: new Date(Date.now() + 3600000).toISOString() });
    await fails(403, 'invitation_early', 'POST', '/v1/join-info', undefined, { invitation: early.secret });
});

test('a secret is told once, the same one to who repeats with his key, and stands in no log', async () => {
    const room = await makeRoom();
    const key = { headers: { 'idempotency-key': 'carol-makes-it-once' } };
    const made = await does(201, 'POST', `${room.path}/invitations`, people.carol, { role: 'viewer' }, key);
    assert.equal(made.url, `${room.url}#${made.secret}`);
    assert.deepEqual(await does(201, 'POST', `${room.path}/invitations`, people.carol, { role: 'viewer' }, key), made);
    for (const path of [`${room.path}/invitations`, `${room.path}/invitations/${made.id}`]) {
        const { text } = await ask('GET', path, people.carol);
        assert.ok(!text.includes('li_') && !text.includes(made.secret.slice(3)), text);
    }
    secrets.push(made.secret);
    secondLog = await second.end();
    for (const [name, text] of [...await stack.logs(), ['second', secondLog]]) {
        for (const secret of secrets) assert.ok(!text.includes(secret.slice(3)), `${name} has ${secret}`);
        assert.ok(!text.includes(PIN), `${name} has the PIN`);
    }
});
