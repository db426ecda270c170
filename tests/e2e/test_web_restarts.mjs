#!/usr/bin/env -S node --test-reporter=tap
// Every process of Lynks is killed in the middle of a meeting of two, one after the other: both pages stay as they are, see and hear each
// other afterwards, can say so, and nobody is there twice.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { timed } from '../support/wait.mjs';
import { startWebStack } from '../support/web.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

let browser;
let stack;
let ann;
let ben;

before(async () => {
    browser = await startVisitors();
    stack = await startWebStack();
    const link = await makeMeeting(stack, 'Rough seas');
    ann = await browser.visitor('Ann');
    ben = await browser.visitor('Ben');
    for (const one of [ann, ben]) {
        await one.join(link);
        await one.openPanel('Chat');
        await one.page.evaluate(() => { window.sameAsBefore = true; });
    }
    await bothSeeAndHear();
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

async function bothSeeAndHear() {
    for (const [one, other] of [[ann, ben], [ben, ann]]) {
        await one.seesMoving(other.name);
        await one.hears();
    }
}

for (const process of ['gateway', 'authsvc', 'roomsvc', 'janusbridge', 'janus', 'mysql']) {
    test(`${process} is killed: the meeting goes on`, async (t) => {
        await stack.crash(process);
        const said = await timed(async () => {
            await ann.say(`After ${process}, says Ann`);
            await ben.isTold(`After ${process}, says Ann`);
            await ben.say(`After ${process}, says Ben`);
            await ann.isTold(`After ${process}, says Ben`);
        });
        const back = await timed(bothSeeAndHear);
        for (const one of [ann, ben]) {
            await one.shows('Ann', 'Ben');
            assert.equal(await one.page.evaluate(() => window.sameAsBefore), true, 'the page is the same');
        }
        t.diagnostic(`said after ${Math.round(said.ms)} ms, seen and heard ${Math.round(back.ms)} ms later`);
    });
}

test('no page has complained', () => {
    assert.deepEqual(browser.faults(), []);
});
