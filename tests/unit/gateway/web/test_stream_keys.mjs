#!/usr/bin/env -S node --test-reporter=tap
// Stream keys: what is sent to make one, and what is said of one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';
import { World, json } from './fakes.mjs';

const { makeStreamKey, stateOf } = await loadTypeScript('state/stream_keys.ts');

const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const key = (more) => ({ id: '1', label: 'OBS', use: 'publish', receives: false, expires_at: null, created_at: '2025-12-31T00:00:00.000Z', ...more });
const room = { id: '7' };

test('what is said of a key goes from what is there to what is missing', () => {
    const earlier = '2025-12-31T23:59:59.999Z';
    for (const [more, state] of [
        [{}, 'off'],
        [{ participant: '5' }, 'connected'],
        [{ participant: '5', receives: true }, 'receives'],
        [{ expires_at: '2026-01-01T00:00:00.001Z' }, 'off'],
        [{ expires_at: earlier }, 'expired'],
        [{ expires_at: earlier, participant: '5', receives: true }, 'receives'], // it will be cut off in a moment
    ]) assert.equal(stateOf(key(more), NOW), state, JSON.stringify(more));
});

test('a key is made for sending, with its end or without', async () => {
    const world = new World();
    world.on('POST /v1/rooms/7/stream-keys', () => json({ id: '1' }));
    await makeStreamKey(world.api, world.env, room, { label: 'OBS', validForMs: undefined }, NOW);
    await makeStreamKey(world.api, world.env, room, { label: 'Door', validForMs: 3600000 }, NOW);
    assert.deepEqual(world.requests.map(({ body }) => body),
        [{ label: 'OBS', use: 'publish' }, { label: 'Door', use: 'publish', expires_at: '2026-01-01T01:00:00.000Z' }]);
});
