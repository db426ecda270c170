#!/usr/bin/env -S node --test-reporter=tap
// With the keyboard alone, from signing in to having left: what has the focus is seen, and a key does what the mouse would. The tests
// build on each other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWebStack } from '../support/web.mjs';
import { startVisitors } from './visitors.mjs';

const TABS_MOST = 40;

let browser;
let stack;
let ann;
let ben;
let link;
let keys;

before(async () => {
    browser = await startVisitors();
    stack = await startWebStack();
    ann = await browser.visitor('testuser');
    keys = ann.page.keyboard;
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

// What has the focus, as it is called; it has to be seen that it does.
async function focused() {
    const found = await ann.page.evaluate(() => {
        const element = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const label = element.labels?.[0]?.innerText ?? '';
        return {
            name: element.getAttribute('aria-label') ?? (label || element.innerText || '').trim(),
            isSeen: element === document.body || (element.matches(':focus-visible') && outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2),
        };
    });
    assert.ok(found.isSeen, `the focus on “${found.name}” is not seen`);
    return found.name;
}

async function tabTo(name, key = 'Tab') {
    const passed = [];
    for (let count = 0; count < TABS_MOST; count += 1) {
        await keys.press(key);
        const now = await focused();
        if (name instanceof RegExp ? name.test(now) : now === name) return;
        passed.push(now);
    }
    assert.fail(`no way to ${name}: ${passed.join(' | ')}`);
}

test('to sign in and make a meeting', async () => {
    await ann.page.goto(`http://127.0.0.1:${stack.ports.http}`);
    await ann.heading('Sign in');
    await tabTo('Name');
    await keys.type('testuser');
    await tabTo('Password');
    await keys.type('test123');
    await keys.press('Enter');
    await ann.heading('Meetings');
    await tabTo('Name of the meeting');
    await keys.type('Keys');
    await keys.press('Enter');
    await ann.sees('Keys is ready.');
});

test('to join it, with the microphone muted before', async () => {
    await tabTo('Keys', 'Shift+Tab');
    await keys.press('Enter');
    await ann.page.locator('.preview video').waitFor();
    link = ann.page.url();
    await tabTo('Mute');
    await keys.press('Space');
    await ann.button('Unmute').waitFor();
    await tabTo('Join');
    await keys.press('Enter');
    await ann.isIn();
    ben = await browser.visitor('Ben');
    await ben.join(link);
    await ben.tile('testuser').getByText('muted').waitFor({ state: 'attached' });
});

test('letters speak for buttons; the bar is reached as well', async () => {
    await keys.press('m');
    await ben.tile('testuser').getByText('muted').waitFor({ state: 'detached' });
    await keys.press('m');
    await ben.tile('testuser').getByText('muted').waitFor({ state: 'attached' });
    await tabTo('Unmute');
    await keys.press('Space');
    await ben.tile('testuser').getByText('muted').waitFor({ state: 'detached' });
    await keys.press('v');
    await ben.seesMoving();
    await keys.press('v');
    await ben.seesMoving('testuser');
    await keys.press('h');
    await ben.tile('testuser').getByLabel('Hand raised').waitFor();
    await ann.shot('keyboard');
});

test('the chat: a key opens it, one writes at once, and Esc goes back', async () => {
    await keys.press('c');
    await ann.page.getByLabel('Write a message').waitFor();
    await keys.type('By keys, m and v too');
    await keys.press('Enter');
    await ben.isTold('By keys, m and v too');
    await keys.press('Escape');
    await ann.page.getByRole('complementary').waitFor({ state: 'detached' });
    await keys.press('p');
    await ann.page.getByRole('complementary', { name: 'People' }).waitFor();
    await tabTo('More for Ben');
    await keys.press('Enter');
    await ann.page.getByRole('menuitem').first().waitFor();
    await keys.press('Escape');
    await ann.page.getByRole('menuitem').first().waitFor({ state: 'hidden' });
    assert.equal(await focused(), 'More for Ben');
});

test('the list of keys; switched off, a letter does nothing', async () => {
    await keys.press('?');
    const dialog = ann.page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await dialog.waitFor();
    await ann.isAccessible('list of keys');
    await ann.shot('keys');
    await tabTo('Shortcuts are on');
    await keys.press('Space');
    await keys.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await keys.press('m');
    await ben.say('Nothing has happened');
    await ann.page.getByRole('button', { name: /^Chat \(1\)/ }).waitFor();
    assert.equal(await ben.tile('testuser').getByText('muted').count(), 0);
});

test('to leave', async () => {
    await tabTo('Leave');
    await keys.press('Enter');
    await ann.page.getByRole('menuitem', { name: 'Leave', exact: true }).waitFor();
    await keys.press('Enter');
    await ann.heading('You left “Keys”');
    await ann.hasLetGo();
    await tabTo('Join again');
});

test('no page has complained', () => {
    assert.deepEqual(browser.faults(), []);
});
