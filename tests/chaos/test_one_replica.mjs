#!/usr/bin/env -S node --test-reporter=tap
// One replica of each service: each is killed in turn, then what they depend on. Every create makes a room.
import { after, before, test } from 'node:test';
import { Chaos } from './chaos.mjs';

const SERVICES = ['authsvc', 'roomsvc', 'janusbridge'];

let chaos;
before(async () => {
    chaos = await Chaos.start({ standardRoom: 0 });
});
after(() => chaos?.end());

test('each service is killed in turn: no request fails', async (t) => {
    await chaos.scenario(t, (end) => chaos.signalInTurn(SERVICES, 'SIGKILL', end));
});

test('each process is told to end in turn, the gateway too: no request fails', async (t) => {
    await chaos.scenario(t, (end) => chaos.signalInTurn(['gateway', ...SERVICES], 'SIGTERM', end));
});

test('Janus is killed and comes back: only what needs it is refused, and only meanwhile', async (t) => {
    await chaos.scenario(t, (end) => chaos.keepAway('janus', () => chaos.janusAnswers(), ['create', 'list'], end));
});

test('MariaDB is killed and comes back: only what needs it is refused, and only meanwhile', async (t) => {
    await chaos.load.listAll();
    await chaos.scenario(t, (end) => chaos.keepAway('mysql', () => chaos.mysqlAnswers(), ['create', 'login'], end));
});
