#!/usr/bin/env node
// Six people in a meeting with the web client, all with cameras, in one Chromium on this machine: how often each picture moves, and for
// how long at most one stood still.
//
//   tests/bench/six.mjs [SECONDS]     30
import { startVisitors, makeMeeting } from '../e2e/visitors.mjs';
import { startWebStack } from '../support/web.mjs';
import { median } from './quantile.mjs';

const SECONDS = Number(process.argv[2] ?? 30);
const NAMES = ['Ann', 'Ben', 'Cid', 'Dan', 'Eve', 'Fay'];

// In the page: of each picture frames a second and the longest time without one, in ms; and for how long the page itself waited for a processor.
async function watchPictures(seconds) {
    const LOOK_MS = 100;
    const begin = performance.now();
    const seen = new Map(); // whose -> { first, frames, at, still }
    let starved = 0;
    for (let before = begin; performance.now() - begin < 1000 * seconds;) {
        await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
        const now = performance.now();
        starved = Math.max(starved, now - before - LOOK_MS);
        before = now;
        for (const video of document.querySelectorAll('.tile video')) {
            const whose = video.getAttribute('aria-label');
            const frames = window.memory.framesOf(video);
            if (!seen.has(whose)) seen.set(whose, { first: frames, frames, at: now, still: 0 });
            const one = seen.get(whose);
            one.still = Math.max(one.still, now - one.at);
            if (frames !== one.frames) Object.assign(one, { frames, at: now });
        }
    }
    return { starved, pictures: [...seen.values()].map(({ first, frames, still }) => ({ rate: (frames - first) / seconds, still })) };
}

const browser = await startVisitors();
const stack = await startWebStack();
try {
    const link = await makeMeeting(stack, 'Six');
    const people = await Promise.all(NAMES.map((name) => browser.visitor(name)));
    for (const person of people) await person.join(link);
    await Promise.all(people.map((person) => person.seesMoving(...NAMES.filter((name) => name !== person.name))));
    const watched = await Promise.all(people.map(({ page }) => page.evaluate(watchPictures, SECONDS)));
    const pictures = watched.flatMap((one) => one.pictures);
    const rates = pictures.map(({ rate }) => rate);
    console.log(`${pictures.length} pictures of ${NAMES.length ** 2}, frames a second: median ${median(rates).toFixed(1)}, least ${Math.min(...rates).toFixed(1)}`);
    console.log(`longest without a frame: median ${median(pictures.map(({ still }) => still)).toFixed(0)} ms, most ${
        Math.max(...pictures.map(({ still }) => still)).toFixed(0)} ms; pages waited for a processor up to ${Math.max(...watched.map((one) => one.starved)).toFixed(0)} ms`);
} finally {
    await browser.close();
    await stack.remove();
}
