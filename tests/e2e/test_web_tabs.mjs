#!/usr/bin/env -S node --test-reporter=tap
// Two tabs of one user in one profile, over plain HTTP/1.1 with its six connections to a host: each is a participant of its own. And what
// becomes of a tab: it goes to another page and back, is copied, is not looked at, and lets go of its devices when one leaves. The tests build on each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../support/wait.mjs';
import { startWebStack } from '../support/web.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

/// After which a page that is hidden wants no pictures.
const HIDDEN_MS = 10000;
const A_WHILE_MS = 15000;

let browser;
let stack;
let url;
let link;
let first;
let second;
let ben;

before(async () => {
    browser = await startVisitors();
    stack = await startWebStack();
    url = `http://127.0.0.1:${stack.ports.http}`;
    link = await makeMeeting(stack, 'Twice');
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

// Who is in, as the second tab's participant is told.
const people = () => second.page.evaluate(async (code) => {
    const [token] = sessionStorage.getItem(`lynks.participant.${code}`).split(' ');
    const answer = await fetch(`/v1/rooms/${code}/participants`, { headers: { authorization: `Bearer ${token}` } });
    const { items } = await answer.json();
    return items.filter(({ state }) => state === 'joined').map(({ id, name }) => ({ id, name }));
}, link.split('/').pop());

test('two tabs of one user are two participants; a third tab works beside them', async () => {
    first = await browser.visitor('testuser');
    await first.signIn(url, 'testuser', 'test123');
    await first.page.goto(link);
    await first.click('Join');
    await first.isIn();
    second = await browser.visitor('Second', { beside: first });
    await second.page.goto(link);
    await second.sees('You are in this meeting in another tab');
    await second.isAccessible('join page of a second tab');
    await second.shot('second-tab');
    await second.page.getByLabel('Your name').fill('Second');
    await second.click('Join');
    await first.seesMoving('Second');
    await second.seesMoving('testuser');
    for (const one of [first, second]) await one.hears();
    const third = await browser.visitor('testuser', { beside: first });
    await third.page.goto(url);
    await third.heading('Meetings');
    await third.page.close();
    assert.deepEqual((await people()).map(({ name }) => name).sort(), ['Second', 'testuser']);
});

test('both speak in the chat, and a guest sees both', async () => {
    ben = await browser.visitor('Ben');
    await ben.join(link);
    await ben.seesMoving('testuser', 'Second');
    await first.say('From the first');
    await second.say('From the second');
    for (const text of ['From the first', 'From the second']) for (const one of [first, second, ben]) await one.isTold(text);
    for (const one of [first, second, ben]) await one.page.keyboard.press('Escape');
});

test('a tab that goes to another page and back is the same participant again', async () => {
    const before = await people();
    await second.page.goto(`${url}/test`);
    await second.heading('Test camera and connection');
    await second.page.goBack();
    await second.isIn();
    await second.seesMoving('testuser', 'Ben');
    await ben.seesMoving('testuser', 'Second');
    assert.deepEqual(await people(), before);
});

test('a page that is shown again after it was put away is connected anew, and nothing is missing', async () => {
    const asked = second.page.waitForRequest((request) => request.url().endsWith('/events'));
    await second.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
    await asked;
    await ben.say('Still there?');
    await second.isTold('Still there?');
    await second.seesMoving('testuser', 'Ben');
});

const setSeen = ({ page }, isSeen) => page.evaluate((visibilityState) => {
    Object.defineProperty(document, 'visibilityState', { value: visibilityState, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
}, isSeen ? 'visible' : 'hidden');
const hasSoundOnly = (visitor) => eventually(async () => {
    const before = await visitor.remembers('comes');
    await eventually(async () => (await visitor.remembers('comes')).audioPackets > before.audioPackets + 25, { what: 'sound comes' });
    return (await visitor.remembers('comes')).videoPackets === before.videoPackets;
}, { within: HIDDEN_MS + A_WHILE_MS, what: `${visitor.name} gets no pictures` });

test('a page that nobody looks at gets sound only, and its pictures again when it is looked at', async () => {
    await setSeen(second, false);
    await hasSoundOnly(second);
    await second.hears();
    await setSeen(second, true);
    await second.seesMoving('testuser', 'Ben');
});

test('a picture that floats in a window of its own goes on while nobody looks at the page', async () => {
    const tile = second.tile('Ben');
    await tile.hover();
    await tile.getByRole('button').first().click();
    await second.page.getByRole('menuitem', { name: 'Picture in picture' }).click();
    await second.page.waitForFunction(() => document.pictureInPictureElement?.getAttribute('aria-label') === 'Ben');
    await setSeen(second, false);
    const isStill = async () => {
        const before = await second.pictures();
        await eventually(async () => (await second.pictures()).Ben > before.Ben + 10, { what: 'the one goes on' });
        return (await second.pictures()).testuser === before.testuser;
    };
    await eventually(isStill, { within: HIDDEN_MS + A_WHILE_MS, what: 'the other one stands still' });
    await second.page.evaluate(() => document.exitPictureInPicture());
    await hasSoundOnly(second);
    await setSeen(second, true);
    await second.seesMoving('testuser', 'Ben');
});

test('another camera and microphone may be taken while one is in', async () => {
    await second.click('More');
    await second.page.getByRole('menuitem', { name: 'Camera, microphone, speaker' }).click();
    const dialog = second.page.getByRole('dialog');
    const microphones = dialog.getByLabel('Microphone', { exact: true });
    const ids = await microphones.locator('option').evaluateAll((options) => options.map(({ value }) => value));
    assert.ok(ids.length > 1, ids.join());
    const chosen = await microphones.inputValue();
    await microphones.selectOption(ids.find((id) => id !== chosen));
    await dialog.getByLabel('Send a small picture').click();
    await second.shot('devices');
    await second.isAccessible('devices while in');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await ben.seesMoving('testuser', 'Second');
    await ben.hears();
    await eventually(async () => {
        assert.deepEqual((await second.remembers('liveTracks')).sort(), ['audio', 'video']);
        return true;
    }, { what: 'the devices before are let go' });
});

test('when one tab leaves the other stays, and the devices are let go', async () => {
    await second.click('Leave');
    await second.page.getByRole('menuitem', { name: 'Leave', exact: true }).click();
    await second.heading('You left “Twice”');
    await second.hasLetGo();
    await ben.shows('testuser', 'Ben');
    await first.seesMoving('Ben');
    await ben.click('Leave');
    await ben.heading('You left “Twice”');
    await ben.hasLetGo();
});

test('no page has complained', () => {
    assert.deepEqual(browser.faults(), []);
});
