#!/usr/bin/env -S node --test-reporter=tap
// A browser that keeps the sound back until somebody has clicked: a page that it opens by itself, say after it was started again, says so,
// and one click ends it. Whatever playwright asks of a page counts as a click, so that this page is looked at by other means until then.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchPeople } from '../support/browser.mjs';
import { eventually } from '../support/wait.mjs';
import { startWebStack } from '../support/web.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

let stack;
let browser;
let link;
let ben;

before(async () => {
    browser = await startVisitors(launchPeople(['--autoplay-policy=document-user-activation-required']));
    stack = await startWebStack();
    link = await makeMeeting(stack, 'Silence');
    ben = await browser.visitor('Ben');
    await ben.join(link);
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

test('sound that the browser keeps back is told of, and one click brings it', async () => {
    const ann = await browser.visitor('Ann');
    await ann.join(link);
    const kept = await ann.page.evaluate(() => Object.entries(sessionStorage));
    const again = await browser.visitor('Ann', { beside: ann });
    // Who is heard or seen himself may hear the others.
    await again.page.addInitScript(() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('none', 'NotFoundError'); }; });
    await again.page.addInitScript(`for (const [name, value] of ${JSON.stringify(kept)}) sessionStorage.setItem(name, value);`);
    await ann.page.close();
    const page = await again.page.context().newCDPSession(again.page);
    await page.send('Page.navigate', { url: link });
    const warning = async () => (await page.send('Runtime.evaluate', { expression: "document.querySelector('.warning')?.innerText", userGesture: false })).result.value;
    await eventually(async () => (await warning())?.includes('Your browser keeps the sound back.'), { within: 15000, what: 'it is told' });
    await again.shot('warning-autoplay');
    await again.click('Turn sound on');
    await again.page.getByText('Your browser keeps the sound back.').waitFor({ state: 'detached' });
    await again.hears();
    const isPlaying = await again.page.evaluate(() => [...document.querySelectorAll('audio')].map(({ paused }) => !paused));
    assert.deepEqual(isPlaying, [true]);
});

test('no page had anything to complain of', () => {
    assert.deepEqual(browser.faults(), []);
});
