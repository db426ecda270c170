#!/usr/bin/env node
// How long it takes from opening a meeting's page to the first picture of another, in Chromium with the web client: a page that is loaded
// anew goes on as the same participant, so that nobody's clicks are in it.
//
//   tests/bench/first_frame.mjs [TIMES]     20
//
// Prints the median, the least and the most, in ms since the page's navigation began; and of it, until the page asked for the media.
import { startVisitors, makeMeeting } from '../e2e/visitors.mjs';
import { startWebStack } from '../support/web.mjs';
import { median } from './quantile.mjs';

const TIMES = Number(process.argv[2] ?? 20);

// Runs in the page before anything else: notes when the video of who has this name has shown something.
function watchFirstFrame(name) {
    const look = () => {
        const shown = [...document.querySelectorAll('.tile video')].find((video) => video.getAttribute('aria-label') === name
            && video.getVideoPlaybackQuality().totalVideoFrames > 0);
        if (shown === undefined) requestAnimationFrame(look);
        else window.firstFrameAt = performance.now();
    };
    requestAnimationFrame(look);
}

const askedAt = () => Math.min(...performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/watch')).map(({ startTime }) => startTime));

function tell(what, times) {
    const [middle, least, most] = [median(times), Math.min(...times), Math.max(...times)].map((ms) => ms.toFixed(0));
    console.log(`${what}: median ${middle} ms, ${least} to ${most} ms, ${times.length} times`);
}

const browser = await startVisitors();
const stack = await startWebStack();
try {
    const link = await makeMeeting(stack, 'First frame');
    const ann = await browser.visitor('Ann');
    const ben = await browser.visitor('Ben');
    await ann.join(link);
    await ben.join(link);
    await ben.seesMoving('Ann');
    await ben.page.addInitScript(watchFirstFrame, 'Ann');
    const frames = [];
    const asks = [];
    for (let time = 0; time < TIMES; time += 1) {
        await ben.page.reload();
        await ben.page.waitForFunction(() => window.firstFrameAt !== undefined);
        frames.push(await ben.page.evaluate(() => window.firstFrameAt));
        asks.push(await ben.page.evaluate(askedAt));
    }
    tell('opened to the first picture of another', frames);
    tell('of which until it is asked for', asks);
} finally {
    await browser.close();
    await stack.remove();
}
