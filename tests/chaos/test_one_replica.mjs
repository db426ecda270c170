#!/usr/bin/env -S node --test-reporter=tap
// One replica of each service: each is killed in turn, then what they depend on. Every create makes a room.
import { after, before, test } from 'node:test';
import { Chaos, SCENARIO_MS } from './chaos.mjs';

let chaos;
before(async () => {
    chaos = await Chaos.start({ standardRoom: 0 });
});
after(() => chaos?.end());

test('each service is killed in turn: no request fails', async (t) => {
    await chaos.scenario(t, (end) => chaos.killInTurn(['authsvc', 'roomsvc', 'janusbridge'], 1, end));
});

test('Janus is killed and comes back: only what needs it is refused, and only meanwhile', async (t) => {
    await chaos.scenario(t, () => chaos.keepAway('janus', () => chaos.janusAnswers(), SCENARIO_MS / 4,
        ['create', 'list']));
});

test('MariaDB is killed and comes back: only what needs it is refused, and only meanwhile', async (t) => {
    await chaos.scenario(t, () => chaos.keepAway('mysql', () => chaos.mysqlAnswers(), SCENARIO_MS / 4,
        ['create', 'login']));
});
