// How far /list_participants is behind Janus, with a real browser that publishes and leaves. A witness, a member of the
// room like any client, tells when Janus itself said so: what is measured is ours, not how fast a browser is.
import assert from 'node:assert/strict';
import { launchBrowser } from '../support/browser.mjs';
import { eventually } from '../support/wait.mjs';
import { servePages } from './pages.mjs';

export const WORST_MS = 200;
const MEDIAN_MS = 100;
const LISTED_MS = 60000; // a list that is not right by then never will be
const PLUGIN = 'janus.plugin.videoroom';

class Witness {
    constructor(stack, room) {
        Object.assign(this, { stack, room });
        this.seen = new Map(); // 'publishes 5' -> when
        this.strange = []; // events about anybody but the browser's feeds
        this.onEvent = () => {}; // at the moment at which the bridge hears it, too
    }

    async enter() {
        this.session = `/${(await this.stack.janus('', { janus: 'create' })).data.id}`;
        const handle = (await this.stack.janus(this.session, { janus: 'attach', plugin: PLUGIN })).data.id;
        this.handle = `${this.session}/${handle}`;
        this.listening = this.#listen();
        await this.stack.janus(this.handle, { janus: 'message', body: { request: 'join', ptype: 'publisher', room: this.room } });
    }

    async #listen() {
        while (!this.ended) {
            const answer = await fetch(`${this.stack.janusUrl}${this.session}?maxev=20`).catch(() => undefined);
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
        const answer = await this.stack.janus(this.handle, { janus: 'message', body: { request: 'listparticipants', room: this.room } });
        return answer.plugindata.data.participants;
    }

    async leave() {
        this.ended = true;
        await this.stack.janus(this.session, { janus: 'destroy' });
        await this.listening;
    }
}

const sorted = (values) => [...values].sort((a, b) => a - b);

/// What was promised of lists, by their delays { behind, late }. That no list is older than 200 ms is judged by late: a
/// machine that is busy makes an answer come later, but not older. disturbed: what roomsvc hears is, so that each list
/// may be as old as is promised.
export function report(name, delays, { disturbed = false } = {}) {
    const behind = sorted(delays.map((delay) => delay.behind));
    const median = behind[behind.length >> 1];
    const late = Math.max(...delays.map((delay) => delay.late));
    console.log(`# ${name}: median ${median.toFixed(1)} ms, worst of ${behind.length} ${behind.at(-1).toFixed(1)} ms behind Janus;`
        + ` the last that was wrong was asked for after ${late.toFixed(1)} ms`);
    assert.ok(disturbed || median < MEDIAN_MS, `${name}: median ${median} ms`);
    assert.ok(late < WORST_MS, `${name}: a list that was asked for ${late} ms after Janus' word was older than that`);
}

/// A room of the stack, a browser that can publish there, and the witness.
export class Live {
    static async start(stack) {
        const live = new Live();
        live.stack = stack;
        try {
            live.pages = await servePages();
            live.browser = await launchBrowser();
            live.token = await stack.token();
            live.room = (await stack.create(live.token)).json.room_id;
            live.witness = new Witness(stack, live.room);
            await live.witness.enter();
            live.page = await live.browser.newPage();
            await live.page.goto(live.pages.url);
            await live.page.waitForFunction(() => window.Meeting);
        } catch (error) {
            await live.end();
            throw error;
        }
        return live;
    }

    async end() {
        await this.witness?.leave();
        await this.browser?.close();
        await this.pages?.close();
    }

    // Asks all the time, one after the other: when an answer first was as wanted, and when the last was asked for that
    // was not.
    async #whenListed(feedOf, wanted, state) {
        const end = performance.now() + LISTED_MS;
        for (let wrong = -Infinity; ;) {
            const asked = performance.now();
            assert.ok(asked < end, `wrong for ${LISTED_MS} ms`);
            const { status, json } = await this.stack.list(this.token, this.room);
            assert.equal(status, 200, JSON.stringify(json));
            const feed = feedOf(json.publishers);
            if ((feed !== undefined) === wanted) return { right: performance.now(), wrong, feed };
            assert.ok(!state.failed, 'the browser did what it should');
            wrong = asked;
        }
    }

    // One round, publishing and leaving: how long after Janus' word (behind) the list said so, and how long after it
    // (late) the last list was asked for that did not.
    async #round() {
        const state = {};
        const published = this.page.evaluate(async ([url, id]) => {
            window.meeting = new window.Meeting(url, id);
            return window.meeting.publish('ada');
        }, [this.stack.janusWsUrl, this.room]).catch((error) => { state.failed = true; throw error; });
        const [there, feed] = await Promise.all([this.#whenListed((ids) => ids[0], true, state), published]);
        assert.equal(there.feed, feed);
        const left = this.page.evaluate(() => window.meeting.leave()).catch((error) => { state.failed = true; throw error; });
        const [gone] = await Promise.all([this.#whenListed((ids) => ids.find((id) => id === feed), false, state), left]);
        const since = async (what, { right, wrong }) => {
            const said = await eventually(() => this.witness.seen.get(`${what} ${feed}`), { what: `the witness: ${what}` });
            return { behind: right - said, late: wrong - said };
        };
        return { publish: await since('publishes', there), leave: await since('gone', gone) };
    }

    /// Rounds, each with what onEvent (number) gives to be done at the moment of each event.
    async series(count, onEvent) {
        const rounds = [];
        for (let i = 0; i < count; i++) {
            this.witness.onEvent = onEvent(i);
            rounds.push(await this.#round());
        }
        return rounds;
    }
}
