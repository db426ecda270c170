#!/usr/bin/env -S node --test-reporter=tap
// A network that has IPv6 and nothing else but loopback: two people open the client at ::1, and their media goes by IPv6.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addIpv6, ADDRESS6, enterOwnNet } from '../support/own-net.mjs';
import { startStack } from '../support/stack.mjs';
import { buildWeb } from '../support/web.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

enterOwnNet(import.meta.url);

let people;
let stack;
let ann;
let ben;

before(async () => {
    addIpv6({ isAlone: true });
    people = await startVisitors();
    stack = await startStack({ LYNKS_WEB_ROOT: await buildWeb(), LYNKS_HTTP_HOST: '::', LYNKS_TURN: '1' });
});
after(async () => {
    await people?.close();
    await stack?.remove();
});

test('two see and hear each other by IPv6 alone', async () => {
    const link = (await makeMeeting(stack, 'Six')).replace('127.0.0.1', '[::1]');
    [ann, ben] = [await people.visitor('Ann'), await people.visitor('Ben')];
    for (const one of [ann, ben]) await one.join(link);
    await Promise.all([ann.seesMoving('Ben'), ben.seesMoving('Ann')]);
    await ann.hears();
    const addresses = await ann.remembers('theirAddresses');
    assert.deepEqual(addresses, Array(2).fill(ADDRESS6));
});

test('where media and TURN are reached is guessed and shown', async () => {
    const { stdout } = await stack.deploy('status');
    assert.match(stdout, new RegExp(`^Media: browsers reach it at ${ADDRESS6} \\(guessed; `, 'm'));
});

test('no page has complained', () => {
    assert.deepEqual(people.faults(), []);
});
