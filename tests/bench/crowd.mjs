#!/usr/bin/env node
// A crowd with media that flows: rooms of ten, each of whom sends audio and gets that of the nine others, over libdatachannel (ICE,
// DTLS, SRTP), with the web client's own core under Node, in processes of their own.
//
//   tests/bench/crowd.mjs [ROOMS [SECONDS]]     10 rooms, all of whose people come within 20 s
//
// Prints how many are connected and how many streams carry packets, how long POST …/publish takes, what the servers use of a core
// while they come and when all are there, and how long the load itself waited for a processor. Exit code 0 if all are connected, else 1.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, sleep } from '../support/wait.mjs';
import { atExit } from './cleanup.mjs';
import { crowdMarks } from './marks.mjs';
import { cpuMicroseconds, memoryKib, waitedMicroseconds } from './processes.mjs';
import { median, quantile } from './quantile.mjs';
import { printCrowd, printMarks } from './report.mjs';
import { ENV, RoomWorld } from './rooms.mjs';
import { OPEN_FOLDER, PROCESSES, startWorld } from './world.mjs';

const PER_ROOM = 10;
const LOADS = 4; // processes
const STEADY_MS = 20000;
const LOOK_MS = 1000; // some packets of each stream
const PATIENCE_MS = 5000;
const LEAD_MS = 1000; // until the first one comes
const PEOPLE = fileURLToPath(new URL('crowd_people.mjs', import.meta.url));

const PUBLISH_PATH = '/v1/rooms/{room}/publish';

const sum = (values) => values.reduce((a, b) => a + b, 0);

class Load {
    static async start() {
        const load = new Load();
        load.child = fork(PEOPLE);
        load.forget = atExit(() => load.child.kill('SIGKILL'));
        load.child.once('exit', (code, signal) => { if (!load.isOver) load.child.emit('error', new Error(`${PEOPLE} has ended: ${signal ?? code}`)); });
        await once(load.child, 'message');
        return load;
    }

    come(people) { this.child.send({ order: 'come', people }); }

    async look() {
        this.child.send({ order: 'look' });
        const [found] = await once(this.child, 'message');
        return found;
    }

    async end() {
        this.isOver = true;
        const closed = once(this.child, 'close');
        this.child.kill('SIGKILL');
        await closed;
        this.forget();
    }
}

async function lookAtAll(loads) {
    const all = await Promise.all(loads.map((load) => load.look()));
    const total = (key) => sum(all.map((one) => one[key]));
    return { publishers: total('publishers'), watchers: total('watchers'), streams: total('streams'), peers: total('peers'),
        publish: all.flatMap(({ publish }) => publish), failures: all.flatMap(({ failures }) => failures),
        lag: { p99: Math.max(...all.map(({ lag }) => lag.p99)), most: Math.max(...all.map(({ lag }) => lag.most)) } };
}

// What servers and load have used, and how long they waited for it, so far.
async function usage(world, loads) {
    const pids = await world.pids();
    const loadPids = loads.map(({ child }) => child.pid);
    const ofAll = async (what, list) => sum(await Promise.all(list.map(what)));
    const both = async (list) => ({ used: await ofAll(cpuMicroseconds, list), waited: await ofAll(waitedMicroseconds, list) });
    return { at: performance.now(), load: await both(loadPids),
        servers: Object.fromEntries(await Promise.all(PROCESSES.map(async (name, i) => [name, await both([pids[i]])]))) };
}

// Of a core: { load, servers: name -> }, each { used, waited }.
function shares(before, after) {
    const span = (after.at - before.at) * 1000;
    const share = (a, b) => ({ used: (b.used - a.used) / span, waited: (b.waited - a.waited) / span });
    return { seconds: span / 1e6, load: share(before.load, after.load),
        servers: Object.fromEntries(PROCESSES.map((name) => [name, share(before.servers[name], after.servers[name])])) };
}

