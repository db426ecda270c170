#!/usr/bin/env -S node --test-reporter=tap
// Streams of events in a real browser, over a gateway's death and its restart: EventSource on /v1/events with the session's cookie
// comes again by itself, and a stream of a room, read by fetch with a participant's token, goes on where it was. What the page
// has seen in the end is what the journal has: each event once, in order.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser } from '../support/browser.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';

let stack;
let browser;
let page;
before(async () => {
    stack = await startStack();
    browser = await launchBrowser();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${stack.ports.http}/v1/info`);
    await page.evaluate(followEverything);
});
after(async () => {
    await browser?.close();
    await stack?.remove();
});

// Runs in the page: window.follow(code) signs in, comes into the room and follows both; what it hears is in window.heard.
function followEverything() {
    const json = async (path, body, headers = {}) => (await fetch(path, { method: 'POST', body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers } })).json();
    const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
    window.heard = { user: [], room: [], opened: 0 };

    function take(block) {
        const event = {};
        for (const line of block.split('\n')) {
            const [, field, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
            if (field === 'id' || field === 'event' || field === 'data') event[field] = value;
        }
        if (event.event) window.heard.room.push(event);
        return event;
    }

    async function readOnce(path, token, last) {
        let at = last;
        const answer = await fetch(path, { headers: { accept: 'text/event-stream', authorization: `Bearer ${token}`,
            ...(last ? { 'last-event-id': last } : {}) } });
        if (!answer.ok) return at;
        window.heard.opened += 1;
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = '';
        try {
            for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
                text += piece.value;
                for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
                    at = take(text.slice(0, end)).id ?? at;
                }
            }
        } catch { /* the connection is gone: on with the next */ }
        return at;
    }

    window.follow = async (name) => {
        await json('/v1/sessions', { username: 'testuser', password: 'test123', cookie: true });
        const room = await json('/v1/rooms', { name });
        const joined = await json(`/v1/rooms/${room.code}/participants`, {});
        const events = new EventSource('/v1/events');
        for (const type of ['snapshot', 'end']) {
            events.addEventListener(type, ({ data }) => window.heard.user.push({ type, data: JSON.parse(data) }));
        }
        (async () => {
            for (let last; ;) {
                last = await readOnce(`/v1/rooms/${room.code}/events`, joined.token, last).catch(() => last);
                await wait(100);
            }
        })();
        return { room, joined };
    };
}

const heard = () => page.evaluate(() => window.heard);
const seqOf = ({ id }) => Number(id.split('.')[1]);

test('streams survive the death and the restart of their gateway', async () => {
    const { room } = await page.evaluate((name) => window.follow(name), 'Tea');
    const path = `/v1/rooms/${room.code}/participants`;
    const token = `Bearer ${(await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } })).json.token}`;
    const comesAndGoes = async () => {
        const eve = await stack.request(path, { body: { name: 'Eve' } });
        assert.equal(eve.status, 201, eve.text);
        const gone = await stack.request(`${path}/${eve.json.participant.id}`, { method: 'DELETE', token });
        assert.equal(gone.status, 204, gone.text);
    };
    const hearsAll = () => eventually(async () => {
        const [[seq]] = await stack.sql(`SELECT seq FROM rooms WHERE room_id = ${room.id}`);
        const { room: events } = await heard();
        return events.length > 0 && seqOf(events.at(-1)) === Number(seq);
    }, { within: 20000, what: 'the page has heard everything' });

    await eventually(async () => (await heard()).room.length > 0, { within: 10000, what: 'a snapshot' });
    await comesAndGoes();
    await hearsAll();
    for (const end of [() => stack.crash('gateway'), () => stack.deploy('restart', 'gateway')]) {
        const before = await heard();
        await end();
        await comesAndGoes();
        await hearsAll();
        await eventually(async () => (await heard()).user.filter(({ type }) => type === 'snapshot').length
            > before.user.filter(({ type }) => type === 'snapshot').length, { within: 20000, what: 'EventSource comes again' });
        assert.ok((await heard()).opened > before.opened, 'the stream of the room was opened anew');
    }
    const { room: events } = await heard();
    assert.equal(events[0].event, 'snapshot');
    assert.deepEqual(events.filter(({ event }) => event === 'reset'), []);
    // What came after the first snapshot, each once, in the order of the journal.
    const journaled = events.slice(1).filter(({ event }) => !['snapshot', 'end'].includes(event));
    const first = seqOf(events[0]);
    assert.deepEqual(journaled.map(seqOf), journaled.map((_, i) => first + 1 + i));
    assert.equal(journaled.length, 6);
    assert.deepEqual(journaled.map(({ event }) => event), Array.from({ length: 3 }, () => ['participant.joined', 'participant.removed']).flat());
});
