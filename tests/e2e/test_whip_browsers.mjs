#!/usr/bin/env -S node --test-reporter=tap
// Pages of another site, in Chromium and in Debian's Firefox, send by WHIP and watch by WHEP. Chromium's payload types are those of Janus
// for VP8, so it is answered 201, and the library whip-whep, which knows nothing else, works; Firefox has others, and no H264: 406.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchFirefoxPeople, launchPeople } from '../support/browser.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { servePages } from './pages.mjs';

const TURN = 'turn:turn.example.net:3478?transport=udp';
const READ = ['location', 'etag', 'accept-patch', 'link', 'x-request-id'];

let stack;
let owner;
let pages;
let room;
const browsers = {};
const senders = {}; // browser -> { id, page }
const faults = [];

async function made(path, body) {
    const { status, json, text } = await stack.request(path, { token: owner, body });
    assert.equal(status, 201, text);
    return json;
}

// An origin of its own: LYNKS_CORS_ORIGINS names none.
async function open(browser) {
    const page = await browsers[browser].newPage();
    page.on('pageerror', (error) => faults.push(`${browser}: ${error.message}`));
    await page.goto(`${pages.url.replace('127.0.0.1', 'localhost')}whip`);
    await page.waitForFunction(() => window.outsider);
    return page;
}

const call = (page, method, ...args) => page.evaluate(([name, list]) => window.outsider[name](...list), [method, args]);
const whepOf = (browser) => `http://127.0.0.1:${stack.ports.http}/v1/rooms/${room.code}/whep/${senders[browser].id}`;
const watchKey = async (label) => (await made(`/v1/rooms/${room.id}/stream-keys`, { label, use: 'watch' })).key;
const gets = (page) => eventually(async () => {
    const { audio, video } = await call(page, 'got');
    assert.ok(audio > 20 && video > 5, JSON.stringify({ audio, video }));
    return true;
}, { within: 8000, what: 'sound and picture' });

before(async () => {
    pages = await servePages();
    browsers.chromium = await launchPeople();
    browsers.firefox = await launchFirefoxPeople();
    stack = await startStack({ LYNKS_TURN_URLS: TURN, LYNKS_TURN_SECRET: 'secret of the test' });
    owner = `Bearer ${await stack.token()}`;
    room = await made('/v1/rooms', { name: 'Tea', guests_wait: false });
});
after(async () => {
    for (const browser of Object.values(browsers)) await browser.close();
    await pages?.close();
    await stack?.remove();
});

for (const browser of ['chromium', 'firefox']) {
    test(`a page in ${browser} sends by whip-whep`, async () => {
        const { participant, token } = await made(`/v1/rooms/${room.code}/participants`, { name: browser });
        const page = await open(browser);
        await call(page, 'publish', `http://127.0.0.1:${stack.ports.http}/v1/rooms/${room.code}/whip`, token);
        senders[browser] = { id: participant.id, page };
        await eventually(async () => {
            const { json: { items } } = await stack.request(`/v1/rooms/${room.id}/participants`, { method: 'GET', token: owner });
            const flowing = items.find(({ id }) => id === participant.id).tracks.filter(({ media }) => media === 'flowing');
            return flowing.length === 2;
        }, { within: 8000, what: 'sound and picture arrive' });
    });
}

for (const [browser, whose, status] of [['chromium', 'chromium', 201], ['chromium', 'firefox', 201], ['firefox', 'chromium', 406], ['firefox', 'firefox', 406]]) {
    test(`a page in ${browser} watches what ${whose} sends: ${status}`, async () => {
        const page = await open(browser);
        const told = await call(page, 'watch', whepOf(whose), await watchKey(`${browser} of ${whose}`));
        assert.deepEqual(told, { status, read: READ, ...(status === 406 ? { answered: 204 } : {}) });
        await gets(page);
        const refused = await call(page, 'isRefused', whepOf(whose).replace(/\d+$/, '4711'), await watchKey('nobody'));
        assert.deepEqual(refused, { status: 409, retryAfter: '2' });
        await page.close();
    });
}

test('whip-whep watches, is told of the TURN server and stops', async () => {
    const page = await open('chromium');
    await call(page, 'view', whepOf('firefox'), await watchKey('a player'));
    await gets(page);
    const [server] = await page.evaluate(() => window.outsider.peer.getConfiguration().iceServers);
    assert.deepEqual([server.urls].flat(), [TURN]);
    assert.match(server.username, /^\d+:\d+$/);
    assert.match(server.credential, /^[\w+/]+=*$/);
    await call(page, 'stop');
    await page.close();
});

test('no page had anything to complain of', () => {
    assert.deepEqual(faults, []);
});
