#!/usr/bin/env -S node --test-reporter=tap
// What the web client costs to load: all of it, its first view, and the second time.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startStack } from '../support/stack.mjs';
import { buildWeb } from '../support/web.mjs';
import { startVisitors } from './visitors.mjs';

const ALL_BYTES = 120000;
const FIRST_VIEW_BYTES = 60000;
const IMMUTABLE = /^public, max-age=31536000, immutable$/;

let folder;
let browser;
let stack;
let url;

before(async () => {
    folder = await buildWeb();
    browser = await startVisitors();
    stack = await startStack({ LYNKS_WEB_ROOT: folder });
    url = `http://127.0.0.1:${stack.ports.http}/`;
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

test('all of it is small', async (t) => {
    const files = (await readdir(join(folder, 'assets'))).filter((name) => /\.(js|css)\.gz$/.test(name));
    const sizes = await Promise.all(files.map(async (name) => (await readFile(join(folder, 'assets', name))).length));
    const all = sizes.reduce((sum, size) => sum + size, 0);
    t.diagnostic(`${files.length} files, ${all} bytes`);
    assert.ok(all > 0 && all <= ALL_BYTES, `${all} bytes`);
});

test('its first view is smaller, and loads nothing but what has a hash in its name and stays for good', async (t) => {
    const visitor = await browser.visitor('Ann');
    const loaded = [];
    visitor.page.on('requestfinished', (request) => loaded.push(request));
    await visitor.page.goto(url);
    await visitor.heading('Sign in');
    let all = 0;
    for (const request of loaded) {
        const { responseBodySize } = await request.sizes();
        const { pathname } = new URL(request.url());
        const headers = await (await request.response()).allHeaders();
        all += responseBodySize;
        if (pathname.startsWith('/assets/')) {
            assert.match(pathname, /-[A-Z0-9]{8}\.(js|css)$/);
            assert.match(headers['cache-control'], IMMUTABLE, pathname);
            assert.equal(headers['content-encoding'], 'gzip', pathname);
        } else {
            assert.doesNotMatch(headers['cache-control'] ?? '', /immutable/, pathname);
        }
    }
    t.diagnostic(`${loaded.length} requests, ${all} bytes`);
    assert.ok(loaded.length > 2 && all <= FIRST_VIEW_BYTES, `${all} bytes`);
});

test('no page has complained', () => {
    assert.deepEqual(browser.faults(), []);
});
