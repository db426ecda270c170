#!/usr/bin/env -S node --test-reporter=tap
// Strangers who connect to Janus and do nothing: each takes one of its descriptors. More of them than the 1,024 that a login
// gives are no hindrance for anybody, and the bridge says when few are left.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const OF_A_LOGIN = 1024;
const LIMIT = 1280;
const STRANGERS = 1100; // more than 80 % of the limit, even without what Janus has open itself
const BATCH = 50;
// The latter on Linux before 6.2, where another account's cannot be counted.
const WARNING = /janus (runs|may have run) out of descriptors/;

let stack;
let token;
const strangers = [];

before(async () => {
    stack = await startStack({}, ['prlimit', `--nofile=${OF_A_LOGIN}:${LIMIT}`]);
    token = await stack.token();
});
after(async () => {
    for (const socket of strangers) socket.destroy();
    await stack?.remove();
});

/// A WebSocket without a session; at once in case Janus has no descriptor for it, because nobody answers then.
async function connectStranger() {
    const socket = net.connect(stack.ports.janusWs, '127.0.0.1');
    strangers.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
        + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
        + 'Sec-WebSocket-Protocol: janus-protocol\r\n\r\n');
    socket.once('data', (head) => { socket.isAccepted = /^HTTP\/1\.1 101 /.test(head); });
}

async function gauge(name) {
    const { text } = await stack.ops('janusbridge', '/metrics');
    return Number(text.match(new RegExp(`^${name} (\\d+)`, 'm'))[1]);
}

const accepted = () => strangers.filter((socket) => socket.isAccepted).length;

async function assertRooms() {
    for (const answer of [await stack.create(token), await stack.list(token)]) assert.equal(answer.status, 200, answer.text);
    return true;
}

test(`${STRANGERS} idle WebSockets at Janus: rooms are made and listed as before`, async () => {
    for (let i = 0; i < STRANGERS; i += BATCH) await Promise.all(Array.from({ length: BATCH }, connectStranger));
    await eventually(() => accepted() > OF_A_LOGIN / 2, { what: 'Janus accepts them' });
    await assertRooms();
    // A new bridge has no connection to Janus yet, and knows of no room.
    await stack.signal('janusbridge', 'SIGKILL');
    await eventually(assertRooms, { within: 10000, what: 'rooms are made and listed by a new bridge' });
    await eventually(() => accepted() === STRANGERS, { what: 'Janus accepts all' });
});

test('the bridge counts them and warns', async () => {
    await eventually(async () => await gauge('lynks_janus_files') > STRANGERS, { within: 10000, what: 'they are counted' });
    assert.equal(await gauge('lynks_janus_files_max'), LIMIT);
    await eventually(async () => WARNING.test((await stack.logs()).get('janusbridge.log')), { what: 'the warning' });
});
