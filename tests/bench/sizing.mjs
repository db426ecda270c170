#!/usr/bin/env node
// What somebody who sends, and somebody who gets, takes of a machine: ports, descriptors, memory and processor, through Lynks and as a
// client of Janus alone, in turn on fresh stacks. Each sends 100 packets of 600 bytes a second over libdatachannel (ICE, DTLS, SRTP), and
// each gets those of nine others.
//
//   tests/bench/sizing.mjs [PEOPLE [SECONDS]]     20 people, looked at for 10 s
//
// Processor time is told by the packet: on a busy machine those who send are late.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, readdir } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sleep } from '../support/wait.mjs';
import { atExit } from './cleanup.mjs';
import { cpuMicroseconds, memoryKib } from './processes.mjs';
import { OPEN_FOLDER, SERVICES, startWorld } from './world.mjs';

const run = promisify(execFile);
const LOADS = 2; // processes
const WATCHED = 9;
const PACKETS_PER_S = 100;
const SETTLE_MS = 2000;
const PROGRAM = fileURLToPath(new URL('sizing_people.mjs', import.meta.url));
const ENV = { LYNKS_PUBLISHERS_MAX: '200', LYNKS_ADDRESS_PARTICIPANTS_MAX: '100000', LYNKS_JANUS_DIRECT: '1' };

const sum = (values) => values.reduce((a, b) => a + b, 0);

class Load {
    static async start() {
        const load = new Load();
        load.child = fork(PROGRAM);
        atExit(() => load.child.kill('SIGKILL'));
        await once(load.child, 'message');
        return load;
    }

    async tell(order, rest = {}) {
        this.child.send({ order, ...rest });
        const [{ found, failed }] = await once(this.child, 'message');
        if (failed) throw new Error(failed);
        return found;
    }

    async end() {
        const closed = once(this.child, 'close');
        this.child.kill('SIGKILL');
        await closed;
    }
}

// Of Janus and of the four together.
async function look(world, loads) {
    const pids = [await world.stack.pid('janus'), ...await world.pids(SERVICES)];
    const [memory, cpu, counts] = await Promise.all([Promise.all(pids.map(memoryKib)), Promise.all(pids.map(cpuMicroseconds)),
        Promise.all(loads.map((load) => load.tell('count')))]);
    const { stdout } = await run('ss', ['-Hunap']);
    return { ports: stdout.split('\n').filter((line) => line.includes(`pid=${pids[0]},`)).length,
        files: (await readdir(`/proc/${pids[0]}/fd`)).length, kib: memory[0].own, restKib: sum(memory.slice(1).map(({ own }) => own)),
        cpu: cpu[0], restCpu: sum(cpu.slice(1)), sent: sum(counts.map(({ sent }) => sent)), got: sum(counts.map(({ got }) => got)) };
}

// What is there, and what is used in some seconds of it.
async function steady(world, loads, seconds) {
    await sleep(SETTLE_MS);
    const before = await look(world, loads);
    const begin = performance.now();
    await sleep(seconds * 1000);
    const after = await look(world, loads);
    const took = (key) => (after[key] - before[key]) / ((performance.now() - begin) / 1000);
    return { ...after, cpu: took('cpu'), restCpu: took('restCpu'), sent: took('sent'), got: took('got') };
}

const eachOf = (people, ids, first) => Array.from({ length: people }, (_, i) => Array.from({ length: WATCHED }, (__, j) => ids[(first + i + 1 + j) % ids.length]));

async function measureSide(world, side, place, people, seconds) {
    const loads = [];
    try {
        for (let i = 0; i < LOADS; i += 1) loads.push(await Load.start());
        const empty = await steady(world, loads, seconds);
        const count = people / LOADS;
        const ids = (await Promise.all(loads.map((load) => load.tell('publish', { side, ...place, count })))).flat();
        const sending = await steady(world, loads, seconds);
        await Promise.all(loads.map((load, i) => load.tell('watch', { side, ...place, count, whom: eachOf(count, ids, i * count) })));
        const getting = await steady(world, loads, seconds);
        process.stderr.write(`${side}: done\n`);
        return { sends: each(sending, empty, people), gets: each(getting, sending, people),
            inUs: (sending.cpu - empty.cpu) / sending.sent, outUs: (getting.cpu - sending.cpu * (getting.sent / sending.sent)) / getting.got,
            restUs: (getting.restCpu - empty.restCpu) / people, rate: getting.sent / people };
    } finally {
        await Promise.all(loads.map((load) => load.end()));
    }
}

const each = (after, before, people) => Object.fromEntries(['ports', 'files', 'kib', 'restKib'].map((key) => [key, (after[key] - before[key]) / people]));

async function measure(folder, side, people, seconds) {
    const world = await startWorld(join(folder, side), { env: ENV });
    try {
        const { stack } = world;
        const token = await stack.token();
        if (side === 'janus') {
            const { json } = await stack.create(token);
            return await measureSide(world, side, { url: stack.janusUrl, room: json.room_id }, people, seconds);
        }
        const { json } = await stack.request('/v1/rooms', { token: `Bearer ${token}`, body: { name: 'Sizing', guests_wait: false, publishers_max: people, participants_max: people } });
        return await measureSide(world, side, { url: `http://127.0.0.1:${stack.ports.http}`, room: json.code }, people, seconds);
    } finally {
        await world.remove();
    }
}

// Of a core, at the rate that was meant.
const share = ({ inUs, outUs }) => ({ sends: inUs * PACKETS_PER_S / 1e4, gets: outUs * PACKETS_PER_S * WATCHED / 1e4 });

function print(results) {
    console.log('\n| | ports | descriptors of Janus | memory of Janus, KiB | memory of the four, KiB | of a core, % |\n| --- | ---: | ---: | ---: | ---: | ---: |');
    for (const [name, found] of Object.entries(results)) {
        for (const kind of ['sends', 'gets']) {
            const { ports, files, kib, restKib } = found[kind];
            console.log(`| ${name}: one who ${kind} | ${ports.toFixed(1)} | ${files.toFixed(1)} | ${kib.toFixed(0)} | ${restKib.toFixed(1)} | ${share(found)[kind].toFixed(2)} |`);
        }
    }
    for (const [name, { inUs, outUs, restUs, rate }] of Object.entries(results)) {
        console.log(`\n${name}: Janus takes ${inUs.toFixed(1)} µs for a packet that comes, ${outUs.toFixed(1)} µs for one that goes out; the four ${(restUs / 1e4).toFixed(3)} % of a core for each; ${rate.toFixed(0)} packets/s were sent by each`);
    }
    console.log(`\n${os.cpus().length} cores (${os.cpus()[0].model}), load ${os.loadavg().map((value) => value.toFixed(1)).join(' ')}`);
}

async function main([people = 20, seconds = 10]) {
    if (!(people > WATCHED && people % LOADS === 0)) throw new Error(`PEOPLE: an even number, more than ${WATCHED}`);
    const folder = await mkdtemp(join(os.tmpdir(), 'lynks-bench-'));
    await chmod(folder, OPEN_FOLDER);
    atExit(() => rmSync(folder, { recursive: true, force: true }));
    print({ Lynks: await measure(folder, 'gateway', people, seconds), 'Janus alone': await measure(folder, 'janus', people, seconds) });
}

await main(process.argv.slice(2).map(Number));
