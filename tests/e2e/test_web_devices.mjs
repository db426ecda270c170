#!/usr/bin/env -S node --test-reporter=tap
// What goes wrong with one's own microphone in a meeting, and what the client says of it: it is silent, or pulled out, or one talks while
// it is muted. And devices that take their time.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWebStack } from '../support/web.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

const SILENT_WITHIN_MS = 15000; // it is told after 8 s

let stack;
let browser;
let link;
const at = {};

before(async () => {
    browser = await startVisitors();
    stack = await startWebStack();
    link = await makeMeeting(stack, 'Devices');
    at.ben = await browser.visitor('Ben');
    await at.ben.join(link);
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

// In the page, before anything else: a voice that never pauses, which Chromium's own beeps are not; at first nothing comes of it.
function playMicrophone() {
    const context = new AudioContext();
    const voice = context.createOscillator();
    const volume = context.createGain();
    voice.connect(volume);
    volume.gain.value = 0;
    voice.start();
    window.turnUp = () => { volume.gain.value = 1; };
    window.microphones = [];
    const media = navigator.mediaDevices;
    const real = media.getUserMedia.bind(media);
    media.getUserMedia = async (wanted) => {
        const stream = await real(wanted);
        for (const track of stream.getAudioTracks()) {
            stream.removeTrack(track);
            track.stop();
            const played = context.createMediaStreamDestination();
            volume.connect(played);
            const [own] = played.stream.getAudioTracks();
            window.microphones.push(own);
            stream.addTrack(own);
        }
        return stream;
    };
}

/// Where tiles are, once what moves has arrived.
const places = ({ page }) => page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    document.getAnimations().filter((one) => one instanceof CSSTransition).forEach((one) => one.finish());
    return [...document.querySelectorAll('.tile')].map((tile) => JSON.stringify(tile.getBoundingClientRect()));
});

test('a microphone from which nothing comes is named, and the warning goes when it does', async () => {
    at.ann = await browser.visitor('Ann');
    await at.ann.page.addInitScript(playMicrophone);
    await at.ann.join(link);
    const warning = at.ann.page.getByText('Nothing comes from your microphone');
    await warning.waitFor({ timeout: 8 * SILENT_WITHIN_MS });
    await at.ann.shot('warning-silent');
    await at.ann.isAccessible('the warning of a silent microphone');
    const warned = await places(at.ann);
    await at.ann.page.evaluate(() => window.turnUp());
    await warning.waitFor({ state: 'detached' });
    assert.equal(warned.length, 2);
    assert.deepEqual(await places(at.ann), warned);
});

test('who talks while he is muted is told so, and one click ends that', async () => {
    await at.ann.click('Mute');
    await at.ann.sees('You are muted: nobody hears you.');
    await at.ann.shot('warning-talks-muted');
    await at.ann.page.getByRole('status').getByRole('button', { name: 'Unmute' }).click();
    await at.ann.button('Mute').waitFor();
    await at.ann.page.getByText('You are muted: nobody hears you.').waitFor({ state: 'detached' });
});

test('a microphone that is pulled out is named, and used again when it is there', async () => {
    await at.ann.page.evaluate(() => {
        const track = window.microphones.at(-1);
        track.stop();
        track.dispatchEvent(new Event('ended'));
    });
    await at.ann.sees('Your microphone was unplugged.');
    await at.ann.shot('warning-unplugged');
    await at.ann.page.evaluate(() => navigator.mediaDevices.dispatchEvent(new Event('devicechange')));
    await at.ann.page.getByText('Your microphone was unplugged.').waitFor({ state: 'detached' });
    await at.ben.hears();
});

// In the page: the browser takes its time for devices.
function openLate() {
    const media = navigator.mediaDevices;
    const real = media.getUserMedia.bind(media);
    const isLet = new Promise((resolve) => { window.letOpen = resolve; });
    media.getUserMedia = async (wanted) => {
        await isLet;
        return real(wanted);
    };
}

test('who joins before his camera and microphone are open is seen and heard when they are', async () => {
    const dan = await browser.visitor('Dan');
    await dan.page.addInitScript(openLate);
    await dan.join(link);
    await at.ben.shows('Ben', 'Ann', 'Dan');
    await dan.page.evaluate(() => window.letOpen());
    await at.ben.seesMoving('Ann', 'Dan');
});

// The room takes it for sending still, since nothing was said when it ended.
test('whose page has crashed comes back as whom he was, and is seen and heard when camera and microphone are open', async () => {
    const eve = await browser.visitor('Eve');
    await eve.join(link);
    await at.ben.seesMoving('Ann', 'Dan', 'Eve');
    const kept = await eve.page.evaluate(() => Object.entries(sessionStorage));
    const again = await browser.visitor('Eve', { beside: eve });
    await again.page.addInitScript(openLate);
    await again.page.addInitScript(`for (const [name, value] of ${JSON.stringify(kept)}) sessionStorage.setItem(name, value);`);
    const crash = eve.page.waitForEvent('crash');
    await eve.page.goto('chrome://crash').catch(() => {});
    await crash;
    await again.page.goto(link);
    await again.isIn();
    await again.page.evaluate(() => window.letOpen());
    await at.ben.seesMoving('Ann', 'Dan', 'Eve');
    await at.ben.shows('Ben', 'Ann', 'Dan', 'Eve');
});

test('no page has complained', () => {
    assert.deepEqual(browser.faults(), []);
});
