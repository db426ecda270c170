#!/usr/bin/env node
// How long it takes from opening a page to the first picture of another, in Chromium: with the web client, and in turn with a page on
// janus.js that talks to Janus itself. The web client's page, opened anew in the same tab, goes on as the same participant, so that
// nobody's clicks are in it. Both pages come from the same gateway, send the same camera, and look at the same feed of the same room.
//
//   tests/bench/first_frame.mjs [TIMES]     20
//
// Prints of both the median, the least and the most, in ms since the page's navigation began; of it, until the page asked for the
// media; when the web client asks the gateway for what, on its way there; then the marks.
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { startVisitors, makeMeeting } from '../e2e/visitors.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { buildWeb } from '../support/web.mjs';
import { firstFrameMarks } from './marks.mjs';
import { median } from './quantile.mjs';
import { printMarks } from './report.mjs';

const PAGE = fileURLToPath(new URL('../e2e/page/', import.meta.url));
const TIMES = Number(process.argv[2] ?? 20);

// The web client's files, and beside them the page on janus.js, built likewise.
async function buildPages(folder) {
    const { build } = createRequire(new URL('../../gateway/web/package.json', import.meta.url))('esbuild');
    await cp(await buildWeb(), folder, { recursive: true });
    const { metafile } = await build({ entryPoints: [join(PAGE, 'direct.js')], outdir: join(folder, 'assets'), entryNames: '[name]-[hash]', bundle: true,
        minify: true, format: 'esm', target: 'es2022', metafile: true, logLevel: 'warning' });
    const script = basename(Object.keys(metafile.outputs)[0]);
    const page = await readFile(join(PAGE, 'direct.html'), 'utf8');
    await writeFile(join(folder, 'direct.html'), page.replace('{{script}}', `/assets/${script}`));
    for (const file of ['direct.html', `assets/${script}`]) await writeFile(join(folder, `${file}.gz`), gzipSync(await readFile(join(folder, file)), { level: 9 }));
    await chmod(folder, 0o755); // the gateway's account reads it
}

// Runs in the page before anything else: notes when the video of who has this name has shown something.
function watchFirstFrame(name) {
    const look = () => {
        const shown = [...document.querySelectorAll('video')].find((video) => video.getAttribute('aria-label') === name
            && video.getVideoPlaybackQuality().totalVideoFrames > 0);
        if (shown === undefined) requestAnimationFrame(look);
        else window.firstFrameAt = performance.now();
    };
    requestAnimationFrame(look);
}

// What the web client asks for until it gets media. (Its stream of events is not over, so that the browser tells nothing of it.)
const STEPS = ['/join-info', '/watch', '/watch/offer'];

// In the page: when it first asked for each of these.
const asked = (steps) => steps.map((step) => performance.getEntriesByType('resource').find(({ name }) => name.endsWith(step))?.startTime ?? NaN);

// Where the page on janus.js finds who sends: the room lets in only who knows its pin.
async function placeOf(stack, name) {
    const [[room, pin, feed]] = await eventually(async () => {
        const rows = await stack.sql('SELECT c.room_id, r.janus_pin, c.feed FROM rtc_connections c JOIN rooms r ON r.room_id = c.room_id'
            + ` JOIN participants p ON p.participant_id = c.participant_id WHERE p.name = '${name}' AND c.feed > 0`);
        return rows.length === 1 && rows;
    }, { what: `${name}'s feed` });
    return { server: stack.janusWsUrl, room: Number(room), pin, feed: Number(feed), name };
}

/// A page that is opened again and again, and is away meanwhile.
class Opened {
    constructor(visitor, url) {
        Object.assign(this, { visitor, url, frames: [], asks: [], steps: [] });
    }

    async open() {
        const { page } = this.visitor;
        await page.goto(this.url);
        await page.waitForFunction(() => window.firstFrameAt !== undefined);
        this.frames.push(await page.evaluate(() => window.firstFrameAt));
        const steps = await page.evaluate(asked, STEPS);
        this.steps.push(steps);
        this.asks.push(await page.evaluate(() => window.askedAt) ?? steps[STEPS.indexOf('/watch')]);
        await page.goto('about:blank');
    }

    tell(what) {
        const row = (times) => [median(times), Math.min(...times), Math.max(...times)].map((ms) => ms.toFixed(0));
        const [frame, ask] = [row(this.frames), row(this.asks)];
        console.log(`${what}: median ${frame[0]} ms, ${frame[1]} to ${frame[2]} ms, ${this.frames.length} times; of which until it is asked for: median ${ask[0]
        } ms, ${ask[1]} to ${ask[2]} ms`);
    }
}

const folder = await mkdtemp(join(tmpdir(), 'lynks-pages-'));
const browser = await startVisitors();
let stack;
try {
    await buildPages(folder);
    stack = await startStack({ LYNKS_WEB_ROOT: folder });
    const link = await makeMeeting(stack, 'First frame');
    const ann = await browser.visitor('Ann');
    await ann.join(link);
    const place = await placeOf(stack, 'Ann');
    const ben = await browser.visitor('Ben');
    await ben.join(link);
    await ben.seesMoving('Ann');
    // Janus is another origin, which the policy of the gateway's pages does not let them talk to.
    const direct = await browser.visitor('Ben', { bypassCSP: true });
    for (const { page } of [ben, direct]) await page.addInitScript(watchFirstFrame, 'Ann');
    await ben.page.goto('about:blank');
    const pages = [new Opened(ben, link), new Opened(direct, `http://127.0.0.1:${stack.ports.http}/direct.html#${encodeURIComponent(JSON.stringify(place))}`)];
    for (let time = 0; time < TIMES; time += 1) {
        for (const page of pages) await page.open();
        pages.reverse();
    }
    if (TIMES % 2 === 1) pages.reverse();
    const [web, bare] = pages;
    web.tell('the web client, opened to the first picture of another');
    console.log(`its requests, medians: ${STEPS.map((step, i) => `${step} at ${median(web.steps.map((steps) => steps[i])).toFixed(0)} ms`).join(', ')}`);
    bare.tell('a page on janus.js');
    printMarks(firstFrameMarks({ web: median(web.frames), bare: median(bare.frames) }));
    for (const fault of browser.faults()) console.error(fault);
} finally {
    await browser.close();
    await stack?.remove();
    await rm(folder, { recursive: true, force: true });
}
