#!/usr/bin/env -S node --test-reporter=tap
// The loop behind the connections of the client's core: one thing at a time, once more if asked meanwhile, again if it failed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loop, Overtaken, RemakePace } from '../../../../gateway/web/core/media/loop.js';
import { World, deferred, settle } from './fakes.mjs';

// A loop whose work waits for the test each time.
function looped(isFinal = () => false) {
    const world = new World();
    const runs = [];
    const loop = new Loop(world.env, () => {
        runs.push(deferred());
        return runs.at(-1).promise;
    }, isFinal);
    return { world, runs, loop };
}

test('it runs when asked, never twice at once, and once more if asked meanwhile, however often', async () => {
    const { runs, loop } = looped();
    loop.poke();
    loop.poke();
    await settle();
    loop.poke();
    loop.poke();
    await settle();
    assert.equal(runs.length, 1);
    runs[0].resolve();
    await settle();
    assert.equal(runs.length, 2);
    runs[1].resolve();
    await settle();
    assert.equal(runs.length, 2);
});

test('who waits is told when what is wanted is done, not before', async () => {
    const { runs, loop } = looped();
    await loop.settled(); // nothing is wanted
    loop.poke();
    await settle();
    loop.poke();
    let isDone = false;
    loop.settled().then(() => { isDone = true; });
    await settle();
    runs[0].resolve();
    await settle();
    assert.equal(isDone, false);
    runs[1].resolve();
    await settle();
    assert.equal(isDone, true);
});

test('what fails is tried again after a pause that grows, or when somebody is in a hurry', async () => {
    const { world, runs, loop } = looped();
    loop.poke();
    let isDone = false;
    loop.settled().then(() => { isDone = true; });
    await settle();
    runs[0].reject(new Error('no'));
    await world.pass(374);
    assert.equal(runs.length, 1);
    await world.pass(1);
    assert.equal(runs.length, 2);
    runs[1].reject(new Error('no'));
    await world.pass(749);
    assert.equal(runs.length, 2);
    loop.hurry();
    await settle();
    assert.equal(runs.length, 3);
    assert.equal(isDone, false);
    runs[2].resolve();
    await settle();
    assert.equal(isDone, true);
    await world.pass(60000);
    assert.equal(runs.length, 3);
});

test('it waits for as long as an error asks', async () => {
    const { world, runs, loop } = looped();
    loop.poke();
    await settle();
    runs[0].reject(Object.assign(new Error('later'), { retryAfterMs: 4000 }));
    await world.pass(3999);
    loop.poke();
    assert.equal(runs.length, 1);
    await world.pass(1);
    assert.equal(runs.length, 2);
});

test('what is given up rejects, and the next wish begins anew', async () => {
    const { runs, loop } = looped((error) => error.message === 'refused');
    loop.poke();
    const settled = loop.settled();
    await settle();
    runs[0].reject(new Error('refused'));
    await assert.rejects(settled, /refused/);
    loop.poke();
    await settle();
    assert.equal(runs.length, 2);
});

test('what was overtaken goes on when the other one says', async () => {
    const { world, runs, loop } = looped();
    loop.poke();
    await settle();
    loop.pokeAfter(700);
    runs[0].reject(new Overtaken());
    await world.pass(699);
    assert.equal(runs.length, 1);
    await world.pass(1);
    assert.equal(runs.length, 2);
});

test('one that was stopped does nothing more and keeps nobody waiting', async () => {
    const { world, runs, loop } = looped();
    loop.poke();
    const settled = loop.settled();
    await settle();
    runs[0].reject(new Error('no'));
    await settle();
    loop.stop();
    await settled;
    loop.poke();
    await world.pass(60000);
    assert.equal(runs.length, 1);
    assert.equal(world.timers.length, 0);
});

test('a lost connection is made again within a second, and later each time that it does not come up', () => {
    const world = new World();
    const pace = new RemakePace(world.env);
    world.chance = 0.999;
    assert.ok(pace.next() < 1000);
    assert.deepEqual([pace.next(), pace.next()].map(Math.round), [1998, 3996]);
    for (let i = 0; i < 20; i += 1) assert.ok(pace.next() < 30000);
    pace.reset();
    assert.ok(pace.next() < 1000);
});
