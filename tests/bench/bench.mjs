// Speed and memory of a whole stack, with nginx and Janus as references in the same run. See tests/bench/run.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startStack } from '../support/stack.mjs';
import { sleep } from '../support/wait.mjs';
import { openAndClose } from './connections.mjs';
import { cpuMicroseconds, memoryKib } from './processes.mjs';
import { openJanusHandles, startNginx } from './references.mjs';
import { seedRooms, seedSessions } from './seed.mjs';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('requests.lua', import.meta.url));
const SERVICES = ['gateway', 'authsvc', 'roomsvc', 'janusbridge'];
const CONNECTIONS = [1, 16, 64, 256];
const TARGETS = ['nginx', 'janus', 'login', 'create', 'list'];
const TITLES = { nginx: 'nginx return 200', janus: 'Janus directly', login: '/login', create: '/create',
    list: '/list_participants' };

// The first marks of the project's issue.
const LIST_OF_JANUS = 0.4;
const IDLE_PSS_KIB = 40 * 1024;
const GROWTH_KIB = 1024; // of all four together: what the allocator's rounding may make of nothing

const AT_A_TIME = 50;

const FULL = { rounds: 5, seconds: 4, warmUp: 20000, opened: 100000 };
const QUICK = { rounds: 1, seconds: 1, warmUp: 2000, opened: 10000 };

