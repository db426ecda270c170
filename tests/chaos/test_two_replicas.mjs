#!/usr/bin/env -S node --test-reporter=tap
// Two replicas of each service: each is killed in turn, one is paused, all are restarted.
// Every create makes a room: a call that is sent again to the other replica must not make two.
import { after, before, test } from 'node:test';
import { sleep } from '../support/wait.mjs';
import { Chaos, SCENARIO_MS } from './chaos.mjs';

// Of the full form; the short one has less time.
const PAUSE_MS = Math.min(5000, SCENARIO_MS / 4);
// Longer than the lease, so that the other bridge takes over.
const BRIDGE_PAUSE_MS = Math.max(PAUSE_MS, 3500);
const BETWEEN_MS = 500;

let chaos;
before(async () => {
    chaos = await Chaos.start({ replicas: 2, standardRoom: 0 });
});
after(() => chaos?.end());

const active = () => chaos.activeBridge();
const standby = () => chaos.standbyBridge();

test('each service is killed in turn, the active bridge and the one that stands by: no request fails', async (t) => {
    await chaos.scenario(t, (end) => chaos.signalInTurn(
        ['authsvc', 'roomsvc', active, 'authsvc-2', 'roomsvc-2', standby], 'SIGKILL', end));
});

test('a replica of each service is paused and goes on: no request fails', async (t) => {
    await chaos.scenario(t, async (end) => {
        do {
            for (const [victim, ms] of [['authsvc', PAUSE_MS], ['roomsvc-2', PAUSE_MS], [active, BRIDGE_PAUSE_MS]]) {
                await chaos.pause(victim, ms);
                await sleep(BETWEEN_MS);
            }
        } while (performance.now() + 2 * PAUSE_MS + BRIDGE_PAUSE_MS < end);
    });
});

test('all are restarted one after the other: no request fails', async (t) => {
    await chaos.scenario(t, (end) => chaos.restartAll(end));
});
