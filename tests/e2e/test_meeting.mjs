#!/usr/bin/env -S node --test-reporter=tap
// The main job, with everything real: log in, create the meeting, publish from a browser through Janus, and
// find that browser's feed id in /list_participants. The tests build on each other, as people in a meeting do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser } from '../support/browser.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { servePages } from './pages.mjs';

const MEDIA_MS = 15000;

let stack;
let pages;
let browser;
let token;
let room;
const people = {}; // name -> { page, feed }

before(async () => {
    // One by one: what is there already is closed if the next does not come.
    stack = await startStack();
    pages = await servePages();
    browser = await launchBrowser();
});
after(async () => {
    await browser?.close();
    await pages?.close();
    await stack?.remove();
});

async function enter(name, server) {
    const page = await browser.newPage();
    await page.goto(pages.url);
    await page.waitForFunction(() => window.Meeting);
    const feed = await page.evaluate(async ([url, id, display]) => {
        window.meeting = new window.Meeting(url, id);
        return window.meeting.publish(display);
    }, [server, room, name]);
    people[name] = { page, feed };
    return feed;
}

const listed = async () => (await stack.list(token, room)).json.publishers.sort((a, b) => a - b);
const feeds = (...names) => names.map((name) => people[name].feed).sort((a, b) => a - b);
const observe = (watcher, feed) => people[watcher].page.evaluate((id) => window.meeting.observe(id), feed);

async function assertListed(...names) {
    await eventually(async () => {
        assert.deepEqual(await listed(), feeds(...names));
        return true;
    }, { within: 3000, what: `exactly ${names.join(' and ') || 'nobody'} is listed` });
}

// Video that has a size and moves, and sound that arrives.
async function assertWatches(watcher, watched) {
    const { feed } = people[watched];
    const first = await eventually(async () => {
        const seen = await observe(watcher, feed);
        return seen?.width > 0 && seen.seconds > 0 && seen.audioPackets > 0 && seen;
    }, { within: MEDIA_MS, what: `${watcher} sees and hears ${watched}` });
    await eventually(async () => {
        const later = await observe(watcher, feed);
        return later.seconds > first.seconds + 0.5 && later.audioPackets > first.audioPackets + 10
            && later.videoPackets > first.videoPackets;
    }, { within: MEDIA_MS, what: `${watched} keeps moving for ${watcher}` });
}

test('a client logs in and creates the meeting; nobody is in it', async () => {
    token = await stack.token();
    const created = await stack.create(token);
    assert.equal(created.status, 200, created.text);
    room = created.json.room_id;
    assert.equal(room, 123456);
    assert.deepEqual(await listed(), []);
});

test('a browser publishes, and exactly its feed id is listed', async () => {
    const feed = await enter('ada', stack.janusWsUrl);
    assert.ok(Number.isSafeInteger(feed));
    await assertListed('ada');
});

test('a second browser publishes over REST, and both are listed', async () => {
    await enter('bob', stack.janusUrl);
    await assertListed('ada', 'bob');
});

test('whoever comes into the room by /v1 is shown them beside the participants', async () => {
    const joined = await stack.request('/v1/rooms/123456/participants', { body: { name: 'Cid' }, token: `Bearer ${token}` });
    assert.equal(joined.status, 201, joined.text);
    const { json } = await stack.request('/v1/rooms/123456/participants', { method: 'GET', token: `Bearer ${joined.json.token}` });
    assert.deepEqual(json.items.map(({ name }) => name), ['Cid']);
    assert.deepEqual(json.direct.map(Number).sort((a, b) => a - b), feeds('ada', 'bob'));
});

test("each sees the other's video move and hears the other", async () => {
    await assertWatches('bob', 'ada');
    await assertWatches('ada', 'bob');
});

test('creating the meeting again disturbs nobody', async () => {
    assert.equal((await stack.create(token)).json.room_id, room);
    await assertListed('ada', 'bob');
    await assertWatches('bob', 'ada');
});

test('a crash of the bridge and of the room service disturbs nobody', async () => {
    await stack.crash('janusbridge');
    await stack.crash('roomsvc');
    await assertListed('ada', 'bob');
    await assertWatches('ada', 'bob');
});

test('who stops publishing is not listed any more', async () => {
    await people.bob.page.evaluate(() => window.meeting.unpublish());
    await assertListed('ada');
});

test('leaving removes the one who leaves', async () => {
    await enter('eve', stack.janusWsUrl);
    await assertListed('ada', 'eve');
    await people.eve.page.evaluate(() => window.meeting.leave());
    await assertListed('ada');
});

test('a page that is closed without a word is removed', async () => {
    await people.ada.page.close();
    await assertListed();
});

test('after a restart of Janus the meeting is there and can be published into again', async () => {
    await people.bob.page.close();
    await stack.crash('janus');
    await eventually(async () => (await stack.list(token, room)).status === 200, { within: 5000, what: 'list works' });
    await eventually(async () => (await stack.create(token)).status === 200, { within: 2000, what: 'create works' });
    await enter('dan', stack.janusWsUrl);
    await assertListed('dan');
});
