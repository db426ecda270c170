#!/usr/bin/env -S node --test-reporter=tap
// What is wanted of the others on a bad network, second by second; what the browser's counters say of it; and what is asked for then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';

const { isLossy, isStrained, nextQuality, wholeQuality, Statistics, seenOf, wishOf } = await loadTypeScript('state/quality.ts', 'state/statistics.ts', 'state/wish.ts');

const GOOD = { received: 100, lost: 0, frozen: 0, delay: 0 };
const LOSSY = { ...GOOD, received: 90, lost: 10 };
const FROZEN = { ...GOOD, frozen: 0.8 };
const QUEUED = { ...GOOD, delay: 0.5 };

/// After so many seconds that were all alike.
function after(quality, sample, seconds) {
    let next = quality;
    for (let second = 0; second < seconds; second += 1) next = nextQuality(next, sample);
    return next;
}

/// How many seconds until the step is another one.
function secondsToChange(quality, sample) {
    let next = quality;
    for (let second = 1; second <= 1000; second += 1) {
        next = nextQuality(next, sample);
        if (next.step !== quality.step) return { second, next };
    }
    return undefined;
}

test('loss over five per cent counts, if it is of more than a few packets; so does what stands still or queues', () => {
    assert.deepEqual([GOOD, LOSSY, { ...GOOD, received: 95, lost: 5 }, { ...GOOD, received: 10, lost: 5 }].map(isLossy), [false, true, false, false]);
    assert.deepEqual([GOOD, FROZEN, QUEUED, { ...GOOD, frozen: 0.5, delay: 0.4 }].map(isStrained), [false, true, true, false]);
});

test('a good network stays as it is', () => {
    assert.equal(after(wholeQuality, GOOD, 600).step, 0);
});

test('on a bad one it is sound only within thirteen seconds, and no less after that', () => {
    assert.equal(after(wholeQuality, LOSSY, 13).step, 3);
    assert.equal(after(wholeQuality, LOSSY, 300).step, 3);
});

test('one bad second changes nothing', () => {
    const settled = after(wholeQuality, GOOD, 10);
    assert.equal(after(nextQuality(settled, LOSSY), GOOD, 5).step, 0);
});

test('where pictures stand still or sound queues, pictures are made small, and not taken away', () => {
    for (const sample of [FROZEN, QUEUED]) assert.equal(after(wholeQuality, sample, 60).step, 1);
});

test('it goes up by one step after a quarter of a minute, and waits longer each time that this was in vain', () => {
    const low = after(wholeQuality, LOSSY, 10);
    assert.equal(low.step, 2);
    const first = secondsToChange(low, GOOD);
    assert.equal(first.next.step, 1);
    assert.ok(first.second >= 15);
    const fallen = secondsToChange(first.next, LOSSY).next;
    assert.equal(fallen.step, 2);
    const second = secondsToChange(fallen, GOOD);
    assert.ok(second.second > first.second, `${second.second} after ${first.second}`);
});

test('the longest wait is two minutes', () => {
    let quality = after(wholeQuality, LOSSY, 10);
    for (let time = 0; time < 20; time += 1) quality = secondsToChange(secondsToChange(quality, GOOD).next, LOSSY).next;
    assert.equal(quality.patience, 120);
    assert.equal(secondsToChange(quality, GOOD).second, 120);
});

const inbound = (id, counters) => ({ type: 'inbound-rtp', id, ...counters });

test('only what came since the last look counts, and of a counter that began anew nothing', () => {
    const statistics = new Statistics();
    const look = (received, lost) => statistics.take([inbound('a', { kind: 'audio', packetsReceived: received, packetsLost: lost }), { type: 'codec', id: 'c' }]).sample;
    assert.equal(look(1000, 50).received, 0);
    assert.deepEqual([look(1100, 55), look(20, 0)].map(({ received, lost }) => [received, lost]), [[100, 5], [0, 0]]);
});

