#!/usr/bin/env -S node --test-reporter=tap
// A meeting with nothing but a browser: the web client, from signing in to the end for all. The tests build on each other.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { eventually } from '../support/wait.mjs';
import { startWebStack } from '../support/web.mjs';
import { documented, documentedElsewhere, KEPT_SHOTS, shotsTaken, startVisitors } from './visitors.mjs';

let browser;
let stack;
let url;
let link;
const texts = { de: JSON.parse(await readFile(new URL('../../gateway/web/lang/de.json', import.meta.url), 'utf8')) };
const at = {}; // name -> who has that name

before(async () => {
    browser = await startVisitors();
    stack = await startWebStack();
    url = `http://127.0.0.1:${stack.ports.http}`;
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

test('who signs in makes a meeting', async () => {
    at.testuser = await browser.visitor('testuser');
    const { page } = at.testuser;
    await page.goto(url);
    await at.testuser.heading('Sign in');
    await at.testuser.isAccessible('sign in');
    await at.testuser.shot('sign-in');
    await page.getByLabel('Name', { exact: true }).fill('testuser');
    await page.getByLabel('Password').fill('wrong');
    await at.testuser.click('Sign in');
    await at.testuser.sees('Name or password is wrong.');
    await at.testuser.signIn(url, 'testuser', 'test123');
    await page.getByLabel('Name of the meeting').fill('Tuesday');
    await at.testuser.click('New meeting');
    await at.testuser.sees('Tuesday is ready.');
    await at.testuser.isAccessible('meetings');
    await at.testuser.shot('meetings');
    link = new URL(await page.getByRole('link', { name: 'Tuesday' }).getAttribute('href'), url).href;
    const signedIn = await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } });
    const lobby = await stack.request(`/v1/rooms/${link.split('/').pop()}`, {
        method: 'PATCH', token: `Bearer ${signedIn.json.token}`, body: { lobby: true } });
    assert.equal(lobby.status, 200, lobby.text);
});

test('the owner joins, with camera and microphone', async () => {
    await at.testuser.page.goto(link);
    await at.testuser.button('Join').waitFor();
    await at.testuser.page.locator('.preview video').waitFor();
    await at.testuser.isAccessible('join page');
    await at.testuser.shot('join');
    await at.testuser.click('Join');
    await at.testuser.isIn();
    await at.testuser.sees('You are the only one here');
});

test('a guest asks to join, waits, and is let in', async () => {
    at.Ben = await browser.visitor('Ben');
    await at.Ben.join(link, { wait: true });
    await at.Ben.isAccessible('waiting');
    await at.Ben.shot('waiting');
    await at.testuser.sees('Ben waits to be let in.');
    await at.testuser.openPanel('People');
    await at.testuser.shot('lobby');
    await at.testuser.click('Admit Ben');
    await at.Ben.isIn();
    await at.Ben.seesMoving('testuser');
    await at.testuser.seesMoving('Ben');
});

test('four see each other move', async () => {
    for (const name of ['Carol', 'Dan']) {
        at[name] = await browser.visitor(name);
        await at[name].join(link, { wait: true });
    }
    await at.testuser.click('Admit all');
    const names = Object.keys(at);
    for (const name of names) await at[name].seesMoving(...names.filter((other) => other !== name));
    await at.testuser.isAccessible('meeting with people');
    await at.testuser.page.locator('.toast').waitFor({ state: 'detached' });
    await at.testuser.shot('meeting');
});

test('what is said reaches all, or the one it is for', async () => {
    await at.testuser.openPanel('Chat');
    await at.Ben.openPanel('Chat');
    await at.Dan.openPanel('Chat');
    await at.Ben.page.getByLabel('Write a message').fill('See https://example.org/a.');
    await at.Ben.page.keyboard.press('Enter');
    const seen = at.testuser.page.getByRole('link', { name: 'https://example.org/a', exact: true });
    await seen.waitFor();
    assert.equal(await seen.getAttribute('rel'), 'noopener noreferrer');
    await at.Ben.page.getByLabel('To whom').selectOption({ label: 'Only to testuser' });
    await at.Ben.page.getByLabel('Write a message').fill('Between us');
    await at.Ben.click('Send');
    await at.testuser.sees('only to you');
    await at.Ben.page.getByLabel('To whom').selectOption({ label: 'To all' });
    await at.Ben.page.getByLabel('Write a message').fill('Last words');
    await at.Ben.click('Send');
    await at.Dan.sees('Last words');
    assert.equal(await at.Dan.page.getByText('Between us').count(), 0);
    assert.match(await at.Carol.button(/^Chat/).getAttribute('aria-label'), /\(2\)/);
    await at.testuser.isAccessible('meeting with chat');
    await at.testuser.shot('chat');
    for (const name of ['testuser', 'Ben', 'Dan']) await at[name].page.keyboard.press('Escape');
});

