#!/usr/bin/env -S node --test-reporter=tap
// Whoever joins and leaves, again and again, in a page that is never loaded anew, leaves nothing behind in it: memory, nodes, listeners and
// connections stay as they were, after what is loaded once is there. For five minutes, or LYNKS_LEAK_MINUTES.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWebStack } from '../support/web.mjs';
import { eventually } from '../support/wait.mjs';
import { makeMeeting, startVisitors } from './visitors.mjs';

const MS = 60000 * Number(process.env.LYNKS_LEAK_MINUTES ?? 5);
const ROUNDS_LEAST = 10;
/// For each time that one joins and leaves. What the browser itself keeps of a connection goes a while later.
const HEAP_BYTES = 10000;
const NODES = 1;
const LISTENERS = 1;
/// Connections that are closed, and not yet collected.
const PEERS_MOST = 4;

let browser;
let stack;
let ann;
let ben;

before(async () => {
    browser = await startVisitors();
    stack = await startWebStack();
    const link = await makeMeeting(stack, 'In and out');
    ann = await browser.visitor('Ann');
    ben = await browser.visitor('Ben');
    await ann.join(link);
    await ben.join(link);
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

async function goOutAndIn() {
    await ben.seesMoving('Ann');
    await ben.click('Leave');
    await ben.click('Join again');
    await ben.click('Join');
    await ben.isIn();
}

async function inAndOut(ms) {
    const end = performance.now() + ms;
    let rounds = 0;
    for (; rounds < ROUNDS_LEAST || performance.now() < end; rounds += 1) await goOutAndIn();
    return rounds;
}

async function measure(devtools) {
    await ben.seesMoving('Ann');
    // What one collection lets go may hold others, which the next one finds.
    for (let times = 0; times < 3; times += 1) await devtools.send('HeapProfiler.collectGarbage');
    const { metrics } = await devtools.send('Performance.getMetrics');
    const of = (name) => metrics.find((metric) => metric.name === name).value;
    return { heap: of('JSHeapUsedSize'), nodes: of('Nodes'), listeners: of('JSEventListeners'), peers: await ben.remembers('keptPeers') };
}

// Chromium makes 75 players for a page, and an element has its own until it is collected, whenever that is.
test('what has played somebody plays nothing once he is gone', async () => {
    await ann.seesMoving('Ben');
    await ann.hears();
    const played = await ann.page.evaluateHandle(() => [...document.querySelectorAll('audio, video')]);
    const before = await played.evaluate((elements) => elements.map(({ srcObject }) => srcObject !== null));
    assert.deepEqual(before, [true, true, true]); // her own picture, and his with his sound
    await ben.click('Leave');
    await eventually(() => played.evaluate((elements) => elements.every(({ isConnected, srcObject }) => isConnected || srcObject === null)
        && elements.filter(({ isConnected }) => isConnected).length === 1), { what: 'only her own is played' });
    await ben.click('Join again');
    await ben.click('Join');
    await ben.isIn();
});

test('memory, nodes, listeners and connections stay as they were', async (t) => {
    const devtools = await ben.page.context().newCDPSession(ben.page);
    await devtools.send('Performance.enable');
    await inAndOut(MS / 3);
    const before = await measure(devtools);
    const rounds = await inAndOut(2 * MS / 3);
    const now = await measure(devtools);
    const grown = (what) => (now[what] - before[what]) / rounds;
    t.diagnostic(`${rounds} times: heap ${before.heap} to ${now.heap} bytes, nodes ${before.nodes} to ${now.nodes}, `
        + `listeners ${before.listeners} to ${now.listeners}, connections ${before.peers} to ${now.peers}`);
    assert.ok(grown('heap') <= HEAP_BYTES, `${grown('heap')} bytes each time`);
    assert.ok(grown('nodes') <= NODES, `${grown('nodes')} nodes each time`);
    assert.ok(grown('listeners') <= LISTENERS, `${grown('listeners')} listeners each time`);
    assert.ok(now.peers <= PEERS_MOST, `${now.peers} connections`);
});

test('who has stayed sees one, not many', async () => {
    await ann.shows('Ann', 'Ben');
    await ann.seesMoving('Ben');
});

test('no page has complained', () => {
    assert.deepEqual(browser.faults(), []);
});
