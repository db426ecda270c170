#!/usr/bin/env -S node --test-reporter=tap
// What is told of in passing: one at a time, for how long, and where, with dialogs over the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';
import { World } from './fakes.mjs';

const { Notices, signal, computed } = await loadTypeScript('state/notices.ts', '@preact/signals');

const PAGE = Symbol('page');
const DIALOG = Symbol('dialog');

function begin() {
    const world = new World();
    const notices = new Notices(world.env);
    notices.open(PAGE);
    const at = (place) => [notices.shownAt(place)?.text, notices.spokenAt(place)];
    return { world, notices, at };
}

test('one is shown at a time, for five seconds each; the same one is not queued twice', async () => {
    const { world, notices, at } = begin();
    for (const text of ['one', 'two', 'one']) notices.show({ text });
    const seen = [];
    for (let i = 0; i < 4; i += 1) {
        seen.push(at(PAGE)[0]);
        await world.pass(2500);
    }
    assert.deepEqual(seen, ['one', 'one', 'two', 'two']);
    assert.deepEqual(at(PAGE), [undefined, '']);
});

test('what comes meanwhile does not make one stay longer', async () => {
    const { world, notices, at } = begin();
    notices.show({ text: 'one' });
    await world.pass(4000);
    notices.show({ text: 'two' });
    await world.pass(1000);
    assert.equal(at(PAGE)[0], 'two');
});

test('what is not so any more is told no more, also before it was shown', () => {
    const { notices, at } = begin();
    const names = signal(['ana', 'ben', 'carol']);
    for (const name of names.value) notices.show({ text: name, holds: computed(() => names.value.includes(name)) });
    assert.equal(at(PAGE)[0], 'ana');
    names.value = ['carol'];
    assert.equal(at(PAGE)[0], 'carol');
    names.value = [];
    assert.equal(at(PAGE)[0], undefined);
});

test('an error stays until it is closed', async () => {
    const { world, notices } = begin();
    notices.show({ text: 'no', isError: true });
    await world.pass(60000);
    notices.dismiss(notices.shownAt(PAGE));
    assert.equal(notices.shownAt(PAGE), undefined);
    assert.equal(world.timers.length, 0);
});

test('only the last ones are kept', () => {
    const { notices, at } = begin();
    for (let i = 0; i < 20; i += 1) notices.show({ text: String(i) });
    assert.equal(at(PAGE)[0], '12');
});

test('in a dialog that is open they are shown there, in the page once it is closed, and last as long', async () => {
    const { world, notices, at } = begin();
    notices.show({ text: 'one' });
    await world.pass(3000);
    const close = notices.open(DIALOG);
    assert.deepEqual([at(PAGE)[0], at(DIALOG)[0]], [undefined, 'one']);
    close();
    assert.equal(at(PAGE)[0], 'one');
    await world.pass(2000);
    assert.equal(at(PAGE)[0], undefined);
});

test('of dialogs over one another the last one has them, whichever is closed first', () => {
    const { notices, at } = begin();
    const other = Symbol('other');
    notices.show({ text: 'one' });
    const closers = [notices.open(DIALOG), notices.open(other)];
    assert.deepEqual([DIALOG, other].map((place) => at(place)[0]), [undefined, 'one']);
    closers[0]();
    assert.equal(at(other)[0], 'one');
    closers[1]();
    assert.equal(at(PAGE)[0], 'one');
});

test('what is read aloud is heard where one is, and not once more when a dialog is closed', () => {
    const { notices, at } = begin();
    notices.say('Ana joined.');
    const close = notices.open(DIALOG);
    assert.deepEqual([at(PAGE)[1], at(DIALOG)[1]], ['Ana joined.', '']);
    notices.say('Ben joined.');
    assert.deepEqual([at(PAGE)[1], at(DIALOG)[1]], ['', 'Ben joined.']);
    close();
    assert.equal(at(PAGE)[1], '');
});

test('what is said twice is another text, so that it is read twice', () => {
    const { notices, at } = begin();
    notices.say('Ana raised a hand.');
    const [, before] = at(PAGE);
    notices.say('Ana raised a hand.');
    assert.notEqual(at(PAGE)[1], before);
    assert.equal(at(PAGE)[1].trim(), before);
});
