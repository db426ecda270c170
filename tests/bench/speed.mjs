// How fast: rounds of short loads, one target after the other, so that a slow minute of the machine hits all alike.
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sleep } from '../support/wait.mjs';
import { childrenCpuMicroseconds, cpuMicroseconds } from './processes.mjs';
import { median } from './quantile.mjs';
import { openJanusHandles } from './references.mjs';
import { load } from './wrk.mjs';
import { PROCESSES } from './world.mjs';

const run = promisify(execFile);
const HASH = fileURLToPath(new URL('../../build/release/bin/lynks-bench-hash', import.meta.url));
// The defaults of authsvc.
const ARGON2_MEMORY_KIB = 19456;
const ARGON2_PASSES = 2;
const HASHES = 30;
const HASH_PATIENCE_MS = 60000;

export const HASHING = 'password hashes'; // authsvc's processes for them, as a name beside the other processes

export const TARGETS = ['nginx', 'janus', 'janode', 'login', 'create', 'list'];
export const CONNECTIONS = [1, 16, 64, 256];
export const SESSIONS = 10000;
export const ROOMS = 1000;

// What is asked while others saturate: few connections, so that what is measured is the wait for a processor and not
// the queue of their own.
const BESIDE_CONNECTIONS = 8;
const LOGIN_CONNECTIONS = 16;
const LEAD_MS = 1000;

export const sum = (values) => values.reduce((a, b) => a + b, 0);

/// Results of the same measurement in several rounds as one: medians, and the part of requests that went wrong.
export function medians(results) {
    return {
        ...Object.fromEntries(['rate', 'p50', 'p99', 'max', 'cpu'].map((k) => [k, median(results.map((r) => r[k]))])),
        by: Object.fromEntries(Object.keys(results[0].by).map((name) => [name, median(results.map((r) => r.by[name]))])),
        bad: sum(results.map((r) => r.bad)) / Math.max(1, sum(results.map((r) => r.requests))),
    };
}

/// Collects results by key, and gives the medians of each key.
export class Rounds {
    all = new Map();

    add(key, result) {
        this.all.set(key, [...(this.all.get(key) ?? []), result]);
    }

    medians() {
        return new Map([...this.all].map(([key, results]) => [key, medians(results)]));
    }
}

// name -> CPU time so far; authsvc's hashing processes apart from it.
async function cpuTimes(pids, names) {
    const all = Object.fromEntries(await Promise.all(names.map(async (name, i) => [name, await cpuMicroseconds(pids[i])])));
    if (all.authsvc === undefined) return all;
    const hashing = await childrenCpuMicroseconds(pids[names.indexOf('authsvc')]);
    return { ...all, authsvc: all.authsvc - hashing, [HASHING]: hashing };
}

/// One load on one target. CPU is that of all the processes that take part in answering, in us per good request.
export async function measure(world, target, { connections, seconds, references = {}, tokens = SESSIONS, rooms = ROOMS }) {
    const { stack, folder } = world;
    const close = target === 'janus' ? await openJanusHandles(stack, folder) : null;
    const reference = references[target];
    const port = reference?.port ?? (target === 'janus' ? stack.ports.janusHttp : stack.ports.http);
    const names = { nginx: ['nginx'], janus: ['janus'], janode: ['janode', 'janus'] }[target] ?? PROCESSES;
    const pids = reference === undefined ? await world.pids(names)
        : [reference.pid, ...await world.pids(names.filter((name) => name !== target))];
    const before = await cpuTimes(pids, names);
    const result = await load({ port, kind: target === 'janode' ? 'list' : target, folder, connections, seconds, tokens, rooms });
    const after = await cpuTimes(pids, names);
    await close?.();
    if (target !== 'nginx') await world.idle();
    const good = result.requests - result.refused;
    const used = Object.fromEntries(Object.keys(before).map((name) => [name, (after[name] - before[name]) / Math.max(good, 1)]));
    return { rate: good / result.seconds, p50: result.p50, p99: result.p99, max: result.max, cpu: sum(Object.values(used)),
        by: used, bad: result.refused + result.broken, requests: result.requests };
}

/// Microseconds of one password check, with this many at the same time.
async function hashTime(threads) {
    const { stdout } = await run(HASH, [ARGON2_MEMORY_KIB, ARGON2_PASSES, threads, HASHES].map(String),
        { timeout: HASH_PATIENCE_MS });
    return Number(stdout);
}

/// Every target at every number of connections, and the password hash beside it.
export async function measureSpeed(world, references, { rounds, seconds }) {
    const found = new Rounds();
    const hashes = { alone: [], together: [] };
    for (let round = 0; round < rounds; round += 1) {
        for (const connections of CONNECTIONS) {
            for (const target of TARGETS) {
                found.add(`${target} ${connections}`, await measure(world, target, { connections, seconds, references }));
            }
        }
        hashes.alone.push(await hashTime(1));
        hashes.together.push(await hashTime(cpus().length));
        process.stderr.write(`speed: round ${round + 1} of ${rounds} done\n`);
    }
    return { speed: found.medians(),
        hash: { aloneUs: median(hashes.alone), togetherUs: median(hashes.together), cores: cpus().length } };
}

/// /list_participants alone, and while something else is asked as fast as it goes.
export async function measureBeside(world, { kind, connections, rounds, seconds }) {
    const found = new Rounds();
    const options = { connections: BESIDE_CONNECTIONS, seconds };
    for (let round = 0; round < rounds; round += 1) {
        found.add('alone', await measure(world, 'list', options));
        const others = load({ port: world.stack.ports.http, kind, folder: world.folder, connections,
            seconds: seconds + 2 * Math.ceil(LEAD_MS / 1000), rooms: ROOMS });
        // A rejection while this waits for something else must not count as one that nobody handles.
        others.catch(() => {});
        await sleep(LEAD_MS);
        const beside = await measureBusy(world, options);
        const { requests, seconds: lasted } = await others;
        found.add('beside', beside);
        found.add('others', { ...beside, rate: requests / lasted });
        await world.idle();
    }
    process.stderr.write(`speed: beside ${kind} done\n`);
    const { alone, beside, others } = Object.fromEntries(found.medians());
    return { connections: BESIDE_CONNECTIONS, alone, beside, otherRate: others.rate };
}

export const measureBesideLogins = (world, { rounds, seconds }) =>
    measureBeside(world, { kind: 'login', connections: LOGIN_CONNECTIONS, rounds, seconds });

// Without the wait for an idle service, which it is not.
const measureBusy = (world, options) => measure({ stack: world.stack, folder: world.folder,
    pids: (names) => world.pids(names), idle: async () => true }, 'list', options);
