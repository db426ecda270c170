#!/usr/bin/env -S node --test-reporter=tap
// Who looks after the service, with nothing but a browser: numbers and warnings, users, meetings, and what another admin does to them
// meanwhile. The tests build on each other.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../support/wait.mjs';
import { startWebStack } from '../support/web.mjs';
import { startVisitors } from './visitors.mjs';

const ADMIN_TOOL = fileURLToPath(new URL('../../deploy/admin', import.meta.url));
const A_WHILE_MS = 15000;

let browser;
let stack;
let url;
let admin;
let other; // an admin, too, who has the lists open
let dora;

before(async () => {
    browser = await startVisitors();
    stack = await startWebStack();
    url = `http://127.0.0.1:${stack.ports.http}`;
    const { stdout } = await promisify(execFile)(ADMIN_TOOL, ['password'], { env: stack.env });
    admin = await browser.visitor('admin');
    await admin.signIn(url, 'admin', stdout.trim());
    other = await browser.visitor('other');
    await other.signIn(url, 'admin', stdout.trim());
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

const dialog = () => admin.page.getByRole('dialog');
const isBesideTitle = async (button) => {
    const [title, box] = [await dialog().getByRole('heading').boundingBox(), await button.boundingBox()];
    assert.ok(box.y < title.y + title.height && box.x >= title.x + title.width, JSON.stringify({ title, box }));
};
/// Fits also where there is little room, as a phone has it.
const isGood = async (what, shot) => {
    await admin.isAccessible(what);
    await admin.shot(shot);
    await admin.page.setViewportSize({ width: 360, height: 640 });
    await admin.isAccessible(`${what}, on a phone`);
    await admin.shot(`${shot}-phone`);
    if (await dialog().isVisible()) await isBesideTitle(dialog().getByRole('button', { name: 'Close', exact: true }).first());
    await admin.page.setViewportSize({ width: 1280, height: 800 });
};
const row = (name, { page } = admin) => page.getByRole('listitem').filter({ hasText: name });
/// He has it open, and does not load it anew.
const hasOpen = async (visitor, path, text) => {
    await visitor.page.goto(`${url}${path}`);
    await visitor.page.getByRole('main').getByText(text).first().waitFor();
    await visitor.page.evaluate(() => { window.sameAsBefore = true; });
};
const isSamePage = async (visitor) => assert.equal(await visitor.page.evaluate(() => window.sameAsBefore), true);
const choose = async (of, item) => {
    await admin.click(`More for ${of}`);
    await admin.page.getByRole('menuitem', { name: item, exact: true }).click();
};
/// What goes wrong behind an open dialog is told beside it, and can be closed there.
async function isToldInDialog() {
    await admin.page.route('**/sessions/*', (route) => route.abort());
    await dialog().getByRole('listitem').getByRole('button').first().click();
    const notice = dialog().getByRole('alert');
    await notice.getByRole('button', { name: 'Close' }).waitFor();
    await isGood('admin, a notice beside a dialog', 'admin-notice');
    await notice.getByRole('button', { name: 'Close' }).click();
    await notice.waitFor({ state: 'detached' });
    await admin.page.unroute('**/sessions/*');
}
const canSignIn = async (password) => (await stack.request('/v1/sessions', { body: { username: 'dora', password } })).status === 201;
const isSignedOut = async (visitor) => {
    await eventually(async () => (await visitor.page.request.get(`${url}/v1/users/me`)).status() === 401,
        { within: A_WHILE_MS, what: `${visitor.name}'s session is over` });
    await visitor.page.goto(`${url}/profile`);
    await visitor.heading('Sign in');
};

test('the numbers of now, and that all is well', async () => {
    await admin.page.goto(`${url}/admin`);
    await admin.sees('All is well.');
    await admin.page.getByRole('group', { name: 'What is needed' }).waitFor();
    await isGood('admin, now', 'admin-now');
});

test('a user is added, and signs in; another admin sees him come', async () => {
    await hasOpen(other, '/admin/users', 'admin');
    await admin.page.getByRole('link', { name: 'Users' }).click();
    await admin.click('Add a user');
    await dialog().getByLabel('User name').fill('dora');
    await dialog().getByLabel('Name that others see').fill('Dora');
    await dialog().getByLabel('Password').fill('open it now');
    await dialog().getByRole('button', { name: 'Add' }).click();
    await admin.sees('dora may sign in.');
    await row('Dora').waitFor();
    await row('Dora', other).waitFor();
    await isSamePage(other);
    await isGood('admin, users', 'admin-users');
    dora = await browser.visitor('dora');
    await dora.signIn(url, 'dora', 'open it now');
});

test('where a user is signed in is shown, and can be ended', async () => {
    await choose('Dora', 'Where signed in');
    await dialog().getByRole('listitem').first().waitFor();
    await isGood('admin, sessions of a user', 'admin-sessions');
    await isToldInDialog();
    await dialog().getByRole('button', { name: 'Sign out everywhere' }).click();
    await dialog().getByText('Nowhere.').waitFor();
    await admin.page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await isSignedOut(dora);
});

test('a user gets a new password', async () => {
    await choose('Dora', 'Give a new password');
    await dialog().getByRole('textbox', { name: 'New password' }).fill('dora dora dora');
    await isGood('admin, a new password', 'admin-password');
    await dialog().getByRole('button', { name: 'Give a new password' }).click();
    await admin.sees('Dora has a new password.');
    assert.equal(await canSignIn('open it now'), false);
    await dora.signIn(url, 'dora', 'dora dora dora');
});

test('a menu opens upwards where there is no room below', async () => {
    await admin.page.setViewportSize({ width: 360, height: 640 });
    await admin.click('More for Dora');
    const { y, height } = await admin.page.getByRole('menu').boundingBox();
    assert.ok(y >= 0 && y + height <= 640, `from ${y} to ${y + height}`);
    await admin.page.keyboard.press('Escape');
    await admin.page.setViewportSize({ width: 1280, height: 800 });
});

test('meetings of all are there as they are made, and who is in them', async () => {
    await hasOpen(other, '/admin/rooms', 'There is no meeting.');
    await dora.page.getByLabel('Name of the meeting').fill('Monday');
    await dora.click('New meeting');
    await dora.sees('Monday is ready.');
    await row('Monday', other).waitFor();
    const link = new URL(await dora.page.getByRole('link', { name: 'Monday' }).getAttribute('href'), url).href;
    await dora.page.goto(link);
    await dora.click('Join');
    await dora.isIn();
    await choose('Dora', 'Meetings');
    await admin.sees('Meetings of Dora');
    await choose('Monday', 'Who is in');
    await dialog().getByText('Dora').waitFor();
    await row('Monday', other).getByRole('button').click();
    await other.page.getByRole('menuitem', { name: 'Who is in' }).click();
    await other.page.getByRole('dialog').getByText('Dora').waitFor();
    await admin.isAccessible('admin, meetings');
    await admin.page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await choose('Monday', 'End for all');
    await dialog().getByRole('button', { name: 'End for all' }).click();
    await dora.heading('The meeting has ended');
    await other.page.getByRole('dialog').getByText('Nobody is in it.').waitFor();
    await other.page.keyboard.press('Escape');
});

test('how much each may send in a meeting is set in kbit/s, and taken back', async () => {
    const { json: { token } } = await stack.request('/v1/sessions', { body: { username: 'dora', password: 'dora dora dora' } });
    const bitrate = async () => (await stack.request('/v1/rooms', { method: 'GET', token: `Bearer ${token}` })).json.items[0].bitrate;
    const field = admin.page.getByLabel('How much each may send');
    const save = async (text) => {
        await field.fill(text);
        await admin.click('Save');
    };
    await choose('Monday', 'Settings');
    await field.waitFor();
    assert.equal(await field.inputValue(), '');
    await save('12');
    await field.and(admin.page.locator('[aria-invalid=true]')).waitFor();
    await field.scrollIntoViewIfNeeded();
    await isGood('room options', 'room-options');
    await save('800');
    await admin.sees('Saved.');
    assert.equal(await bitrate(), 800000);
    assert.equal(await field.inputValue(), '800');
    await save('');
    await eventually(async () => (await bitrate()) === undefined, { within: A_WHILE_MS, what: 'it is as the server has it' });
    await admin.page.goBack();
});

test('a meeting that ends for good goes from the list of another admin; a user who is disabled is shown so', async () => {
    await choose('Monday', 'End for good');
    await dialog().getByRole('button', { name: 'End for good' }).click();
    await row('Monday', other).waitFor({ state: 'detached' });
    await isSamePage(other);
    await hasOpen(other, '/admin/users', 'Dora');
});

test('who is disabled is signed out and stays out; who is removed is gone', async () => {
    await admin.page.getByRole('link', { name: 'Users' }).last().click();
    await choose('Dora', 'Disable and sign out');
    await row('Dora').getByText('disabled').waitFor();
    await row('Dora', other).getByText('disabled').waitFor();
    assert.equal(await canSignIn('dora dora dora'), false);
    await isSignedOut(dora);
    await choose('Dora', 'Enable');
    await row('Dora').getByText('disabled').waitFor({ state: 'detached' });
    assert.equal(await canSignIn('dora dora dora'), true);
    await choose('Dora', 'Remove');
    await dialog().getByRole('button', { name: 'Remove' }).click();
    await row('Dora').waitFor({ state: 'detached' });
    await row('Dora', other).waitFor({ state: 'detached' });
    await isSamePage(other);
    assert.equal(await canSignIn('dora dora dora'), false);
});

test('a service that is away is named, in words', async () => {
    await admin.page.goto(`${url}/admin`);
    await admin.sees('All is well.');
    await stack.signal('roomsvc', 'SIGSTOP');
    try {
        await admin.page.getByRole('status').getByText(/cannot be used/).first().waitFor();
        await admin.shot('admin-warning');
    } finally {
        await stack.signal('roomsvc', 'SIGCONT');
    }
    await admin.sees('All is well.');
});

test('no page has complained', () => {
    assert.deepEqual(browser.faults(), []);
});
