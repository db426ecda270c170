#!/usr/bin/env -S node --test-reporter=tap
// Streaming into a meeting with nothing but a browser and OBS: a key is made and copied, what it sends is seen to arrive, in the
// room's page and in the meeting, and it is over when the key is removed. The tests build on each other.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { startObs } from '../support/obs.mjs';
import { endPeers } from '../support/rtp-peer.mjs';
import { eventually } from '../support/wait.mjs';
import { startWebStack } from '../support/web.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

const LABEL = 'Camera at the door';

let browser;
let stack;
let url;
let ann; // whose the room is
let bob; // in the meeting
let room;
let server;
let key;
let obs;

before(async () => {
    browser = await startVisitors();
    stack = await startWebStack();
    url = `http://127.0.0.1:${stack.ports.http}`;
    const link = await makeMeeting(stack, 'Tuesday');
    const code = new URL(link).pathname.slice(1);
    room = { link, id: (await stack.sql(`SELECT room_id FROM rooms WHERE code = '${code.replaceAll('-', '')}'`))[0][0] };
    ann = await browser.visitor('Ann');
    await ann.signIn(url, 'testuser', 'test123');
    await ann.page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
    await ann.page.goto(`${url}/rooms/${room.id}`);
    bob = await browser.visitor('Bob');
});
after(async () => {
    obs?.cut();
    endPeers();
    await browser?.close();
    await stack?.remove();
});

const panel = () => ann.page.getByRole('region', { name: 'Stream with OBS' });
const dialog = () => ann.page.getByRole('dialog');
const row = () => panel().getByRole('listitem').filter({ hasText: LABEL });
const isGood = async (what, shot) => {
    await ann.isAccessible(what);
    await ann.shot(shot);
    await ann.page.setViewportSize({ width: 360, height: 640 });
    await row().or(panel()).first().scrollIntoViewIfNeeded();
    await ann.isAccessible(`${what}, on a phone`);
    await ann.shot(`${shot}-phone`);
    await ann.page.setViewportSize({ width: 1280, height: 800 });
};
/// What its button copies.
const copies = async (name, within) => {
    await within.getByRole('button', { name, exact: true }).click();
    return ann.page.evaluate(() => navigator.clipboard.readText());
};

test('a key is made, shown once, and copied with the server', async () => {
    await panel().getByRole('button', { name: 'New key' }).click();
    await dialog().getByLabel('Name', { exact: true }).fill(LABEL);
    await isGood('a new stream key', 'stream-key-new');
    await dialog().getByRole('button', { name: 'Make the key' }).click();
    await dialog().getByLabel('Bearer token').waitFor();
    await isGood('a stream key, once', 'stream-key-made');
    server = await copies('Copy server', dialog());
    key = await copies('Copy key', dialog());
    assert.equal(server, `${url}/v1/rooms/${room.id}/whip`);
    assert.match(key, /^ls_[0-9a-f]{64}$/);
    await ann.page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    assert.equal(await ann.page.getByText(key).count(), 0);
    assert.equal(await copies('Copy server', panel()), server);
    await row().getByText('Not connected').waitFor();
    await row().getByText('made by testuser').waitFor();
});

test('a light says that it receives, and the meeting says that it is a stream', async () => {
    await bob.join(room.link);
    ({ obs } = await startObs(server, key));
    await row().getByText('Receiving').waitFor();
    await panel().scrollIntoViewIfNeeded();
    await isGood('streams', 'streams');
    await bob.tile(LABEL).getByRole('img', { name: 'This is a stream from a program.' }).waitFor();
    await bob.tile(LABEL).getByText('(stream)').waitFor();
    await bob.isAccessible('a meeting with a stream');
    await bob.shot('meeting-stream');
});

test('who stops is seen to stop', async () => {
    await obs.stop();
    await row().getByText('Not connected').waitFor();
    await bob.shows('Bob');
});

test('removing the key ends the stream at once', async () => {
    ({ obs } = await startObs(server, key));
    await row().getByText('Receiving').waitFor();
    await row().getByRole('button', { name: `Remove the key “${LABEL}”` }).click();
    await isGood('whether a stream key goes', 'stream-key-remove');
    await dialog().getByRole('button', { name: 'Remove', exact: true }).click();
    await row().waitFor({ state: 'detached' });
    await bob.shows('Bob');
    assert.deepEqual((await startObs(server, key)).answer, { status: 401, code: 'unauthorized' });
});

test('all of it is there in each language', async () => {
    for (const language of ['de', 'fr']) {
        const text = JSON.parse(await readFile(new URL(`../../gateway/web/lang/${language}.json`, import.meta.url), 'utf8'));
        const visitor = await browser.visitor(`Ann, ${language}`, { locale: language });
        // A machine that is too busy to look at a password in time says so.
        await eventually(async () => (await visitor.page.request.post(`${url}/v1/sessions`, { data: { username: 'testuser', password: 'test123', cookie: true } })).status() === 201,
            { what: 'she is signed in' });
        await visitor.page.goto(`${url}/rooms/${room.id}`);
        await visitor.page.getByRole('region', { name: text['streams.title'] }).getByRole('button', { name: text['streams.new'] }).click();
        await visitor.page.getByRole('dialog').getByRole('button', { name: text['streams.make'] }).click();
        await visitor.page.getByRole('dialog').getByLabel(text['streams.key']).waitFor();
        await visitor.isAccessible(`a stream key, ${language}`);
        await visitor.shot(`stream-key-made-${language}`);
    }
});

test('no page has complained', () => {
    assert.deepEqual(browser.faults(), []);
});
