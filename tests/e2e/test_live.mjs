#!/usr/bin/env -S node --test-reporter=tap
// How far /list_participants is behind Janus, with a real browser that publishes and leaves. A witness, a member of the
// room like any client, tells when Janus itself said so: what is measured is ours, not how fast a browser is. The bridge
// reaches Janus through a proxy that can cut its connections, the feed of events among them.
import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, test } from 'node:test';
import { launchBrowser } from '../support/browser.mjs';
import { startCutProxy } from '../support/cut-proxy.mjs';
import { startOwnJanus } from '../support/own-janus.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { servePages } from './pages.mjs';

const ROUNDS = 20;
const CUT = new Set([3, 7, 11, 15]); // rounds in which the feed is cut at each event
const MEDIAN_MS = 100;
const WORST_MS = 200;
const HELD_UP_MS = 50;
const TRIES = 3;
const PLUGIN = 'janus.plugin.videoroom';

let janus;
let proxy;
let stack;
let pages;
let browser;
let page;
let token;
let room;
let witness;

class Witness {
    constructor() {
        this.seen = new Map(); // 'publishes 5' -> when
        this.strange = []; // events about anybody but the browser's feeds
        this.onEvent = () => {}; // at the moment at which the bridge hears it, too
    }

    async enter() {
        this.session = `/${(await stack.janus('', { janus: 'create' })).data.id}`;
        const handle = (await stack.janus(this.session, { janus: 'attach', plugin: PLUGIN })).data.id;
        this.handle = `${this.session}/${handle}`;
        this.listening = this.#listen();
        await stack.janus(this.handle, { janus: 'message', body: { request: 'join', ptype: 'publisher', room } });
    }

    async #listen() {
        while (!this.ended) {
            const answer = await fetch(`${stack.janusUrl}${this.session}?maxev=20`).catch(() => undefined);
            const events = answer?.ok ? await answer.json() : [];
            for (const event of events) this.#note(event.plugindata?.data ?? {}, performance.now());
        }
    }

    #note(data, now) {
        if (data.videoroom === 'joined') this.feed = data.id;
        if (data.videoroom !== 'event') return;
        this.onEvent();
        for (const { id } of data.publishers ?? []) this.seen.set(`publishes ${id}`, now);
        for (const member of ['unpublished', 'leaving', 'kicked']) {
            const key = `gone ${data[member]}`;
            if (data[member] && !this.seen.has(key)) this.seen.set(key, now);
        }
        if (data.joining) this.strange.push(data);
    }

    async members() {
        const answer = await stack.janus(this.handle, { janus: 'message', body: { request: 'listparticipants', room } });
        return answer.plugindata.data.participants;
    }

    async leave() {
        this.ended = true;
        await stack.janus(this.session, { janus: 'destroy' });
        await this.listening;
    }
}

before(async () => {
    janus = await startOwnJanus();
    proxy = await startCutProxy(janus.httpPort);
    stack = await startStack({ LYNKS_JANUS_URL: `http://127.0.0.1:${proxy.port}/janus`, LYNKS_JANUS_ADMIN_KEY: janus.adminKey });
    // What the stack's helpers and the browser ask of Janus does not go through the proxy.
    stack.ports.janusHttp = janus.httpPort;
    stack.janusUrl = `http://127.0.0.1:${janus.httpPort}/janus`;
    stack.janusWsUrl = `ws://127.0.0.1:${janus.wsPort}`;
    pages = await servePages();
    browser = await launchBrowser();
    token = await stack.token();
    room = (await stack.create(token)).json.room_id;
    witness = new Witness();
    await witness.enter();
    page = await browser.newPage();
    await page.goto(pages.url);
    await page.waitForFunction(() => window.Meeting);
});
after(async () => {
    await witness?.leave();
    await browser?.close();
    await pages?.close();
    await stack?.remove();
    await proxy?.close();
    await janus?.stop();
});

// Asks all the time, one after the other; when an answer first was as wanted.
async function whenListed(feedOf, wanted, state) {
    for (;;) {
        const { status, json } = await stack.list(token, room);
        const now = performance.now();
        assert.equal(status, 200, JSON.stringify(json));
        const feed = feedOf(json.publishers);
        if ((feed !== undefined) === wanted) return { now, feed };
        assert.ok(!state.failed, 'the browser did what it should');
    }
}

