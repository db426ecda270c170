#!/usr/bin/env -S node --test-reporter=tap
// API.md's lines for a page, run as they stand in a real browser: whoever copies them is listed.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launchBrowser } from '../support/browser.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { servePages } from './pages.mjs';

const DOCUMENTED = 'ws://localhost:8188'; // where a stack with default ports has Janus

let stack;
let pages;
let browser;

before(async () => {
    stack = await startStack();
    pages = await servePages();
    browser = await launchBrowser();
});
after(async () => {
    await browser?.close();
    await pages?.close();
    await stack?.remove();
});

async function snippet() {
    const page = await readFile(new URL('../../API.md', import.meta.url), 'utf8');
    return page.match(/^```js\n(.*?)^```$/ms)[1];
}

// This stack's ports are its own: the page's WebSocket goes there when it is asked for the documented address.
const sendToStack = ([documented, own]) => {
    window.WebSocket = class extends WebSocket {
        constructor(url, ...rest) {
            super(url === documented ? own : url, ...rest);
        }
    };
};

test('the lines of API.md publish camera and microphone', async () => {
    const token = await stack.token();
    const room = (await stack.create(token)).json.room_id;
    const page = await browser.newPage();
    const complaints = [];
    page.on('console', (message) => {
        const isOurs = message.type() === 'error' && !message.location().url.endsWith('/favicon.ico');
        if (isOurs) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.addInitScript(sendToStack, [DOCUMENTED, stack.janusWsUrl]);
    await page.goto(pages.url);
    await page.evaluate(async ([code, id]) => {
        const { default: Janus } = await import('/janus.js');
        new Function('Janus', 'adapter', 'room_id', code)(Janus, window.adapter, id);
    }, [await snippet(), room]);
    await eventually(async () => {
        assert.deepEqual(complaints, []);
        return (await stack.list(token, room)).json.publishers.length === 1;
    }, { within: 15000, what: 'the page is listed' });
});