test('keys do it too: a raised hand, a muted microphone', async () => {
    await at.Ben.page.locator('body').press('h');
    await at.testuser.tile('Ben').getByLabel('Hand raised').waitFor();
    await at.Ben.page.locator('body').press('m');
    await at.testuser.tile('Ben').getByText('muted').waitFor({ state: 'attached' });
    await at.Ben.button('Unmute').waitFor();
    await at.Ben.page.locator('body').press('h');
    await at.Ben.page.locator('body').press('m');
    await at.testuser.tile('Ben').getByText('muted').waitFor({ state: 'detached' });
});

test('a camera that is switched off leaves initials, and comes back', async () => {
    await at.Dan.click('Turn camera off');
    await at.testuser.seesMoving('Ben', 'Carol');
    await at.testuser.tile('Dan').getByText('D', { exact: true }).waitFor();
    await at.Dan.click('Turn camera on');
    await at.testuser.seesMoving('Ben', 'Carol', 'Dan');
});

test('a shared screen takes the stage', async () => {
    await at.Ben.click('Share your screen');
    await at.testuser.seesMoving('Ben', 'Carol', 'Dan', 'Ben’s screen');
    const box = await at.testuser.tile('Ben’s screen').boundingBox();
    assert.ok(box.width > 0.6 * 1280, `${box.width} wide`);
    await at.testuser.shot('screen');
    await at.Ben.click('Stop sharing');
    await at.testuser.shows('testuser', 'Ben', 'Carol', 'Dan');
});

test('a moderator mutes one, who is told and may speak again', async () => {
    await at.testuser.openPanel('People');
    await at.testuser.menu('Ben', 'Mute');
    await at.Ben.sees('A moderator muted you.');
    await at.Ben.button('Unmute').first().waitFor();
    await at.testuser.tile('Ben').getByText('muted').waitFor({ state: 'attached' });
    await at.Ben.page.getByRole('toolbar').getByRole('button', { name: 'Unmute' }).click();
    await at.testuser.tile('Ben').getByText('muted').waitFor({ state: 'detached' });
});

test('a page that is loaded anew goes on as the same participant', async () => {
    await at.Ben.page.reload();
    await at.Ben.isIn();
    await at.Ben.seesMoving('testuser', 'Carol', 'Dan');
    await at.testuser.seesMoving('Ben', 'Carol', 'Dan');
    await at.Carol.shows('testuser', 'Ben', 'Carol', 'Dan');
});

test('a killed gateway is back without loading anew, and nobody is there twice', async () => {
    await stack.crash('gateway');
    await at.Dan.openPanel('Chat');
    await at.Dan.page.getByLabel('Write a message').fill('Still here?');
    await at.Dan.page.keyboard.press('Enter');
    await eventually(async () => (await at.Carol.button(/^Chat/).getAttribute('aria-label')).includes('(3)'),
        { within: 15000, what: 'the message comes' });
    await at.Dan.page.keyboard.press('Escape');
    await at.Carol.shows('testuser', 'Ben', 'Carol', 'Dan');
    await at.Carol.seesMoving('testuser', 'Ben', 'Dan');
});