// The feed, and whatever else the bridge has under way with Janus.
let cuts = 0;
function cutFeed() {
    if (proxy.cut() > 0) cuts++;
}

// One round: how long after Janus' word the list said so, for publishing and for leaving.
async function round() {
    const state = {};
    const published = page.evaluate(async ([url, id]) => {
        window.meeting = new window.Meeting(url, id);
        return window.meeting.publish('ada');
    }, [stack.janusWsUrl, room]).catch((error) => { state.failed = true; throw error; });
    const [there, feed] = await Promise.all([whenListed((ids) => ids[0], true, state), published]);
    assert.equal(there.feed, feed);
    const left = page.evaluate(() => window.meeting.leave()).catch((error) => { state.failed = true; throw error; });
    const [gone] = await Promise.all([whenListed((ids) => ids.find((id) => id === feed), false, state), left]);
    const said = (what) => eventually(() => witness.seen.get(`${what} ${feed}`), { what: `the witness: ${what}` });
    return { publish: there.now - await said('publishes'), leave: gone.now - await said('gone') };
}

const sorted = (values) => [...values].sort((a, b) => a - b);

function report(name, values) {
    const median = sorted(values)[values.length >> 1];
    const worst = Math.max(...values);
    console.log(`# ${name}: median ${median.toFixed(1)} ms, worst of ${values.length} ${worst.toFixed(1)} ms behind Janus`);
    assert.ok(median < MEDIAN_MS, `${name}: median ${median} ms`);
    assert.ok(worst < WORST_MS, `${name}: worst ${worst} ms`);
}

async function series() {
    const rounds = [];
    for (let i = 0; i < ROUNDS; i++) {
        witness.onEvent = CUT.has(i) ? cutFeed : () => {};
        rounds.push(await round());
    }
    return rounds;
}

// A series in which this program itself was held up says nothing about the service: it is done again, a few times.
async function undisturbedSeries() {
    for (let left = TRIES; ; left--) {
        const delay = monitorEventLoopDelay({ resolution: 10 });
        delay.enable();
        const rounds = await series();
        delay.disable();
        const heldUp = delay.max / 1e6 > HELD_UP_MS;
        const worst = Math.max(...rounds.flatMap(({ publish, leave }) => [publish, leave]));
        if (worst < WORST_MS || !heldUp || left === 1) return rounds;
        console.log(`# once more: the test was held up for ${(delay.max / 1e6).toFixed(0)} ms`);
    }
}

test(`publish to listed and leave to gone, ${ROUNDS} times, the feed cut in the middle of some`, async () => {
    const rounds = await undisturbedSeries();
    assert.ok(cuts >= 2 * CUT.size, `${cuts} cuts`);
    report('publish to listed', rounds.map(({ publish }) => publish));
    report('leave to gone', rounds.map(({ leave }) => leave));
});

test('after the last cut lists come from memory again, and memory was right', async () => {
    let value;
    // The rounds may be over before the bridge has an observer again.
    await eventually(async () => {
        await stack.list(token, room);
        const metrics = (await stack.ops('janusbridge', '/metrics')).text;
        value = (name) => Number(metrics.match(new RegExp(`^${name} (\\d+)`, 'm'))?.[1] ?? NaN);
        return value('lynks_janusbridge_lists_total\\{from="memory"\\}') > 0;
    }, { within: 10000, what: 'a list from memory' });
    console.log(`# ${value('lynks_janusbridge_lists_total\\{from="memory"\\}')} lists from memory, ${
        value('lynks_janusbridge_lists_total\\{from="janus"\\}')} asked for`);
    assert.equal(value('lynks_janusbridge_audit_differences_total'), 0);
});

test('nobody is shown an observer', async () => {
    const members = await witness.members();
    assert.ok(members.every(({ id, publisher, display }) => id === witness.feed || (!publisher && !display)));
    assert.deepEqual(witness.strange, []);
    assert.deepEqual((await stack.list(token, room)).json.publishers, []);
    assert.deepEqual(await page.evaluate(() => window.meeting.errors), []);
});