// How long requests to publish have taken at the gateway, which does not wait for the load: the mean, and a bound that 99 % are within.
async function atGateway(stack) {
    const { text } = await stack.ops('gateway', '/metrics');
    const lines = text.split('\n').filter((line) => line.startsWith('lynks_http_request_seconds_') && line.includes(`{path="${PUBLISH_PATH}"`));
    const valuesOf = (name) => lines.filter((line) => line.includes(`_${name}{`)).map((line) => [/le="([^"]*)"/.exec(line)?.[1], Number(line.split(' ').at(-1))]);
    const [[[, seconds]], [[, count]]] = [valuesOf('sum'), valuesOf('count')];
    const [bound] = valuesOf('bucket').find(([, within]) => within >= 0.99 * count);
    return { mean: (1000 * seconds) / count, within: bound === '+Inf' ? Infinity : 1000 * Number(bound) };
}

// Those of a room come at all times, and from all processes.
function sendIn(loads, rooms, port, comingMs) {
    const count = rooms.length * PER_ROOM;
    const begin = Date.now() + LEAD_MS;
    const people = Array.from({ length: count }, (_, i) => ({ base: `http://127.0.0.1:${port}`, name: `Guest ${i}`,
        room: rooms[i % rooms.length].code, at: begin + (i * comingMs) / count }));
    for (const [i, load] of loads.entries()) load.come(people.filter((_, number) => Math.floor(number / rooms.length) % LOADS === i));
    return sleep(LEAD_MS);
}

async function measure(world, loads, { crowdRooms, crowdSeconds }) {
    const bridgeKib = async () => (await memoryKib(await world.stack.pid('janusbridge'))).own;
    const rooms = new RoomWorld(world, await world.stack.token());
    const made = await rooms.makeRooms(crowdRooms, { participants_max: PER_ROOM, publishers_max: PER_ROOM });
    await world.idle();
    const people = crowdRooms * PER_ROOM;
    const wanted = { publishers: people, watchers: people, streams: people * (PER_ROOM - 1) };
    const isWhole = (found) => Object.entries(wanted).every(([key, count]) => found[key] === count);
    const emptyKib = await bridgeKib();
    await sendIn(loads, made, rooms.port, crowdSeconds * 1000);
    const coming = await usage(world, loads);
    await sleep(crowdSeconds * 1000);
    const come = await usage(world, loads);
    const { lag } = await lookAtAll(loads);
    process.stderr.write('crowd: all have come\n');
    // Those who are missing are in the figures.
    await eventually(async () => {
        await sleep(LOOK_MS);
        return isWhole(await lookAtAll(loads));
    }, { within: PATIENCE_MS }).catch(() => {});
    await lookAtAll(loads);
    const before = await usage(world, loads);
    await sleep(STEADY_MS);
    const after = await usage(world, loads);
    const found = await lookAtAll(loads);
    process.stderr.write('crowd: steady state done\n');
    const { publishers, watchers, streams, peers, failures } = found;
    const publish = { p50: median(found.publish), p99: quantile(found.publish, 0.99), mean: sum(found.publish) / found.publish.length,
        atGateway: await atGateway(world.stack) };
    return { people, wanted, found: { publishers, watchers, streams }, isWhole: isWhole(found), again: peers - 2 * people, failures, publish,
        coming: { ...shares(coming, come), lag }, steady: shares(before, after), kibEach: (await bridgeKib() - emptyKib) / (publishers + watchers) };
}

/// All of it in a stack of its own.
export async function measureCrowd(folder, settings) {
    const world = await startWorld(join(folder, 'crowd'), { env: ENV });
    const loads = [];
    try {
        for (let i = 0; i < LOADS; i += 1) loads.push(await Load.start());
        return await measure(world, loads, settings);
    } finally {
        await Promise.all(loads.map((load) => load.end()));
        await world.remove();
    }
}

async function main([crowdRooms = 10, crowdSeconds = 20]) {
    const folder = await mkdtemp(join(tmpdir(), 'lynks-bench-'));
    await chmod(folder, OPEN_FOLDER);
    atExit(() => rmSync(folder, { recursive: true, force: true }));
    const results = { crowd: await measureCrowd(folder, { crowdRooms, crowdSeconds }) };
    printCrowd(results);
    printMarks(crowdMarks(results));
    return results.crowd.isWhole ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2).map(Number));
