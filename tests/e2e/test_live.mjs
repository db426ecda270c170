#!/usr/bin/env -S node --test-reporter=tap
// How far /list_participants is behind Janus (live.mjs). The bridge reaches Janus through a proxy that can cut its
// connections, the feed of events among them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCutProxy } from '../support/cut-proxy.mjs';
import { startOwnJanus } from '../support/own-janus.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { Live, report } from './live.mjs';

const ROUNDS = 20;
const CUT = new Set([3, 7, 11, 15]); // rounds in which the feed is cut at each event

let janus;
let proxy;
let stack;
let live;

before(async () => {
    janus = await startOwnJanus();
    proxy = await startCutProxy(janus.httpPort);
    stack = await startStack({ LYNKS_JANUS_URL: `http://127.0.0.1:${proxy.port}/janus`, LYNKS_JANUS_ADMIN_KEY: janus.adminKey });
    // What the stack's helpers and the browser ask of Janus does not go through the proxy.
    stack.ports.janusHttp = janus.httpPort;
    stack.janusUrl = `http://127.0.0.1:${janus.httpPort}/janus`;
    stack.janusWsUrl = `ws://127.0.0.1:${janus.wsPort}`;
    live = await Live.start(stack);
});
after(async () => {
    await live?.end();
    await stack?.remove();
    await proxy?.close();
    await janus?.stop();
});

// The feed, and whatever else the bridge has under way with Janus.
let cuts = 0;
function cutFeed() {
    if (proxy.cut() > 0) cuts++;
}

test(`publish to listed and leave to gone, ${ROUNDS} times, the feed cut in the middle of some`, async () => {
    const rounds = await live.series(ROUNDS, (i) => (CUT.has(i) ? cutFeed : () => {}));
    assert.ok(cuts >= 2 * CUT.size, `${cuts} cuts`);
    report('publish to listed', rounds.map(({ publish }) => publish));
    report('leave to gone', rounds.map(({ leave }) => leave));
});

test('after the last cut lists come from memory again, and memory was right', async () => {
    let value;
    // The rounds may be over before the bridge has an observer again.
    await eventually(async () => {
        await stack.list(live.token, live.room);
        const metrics = (await stack.ops('janusbridge', '/metrics')).text;
        value = (name) => Number(metrics.match(new RegExp(`^${name} (\\d+)`, 'm'))?.[1] ?? NaN);
        return value('lynks_janusbridge_lists_total\\{from="memory"\\}') > 0;
    }, { within: 10000, what: 'a list from memory' });
    console.log(`# ${value('lynks_janusbridge_lists_total\\{from="memory"\\}')} lists from memory, ${
        value('lynks_janusbridge_lists_total\\{from="janus"\\}')} asked for`);
    assert.equal(value('lynks_janusbridge_audit_differences_total'), 0);
});

test('nobody is shown an observer', async () => {
    const members = await live.witness.members();
    assert.ok(members.every(({ id, publisher, display }) => id === live.witness.feed || (!publisher && !display)));
    assert.deepEqual(live.witness.strange, []);
    assert.deepEqual((await stack.list(live.token, live.room)).json.publishers, []);
    assert.deepEqual(await live.page.evaluate(() => window.meeting.errors), []);
});