test('who is removed is told so and may ask again; who is banned may not', async () => {
    await at.testuser.menu('Dan', 'Remove');
    await at.testuser.page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await at.Dan.heading('You were removed from this meeting');
    await at.Dan.isAccessible('removed');
    await at.Dan.shot('removed');
    await at.Dan.click('Ask to join again');
    await at.Dan.click('Ask to join');
    await at.Dan.sees('You will be let in');
    await at.testuser.click('Admit Dan');
    await at.Dan.isIn();
    await at.testuser.menu('Dan', 'Ban');
    await at.testuser.page.getByRole('dialog').getByRole('button', { name: 'Ban', exact: true }).click();
    await at.Dan.heading('You cannot join this meeting');
    await at.Dan.page.goto(link);
    await at.Dan.click('Ask to join');
    await at.Dan.heading('You cannot join this meeting');
    await at.Dan.page.close();
    delete at.Dan;
    await at.Carol.shows('testuser', 'Ben', 'Carol');
});

test('who leaves is gone, and his camera is off', async () => {
    await at.Carol.click('Leave');
    await at.Carol.heading('You left “Tuesday”');
    await at.testuser.shows('testuser', 'Ben');
    await at.Carol.page.close();
});

test('on a phone it fits, and a panel is a sheet that Back closes', async () => {
    at.Eve = await browser.visitor('Eve', { viewport: { width: 360, height: 640 }, hasTouch: true });
    await at.Eve.page.goto(link);
    await at.Eve.button('Ask to join').waitFor();
    await at.Eve.isAccessible('join page on a phone');
    await at.Eve.shot('phone-join');
    await at.Eve.page.setViewportSize({ width: 640, height: 360 });
    const { y, height } = await at.Eve.button('Ask to join').boundingBox();
    assert.ok(y + height <= 360, `on its side the way in is in sight, down to ${y + height}`);
    await at.Eve.page.setViewportSize({ width: 360, height: 640 });
    await at.Eve.page.getByLabel('Your name').fill('Eve');
    await at.Eve.click('Ask to join');
    await at.testuser.click('Admit Eve');
    await at.Eve.seesMoving('testuser', 'Ben');
    await at.Eve.isAccessible('meeting on a phone');
    await at.Eve.shot('phone-meeting');
    await at.Eve.click('More');
    await at.Eve.page.getByRole('menuitem', { name: 'People' }).click();
    await at.Eve.page.getByRole('complementary', { name: 'People' }).waitFor();
    await at.Eve.shot('phone-people');
    await at.Eve.page.goBack();
    await at.Eve.page.getByRole('complementary', { name: 'People' }).waitFor({ state: 'detached' });
    await at.Eve.seesMoving('testuser', 'Ben');
});

test('with camera and microphone denied one is told what to do, and joins all the same', async () => {
    at.Fay = await browser.visitor('Fay', { locale: 'de-DE' });
    await at.Fay.page.addInitScript(() => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await at.Fay.page.goto(link);
    await at.Fay.sees(texts.de['fault.camera.denied']);
    await at.Fay.sees(texts.de['fault.mic.denied']);
    await at.Fay.isAccessible('join page, denied');
    await at.Fay.shot('denied');
    await at.Fay.page.getByLabel(texts.de['join.name']).fill('Fay');
    await at.Fay.click(texts.de['join.ask']);
    await at.testuser.click('Admit Fay');
    await at.Fay.page.getByRole('toolbar', { name: texts.de['control.label'] }).waitFor();
    assert.equal(await at.Fay.page.evaluate(() => document.documentElement.lang), 'de');
    await at.Fay.seesMoving('testuser', 'Ben', 'Eve');
    await at.testuser.tile('Fay').getByText('muted').waitFor({ state: 'attached' });
});

test('the owner ends it for all', async () => {
    await at.testuser.click('Leave');
    await at.testuser.page.getByRole('menuitem', { name: 'End for all' }).click();
    await at.testuser.page.getByRole('dialog').getByRole('button', { name: 'End for all' }).click();
    for (const name of ['testuser', 'Ben', 'Eve']) await at[name].heading('The meeting has ended');
    await at.Fay.heading(texts.de['over.meeting_ended.title']);
});

test('the pictures of the documents are those that this test takes', async () => {
    assert.deepEqual(documented.filter((name) => !shotsTaken.includes(name)), []);
    assert.deepEqual((await readdir(KEPT_SHOTS)).sort(), [...new Set([...documented, ...documentedElsewhere])].sort());
});

test('no page has complained', () => {
    assert.deepEqual(browser.faults(), []);
});
