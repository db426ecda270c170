#!/usr/bin/env -S node --test-reporter=tap
// One of three has a bad network, and then none for ten seconds: he is told so, what is possible goes on, and all is back afterwards.
// The tests build on each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchPeople } from '../support/browser.mjs';
import { CUTTABLE, cutOff, enterOwnNet, makeBad } from '../support/own-net.mjs';
import { eventually, sleep, timed } from '../support/wait.mjs';
import { startWebStack } from '../support/web.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

enterOwnNet(import.meta.url);

const CUT_MS = 10000;
/// Of a network with 300 kbit/s each way, and one packet of twenty lost.
const BAD = { kbit: 300, loss: 0.05 };
const LOWERED_MS = 10000;
const LISTENED_MS = 10000;
const GAP_MS = 200;

let far; // the browser with that network
let near;
let stack;
let ann;
let ben;
let cid;

before(async () => {
    near = await startVisitors();
    far = await startVisitors(launchPeople([], CUTTABLE));
    stack = await startWebStack();
    const link = await makeMeeting(stack, 'Far away');
    ann = await near.visitor('Ann', { hasSmallCamera: false });
    cid = await near.visitor('Cid', { hasSmallCamera: false });
    ben = await far.visitor('Ben');
    for (const one of [ann, ben, cid]) await one.join(link);
    await allSeeAndHear();
    await ben.page.evaluate(() => { window.sameAsBefore = true; });
});
after(async () => {
    await far?.close();
    await near?.close();
    await stack?.remove();
});

async function allSeeAndHear() {
    for (const one of [ann, ben, cid]) {
        await one.seesMoving(...['Ann', 'Ben', 'Cid'].filter((name) => name !== one.name));
        await one.hears();
    }
}

test('ten seconds without a network: who has none is told so, and all is back by itself, without a ghost', async (t) => {
    const banner = ben.page.locator('.banner', { hasText: 'The connection was lost. Trying again…' });
    const mend = cutOff();
    try {
        const { ms } = await timed(() => Promise.all([banner.waitFor(), sleep(CUT_MS)]));
        t.diagnostic(`cut off for ${Math.round(ms)} ms`);
        await ben.shot('reconnecting');
        await ben.isAccessible('without a network');
    } finally {
        mend();
    }
    t.diagnostic(`back ${Math.round((await timed(() => banner.waitFor({ state: 'detached' }))).ms)} ms after that`);
    await ben.sees('You are back.');
    t.diagnostic(`all see and hear each other ${Math.round((await timed(allSeeAndHear)).ms)} ms later`);
    for (const one of [ann, ben, cid]) await one.shows('Ann', 'Ben', 'Cid');
    await ben.say('Here again');
    await ann.isTold('Here again');
    for (const one of [ann, ben]) await one.page.keyboard.press('Escape');
    assert.equal(await ben.page.evaluate(() => window.sameAsBefore), true, 'the page is the same');
});

test('on a bad network less is asked for, and that is told', async (t) => {
    makeBad(BAD);
    const words = ben.page.getByText(/^(Small pictures for now|Poor network: .*)$/);
    const { ms } = await timed(() => eventually(() => words.count(), { within: LOWERED_MS, what: 'less is asked for' }));
    t.diagnostic(`lowered after ${Math.round(ms)} ms: ${await words.innerText()}`);
    await ben.shot('bad-network');
    await ben.isAccessible('on a bad network');
});

test('sound has no gap then, as far as it has none elsewhere', async (t) => {
    const listeners = [ann, ben];
    for (const one of listeners) await one.remembers('beginGaps');
    await sleep(LISTENED_MS);
    const [there, here] = await Promise.all(listeners.map((one) => one.remembers('longestGap')));
    t.diagnostic(`longest gap ${here} ms; without a bad network, at the same time, ${there} ms; ${await ben.page.locator('.meeting-head').innerText()}`);
    // A machine that is too busy makes gaps in every page.
    assert.ok(here <= Math.max(GAP_MS, 2 * there), `${here} ms`);
});

test('the controls work: who mutes himself is mute for the others, and back', async () => {
    await ben.click('Mute');
    await ann.tile('Ben').getByText('muted').waitFor({ state: 'attached' });
    await ben.click('Unmute');
    await ann.tile('Ben').getByText('muted').waitFor({ state: 'detached' });
    await ben.say('Can you hear me?');
    await ann.isTold('Can you hear me?');
});

test('no page has complained', () => {
    assert.deepEqual([...near.faults(), ...far.faults()], []);
});
