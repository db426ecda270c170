// A stack to measure, filled, and the files that the load generator draws from.
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { startStack } from '../support/stack.mjs';
import { sleep } from '../support/wait.mjs';
import { atExit } from './cleanup.mjs';
import { cpuMicroseconds, memoryKib } from './processes.mjs';
import { seedRooms, seedSessions } from './seed.mjs';
import { sweep } from './wrk.mjs';

export const SERVICES = ['gateway', 'authsvc', 'roomsvc', 'janusbridge'];
export const PROCESSES = [...SERVICES, 'janus', 'mysql'];

// Limits that are there for strangers are lifted: here one address plays thousands of clients.
const LIMITS = {
    LYNKS_LOGIN_ADDRESS_BURST: '1000000', LYNKS_LOGIN_ADDRESS_PER_MINUTE: '1000000',
    LYNKS_LOGIN_NAME_BURST: '1000000', LYNKS_LOGIN_NAME_PER_MINUTE: '1000000',
    LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX: '1000', LYNKS_HTTP_IDLE_TIMEOUT_MS: '3600000',
    LYNKS_SESSION_IDLE_S: '36000', LYNKS_SESSION_CACHE_MAX: '200000', LYNKS_LOG_LEVEL: 'warn',
};

const IDLE_WINDOW_MS = 200;
const IDLE_SHARE = 0.1; // of one core, all processes together
const IDLE_PATIENCE_MS = 15000;
const OBSERVED_PATIENCE_MS = 30000;
const SETTLE_MS = 2000;
export const OPEN_FOLDER = 0o711; // the accounts of the services and of MariaDB have to get through

export class World {
    constructor(stack, folder) {
        this.stack = stack;
        this.folder = folder;
        this.tokens = [];
        this.rooms = [];
    }

    pids(names = PROCESSES) {
        return Promise.all(names.map((name) => this.stack.pid(name)));
    }

    async cpu(names = PROCESSES) {
        return Promise.all((await this.pids(names)).map(cpuMicroseconds));
    }

    /// name -> { rss, pss } in KiB
    async memory(names = PROCESSES) {
        const pids = await this.pids(names);
        return Object.fromEntries(await Promise.all(names.map(async (name, i) => [name, await memoryKib(pids[i])])));
    }

    /// Work that was queued for clients that have left would burn in the next measurement. False: still busy at the end.
    async idle() {
        const end = performance.now() + IDLE_PATIENCE_MS;
        let before = await this.cpu();
        while (performance.now() < end) {
            const begin = performance.now();
            await sleep(IDLE_WINDOW_MS);
            const after = await this.cpu();
            const used = after.reduce((sum, value, i) => sum + value - before[i], 0);
            if (used <= IDLE_SHARE * (performance.now() - begin) * 1000) return true;
            before = after;
        }
        process.stderr.write(`still busy after ${IDLE_PATIENCE_MS / 1000} s without requests\n`);
        return false;
    }

    // Observers are made in the background; until then Janus is asked. An older build may have none.
    async observed() {
        const end = performance.now() + OBSERVED_PATIENCE_MS;
        while (performance.now() < end) {
            const { text } = await this.stack.ops('janusbridge', '/metrics');
            const there = /^lynks_janusbridge_observers (\d+)/m.exec(text)?.[1];
            if (there === undefined || Number(there) >= this.rooms.length) return;
            await sleep(IDLE_WINDOW_MS);
        }
        process.stderr.write(`not every room has an observer after ${OBSERVED_PATIENCE_MS / 1000} s\n`);
    }

    /// Has at least this many rooms and sessions, each of which was asked for once.
    async grow({ rooms = 0, sessions = 0 }) {
        if (sessions > this.tokens.length) await seedSessions(this, sessions);
        if (rooms > this.rooms.length) await seedRooms(this, rooms);
        await sweep({ port: this.stack.ports.http, folder: this.folder, tokens: this.tokens.length, rooms: this.rooms.length });
        await this.observed();
        await this.idle();
    }

    async remove() {
        await this.stack.remove();
    }
}

/// A fresh stack that nobody has asked anything yet.
export async function startWorld(folder, { start = startStack, env = {} } = {}) {
    await mkdir(folder, { recursive: true, mode: OPEN_FOLDER });
    // The stack's state is in it, and goes with it: on Ctrl-C its own module takes the stack down and no more.
    process.env.TMPDIR = folder;
    atExit(() => rmSync(folder, { recursive: true, force: true }));
    const world = new World(await start({ ...LIMITS, ...env }), folder);
    await sleep(SETTLE_MS);
    await world.idle();
    return world;
}

/// With the standard room, which is what /create is measured with.
export async function fillWorld(world, { rooms, sessions }) {
    const created = await world.stack.create(await world.stack.token());
    if (created.status !== 200) throw new Error(`create: ${created.status} ${created.text}`);
    await world.grow({ rooms, sessions });
    return world;
}