test('a picture is poor that stands still or loses much; the worst one counts', () => {
    const statistics = new Statistics();
    const picture = (mid, counters) => inbound(mid, { kind: 'video', mid, framesPerSecond: 15, ...counters });
    statistics.take([picture('1', {}), picture('2', {}), picture('3', {})]);
    const { sample, pictures } = statistics.take([
        picture('1', { packetsReceived: 100 }),
        picture('2', { packetsReceived: 100, totalFreezesDuration: 0.7 }),
        picture('3', { packetsReceived: 80, packetsLost: 20 }),
    ]);
    assert.deepEqual(pictures.map(({ mid, isPoor }) => [mid, isPoor]), [['1', false], ['2', true], ['3', true]]);
    assert.equal(sample.frozen, 0.7);
});

test('sound that waits longer than at best is delayed by the rest', () => {
    const statistics = new Statistics();
    const look = (delay, emitted) => statistics.take([inbound('a', { kind: 'audio', jitterBufferDelay: delay, jitterBufferEmittedCount: emitted })]).sample.delay;
    look(0, 0);
    assert.equal(look(50, 1000), 0);
    assert.ok(Math.abs(look(650, 2000) - 0.55) < 1e-9);
});

const room = {
    me: { id: 'me' },
    sent: new Map(),
    participants: new Map(['me', 'ana', 'ben'].map((id) => [id, { id, tracks: [{ source: 'audio', media: 'flowing' }, { source: 'video', media: 'flowing' }] }])),
};
const pictures = [{ participant: 'ben', source: 'video', layer: 2 }, { participant: 'ana', source: 'video', layer: 1 }];
const videos = (step, shown = pictures) => Object.fromEntries(wishOf(room, shown, step).filter(({ source }) => source === 'video')
    .map(({ participant, layer, paused }) => [participant, paused ? 'paused' : layer]));

test('all are heard whatever the network is, oneself never', () => {
    for (const step of [0, 1, 2, 3]) {
        const heard = wishOf(room, pictures, step).filter(({ source }) => source === 'audio');
        assert.deepEqual(heard, [{ participant: 'ana', source: 'audio' }, { participant: 'ben', source: 'audio' }]);
    }
});

test('pictures come as large as they are shown, then small, then the first alone, then none', () => {
    assert.deepEqual([0, 1, 2, 3].map((step) => videos(step)),
        [{ ana: 1, ben: 2 }, { ana: 0, ben: 0 }, { ana: 'paused', ben: 0 }, { ana: 'paused', ben: 'paused' }]);
});

test('what somebody has sent before is wished for ahead, as much of it as the network takes', () => {
    const before = { ...room, participants: new Map([['ana', { id: 'ana', tracks: [] }]]), sent: new Map([['ana', ['audio', 'video', 'screen']]]) };
    const wish = (step) => wishOf(before, [], step).map(({ participant, ...more }) => more);
    const ahead = (source, more) => ({ source, isAhead: true, ...more });
    assert.deepEqual(wish(0), [ahead('audio'), ahead('video'), ahead('screen')]);
    assert.deepEqual(wish(1), [ahead('audio'), ahead('video', { layer: 0 }), ahead('screen')]);
    assert.deepEqual(wish(3), [ahead('audio'), ahead('video', { layer: 0, paused: true }), ahead('screen', { paused: true })]);
});

test('what is not on the page is paused', () => {
    assert.deepEqual(videos(0, [pictures[0]]), { ana: 'paused', ben: 2 });
});

test('of a page that is hidden no picture is wanted but the one that floats; all are heard', () => {
    const seen = (isHidden, floating) => videos(0, seenOf(pictures, isHidden, floating));
    const ana = { participant: 'ana', source: 'video' };
    assert.deepEqual(seen(false), { ana: 1, ben: 2 });
    assert.deepEqual(seen(false, ana), { ana: 1, ben: 2 });
    assert.deepEqual(seen(true), { ana: 'paused', ben: 'paused' });
    assert.deepEqual(seen(true, ana), { ana: 1, ben: 'paused' });
    assert.deepEqual(seen(true, { participant: 'ana', source: 'screen' }), { ana: 'paused', ben: 'paused' });
    assert.deepEqual(videos(2, seenOf(pictures, true, ana)), { ana: 0, ben: 'paused' }); // the first of those that are seen
    assert.equal(wishOf(room, seenOf(pictures, true), 0).filter(({ source, paused }) => source === 'audio' && !paused).length, 2);
});