// Limits that are there for strangers are lifted: here one address plays thousands of clients.
const LIMITS = {
    LYNKS_LOGIN_ADDRESS_BURST: '1000000', LYNKS_LOGIN_ADDRESS_PER_MINUTE: '1000000',
    LYNKS_LOGIN_NAME_BURST: '1000000', LYNKS_LOGIN_NAME_PER_MINUTE: '1000000',
    LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX: '1000', LYNKS_SESSION_IDLE_S: '36000', LYNKS_LOG_LEVEL: 'warn',
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const sum = (values) => values.reduce((a, b) => a + b, 0);

async function measure(world, target, connections, seconds) {
    const { stack, nginx, folder } = world;
    const close = target === 'janus' ? await openJanusHandles(stack, folder) : null;
    const port = { nginx: nginx.port, janus: stack.ports.janusHttp }[target] ?? stack.ports.http;
    const names = { nginx: [], janus: ['janus'] }[target] ?? [...SERVICES, 'janus', 'mysql'];
    const pids = target === 'nginx' ? await nginx.pids() : await Promise.all(names.map((name) => stack.pid(name)));
    const before = await Promise.all(pids.map(cpuMicroseconds));
    const { stdout } = await run('wrk', [`-t${Math.min(connections, cpus().length, 4)}`, `-c${connections}`, `-d${seconds}s`,
        '--timeout', '10s', '-s', SCRIPT, `http://127.0.0.1:${port}`, '--', target, folder]);
    const after = await Promise.all(pids.map(cpuMicroseconds));
    await close?.();
    const result = JSON.parse(/^RESULT (.*)$/m.exec(stdout)[1]);
    const good = result.requests - result.refused;
    const used = after.map((value, i) => (value - before[i]) / Math.max(good, 1));
    return { rate: good / result.seconds, p50: result.p50, p99: result.p99, cpu: sum(used),
        by: Object.fromEntries(names.map((name, i) => [name, used[i]])),
        bad: result.refused + result.broken, requests: result.requests };
}

async function measureAll(world, { rounds, seconds }) {
    const all = new Map();
    for (let round = 0; round < rounds; round += 1) {
        for (const connections of CONNECTIONS) {
            for (const target of TARGETS) {
                const key = `${target} ${connections}`;
                const one = await measure(world, target, connections, seconds);
                all.set(key, [...(all.get(key) ?? []), one]);
            }
        }
        process.stderr.write(`round ${round + 1} of ${rounds} done\n`);
    }
    return new Map([...all].map(([key, results]) => [key, {
        ...Object.fromEntries(['rate', 'p50', 'p99', 'cpu'].map((k) => [k, median(results.map((r) => r[k]))])),
        by: Object.fromEntries(Object.keys(results[0].by).map((name) => [name, median(results.map((r) => r.by[name]))])),
        bad: sum(results.map((r) => r.bad)) / sum(results.map((r) => r.requests)),
    }]));
}

function printSpeed(results) {
    console.log('\nrequests            connections   requests/s    p50 ms    p99 ms   CPU us/request   refused');
    for (const target of TARGETS) {
        for (const connections of CONNECTIONS) {
            const r = results.get(`${target} ${connections}`);
            console.log([TITLES[target].padEnd(20), String(connections).padStart(11), r.rate.toFixed(0).padStart(12),
                r.p50.toFixed(2).padStart(9), r.p99.toFixed(2).padStart(9), r.cpu.toFixed(1).padStart(16),
                `${(100 * r.bad).toFixed(1)} %`.padStart(9)].join(' '));
        }
    }
}

// Where the time goes.
function printShares(results) {
    console.log('\nCPU us/request at 64 connections, by process');
    for (const target of ['janus', 'login', 'create', 'list']) {
        const { by } = results.get(`${target} 64`);
        console.log(`${TITLES[target].padEnd(20)} ${
            Object.entries(by).map(([name, value]) => `${name} ${value.toFixed(1)}`).join(', ')}`);
    }
}

const memoryOf = async (stack, names) => Object.fromEntries(await Promise.all(
    names.map(async (name) => [name, await memoryKib(await stack.pid(name))])));
const ofServices = (memory, kind) => sum(SERVICES.map((name) => memory[name][kind]));
const mib = (kib) => (kib / 1024).toFixed(1).padStart(9);

function printMemory(idle, loaded) {
    console.log('\nmemory, MiB        idle RSS  idle PSS  after load: RSS       PSS');
    for (const name of Object.keys(idle)) {
        console.log(`${name.padEnd(16)} ${mib(idle[name].rss)} ${mib(idle[name].pss)}        ${
            mib(loaded[name].rss)} ${mib(loaded[name].pss)}`);
    }
    console.log(`${'the four'.padEnd(16)} ${mib(ofServices(idle, 'rss'))} ${mib(ofServices(idle, 'pss'))}        ${
        mib(ofServices(loaded, 'rss'))} ${mib(ofServices(loaded, 'pss'))}`);
}

// The first connections fill what is kept; what later ones add would be a leak.
async function measureGrowth(world, { warmUp, opened }) {
    const { stack, tokens } = world;
    const refused = await openAndClose(stack.ports.http, tokens[0], warmUp);
    await sleep(1000);
    const before = await memoryOf(stack, SERVICES);
    const more = await openAndClose(stack.ports.http, tokens[0], opened);
    await sleep(1000);
    const after = await memoryOf(stack, SERVICES);
    console.log(`\n${opened} connections opened and closed (after ${warmUp} to warm up; ${refused + more} refused): ${
        SERVICES.map((name) => `${name} ${after[name].pss - before[name].pss} KiB`).join(', ')}`);
    return ofServices(after, 'pss') - ofServices(before, 'pss');
}

function mark(name, holds, found) {
    console.log(`${holds ? 'pass ' : 'short'}  ${name}: ${found}`);
    return holds;
}

async function prepare(folder) {
    // Fresh rooms for the seed; then the usual standard room, which is what /create is measured with.
    const stack = await startStack({ ...LIMITS, LYNKS_STANDARD_ROOM: '0' });
    const world = { stack, folder };
    try {
        world.tokens = await seedSessions(stack, folder);
        world.rooms = await seedRooms(stack, folder);
        await stack.down();
        await stack.up({ LYNKS_STANDARD_ROOM: '123456' });
        await sleep(2000);
        world.idle = await memoryOf(stack, [...SERVICES, 'janus', 'mysql']);
        await touchAll(world);
        world.nginx = await startNginx(folder, stack.base + 120);
    } catch (error) {
        await stack.remove();
        throw error;
    }
    return world;
}

// Janus and the caches came up empty: each room is back and each session known before anything is measured.
async function touchAll({ stack, tokens, rooms }) {
    const created = await stack.create(tokens[0]);
    if (created.status !== 200) throw new Error(`create: ${created.status} ${created.text}`);
    for (let i = 0; i < tokens.length; i += AT_A_TIME) {
        await Promise.all(tokens.slice(i, i + AT_A_TIME).map(async (token, j) => {
            const room = rooms[(i + j) % rooms.length];
            const answer = await stack.list(token, room);
            if (answer.status !== 200) throw new Error(`list ${room}: ${answer.status} ${answer.text}`);
        }));
    }
}

async function main(settings) {
    const folder = await mkdtemp(join(tmpdir(), 'lynks-bench-'));
    let world;
    try {
        world = await prepare(folder);
        const results = await measureAll(world, settings);
        const loaded = await memoryOf(world.stack, [...SERVICES, 'janus', 'mysql']);
        const growth = await measureGrowth(world, settings);
        printSpeed(results);
        printShares(results);
        printMemory(world.idle, loaded);
        const ratio = results.get('list 64').rate / results.get('janus 64').rate;
        console.log('');
        const marks = [
            mark(`list at 64 connections, of Janus directly, at least ${LIST_OF_JANUS}`, ratio >= LIST_OF_JANUS,
                ratio.toFixed(2)),
            mark(`the four processes idle, PSS, at most ${IDLE_PSS_KIB / 1024} MiB`,
                ofServices(world.idle, 'pss') <= IDLE_PSS_KIB, `${mib(ofServices(world.idle, 'pss')).trim()} MiB`),
            mark(`growth over ${settings.opened} connections, none (${GROWTH_KIB} KiB of noise)`, growth <= GROWTH_KIB,
                `${growth} KiB`),
        ];
        return marks.every(Boolean) ? 0 : 1;
    } finally {
        await world?.nginx?.stop();
        await world?.stack.remove();
        await rm(folder, { recursive: true, force: true });
    }
}

process.exitCode = await main(process.argv.includes('--quick') ? QUICK : FULL);
