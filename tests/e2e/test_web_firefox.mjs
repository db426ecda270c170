#!/usr/bin/env -S node --test-reporter=tap
// The main path in Debian's Firefox, with somebody in Chromium: they see and hear each other, in formats that both have. The tests build
// on each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchFirefoxPeople } from '../support/browser.mjs';
import { startWebStack } from '../support/web.mjs';
import { startVisitors } from './visitors.mjs';

let firefox;
let chromium;
let stack;
let url;
let link;
let ann; // the owner, in Firefox
let ben; // a guest, in Chromium

before(async () => {
    firefox = await startVisitors(launchFirefoxPeople());
    chromium = await startVisitors();
    stack = await startWebStack();
    url = `http://127.0.0.1:${stack.ports.http}`;
});
after(async () => {
    await firefox?.close();
    await chromium?.close();
    await stack?.remove();
});

test('in Firefox one signs in, makes a meeting and joins it', async () => {
    ann = await firefox.visitor('testuser');
    await ann.signIn(url, 'testuser', 'test123');
    await ann.page.getByLabel('Name of the meeting').fill('Fox');
    await ann.click('New meeting');
    await ann.sees('Fox is ready.');
    link = new URL(await ann.page.getByRole('link', { name: 'Fox' }).getAttribute('href'), url).href;
    await ann.page.goto(link);
    await ann.page.locator('.preview video').waitFor();
    await ann.isAccessible('join page in Firefox');
    await ann.shot('firefox-join');
    await ann.click('Join');
    await ann.isIn();
});

test('a guest in Chromium comes by the link; both see and hear', async () => {
    ben = await chromium.visitor('Ben');
    await ben.join(link);
    for (const [one, other] of [[ann, ben], [ben, ann]]) {
        await one.seesMoving(other.name);
        await one.hears();
    }
    await ann.isAccessible('meeting in Firefox');
    await ann.shot('firefox-meeting');
});

test('nothing comes to Firefox that it cannot play', async () => {
    const { codecs } = await ann.remembers('comes');
    assert.ok(codecs.includes('video/VP8'), codecs.join());
    assert.ok(!codecs.includes('video/H264'), codecs.join());
});

test('chat, a hand, a shared screen, and a muted microphone go both ways', async () => {
    await ann.say('From Firefox');
    await ben.isTold('From Firefox');
    await ben.say('From Chromium');
    await ann.isTold('From Chromium');
    for (const one of [ann, ben]) await one.page.keyboard.press('Escape');
    for (const [one, other] of [[ann, ben], [ben, ann]]) {
        await one.page.locator('body').press('h');
        await other.tile(one.name).getByLabel('Hand raised').waitFor();
        await one.page.locator('body').press('m');
        await other.tile(one.name).getByText('muted').waitFor({ state: 'attached' });
        await one.page.locator('body').press('m');
        await other.tile(one.name).getByText('muted').waitFor({ state: 'detached' });
    }
    await ben.click('Share your screen');
    await ann.seesMoving('Ben', 'Ben’s screen');
    await ben.click('Stop sharing');
    await ann.shows('testuser', 'Ben');
});

test('a page that is loaded anew in Firefox goes on as the same participant', async () => {
    await ann.page.reload();
    await ann.seesMoving('Ben');
    await ben.seesMoving('testuser');
    await ben.shows('testuser', 'Ben');
});

test('in Firefox without camera and microphone one is told what to do, and joins all the same', async () => {
    const eve = await firefox.visitor('Eve');
    await eve.page.addInitScript(() => {
        if (navigator.mediaDevices === undefined) return; // in the empty page before
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await eve.page.goto(link);
    await eve.sees('Click the crossed-out icon left of the address');
    await eve.page.getByLabel('Your name').fill('Eve');
    await eve.click('Join');
    await eve.seesMoving('testuser', 'Ben');
    await ben.tile('Eve').getByText('muted').waitFor({ state: 'attached' });
    await eve.click('Leave');
    await ben.shows('testuser', 'Ben');
});

test('who leaves in Firefox is gone, and camera and microphone are off', async () => {
    await ann.click('Leave');
    await ann.page.getByRole('menuitem', { name: 'Leave', exact: true }).click();
    await ann.heading('You left “Fox”');
    await ann.hasLetGo();
    await ben.shows('Ben');
});

test('no page has complained', () => {
    assert.deepEqual([...firefox.faults(), ...chromium.faults()], []);
});
