#!/usr/bin/env -S node --test-reporter=tap
// Two replicas of each service: each is killed in turn, one is paused, all are restarted.
// Every create makes a room: a call that is sent again to the other replica must not make two.
import { after, before, test } from 'node:test';
import { sleep } from '../support/wait.mjs';
import { Chaos, SCENARIO_MS } from './chaos.mjs';

const SERVICES = ['authsvc', 'roomsvc', 'janusbridge'];
// Of the full form; the short one has less time.
const PAUSE_MS = Math.min(5000, SCENARIO_MS / 4);
const BETWEEN_MS = 500;

let chaos;
before(async () => {
    chaos = await Chaos.start({ replicas: 2, standardRoom: 0 });
});
after(() => chaos?.end());

test('each service is killed in turn: no request fails', async (t) => {
    await chaos.scenario(t, (end) => chaos.signalInTurn(SERVICES, 2, 'SIGKILL', end));
});

test('a replica of each service is paused and goes on: no request fails', async (t) => {
    await chaos.scenario(t, async () => {
        for (const name of SERVICES) {
            await chaos.pause(name, PAUSE_MS);
            await sleep(BETWEEN_MS);
        }
    });
});

test('all are restarted one after the other: no request fails', async (t) => {
    await chaos.scenario(t, (end) => chaos.restartAll(end));
});
