// Memory under full load for a long time. It is looked at in short breaks between loads: while passwords are hashed,
// authsvc has some megabytes more or less at any moment.
import { join } from 'node:path';
import { median } from './quantile.mjs';
import { ROOMS, SESSIONS, sum } from './speed.mjs';
import { load } from './wrk.mjs';
import { fillWorld, SERVICES, startWorld } from './world.mjs';

// Full load: logins take what processor time they can get, the other requests the rest.
const MIX = [{ kind: 'list', connections: 48 }, { kind: 'create', connections: 8 }, { kind: 'login', connections: 8 }];
const LOOKED_AT = 3; // breaks at the beginning and at the end, whose median counts

async function loadAndLook(world, { steadySeconds, segmentSeconds }) {
    const samples = [];
    let requests = 0;
    const count = Math.ceil(steadySeconds / segmentSeconds);
    for (let i = 0; i < count; i += 1) {
        const results = await Promise.all(MIX.map((part) => load({ ...part, port: world.stack.ports.http,
            folder: world.folder, seconds: segmentSeconds, tokens: world.tokens.length, rooms: world.rooms.length })));
        requests += sum(results.map((r) => r.requests));
        await world.idle();
        const memory = await world.memory(SERVICES);
        samples.push(Object.fromEntries(SERVICES.map((name) => [name, memory[name].own])));
    }
    return { samples, requests };
}

/// KiB that the four services have grown by between the end of the warm-up (a minute, or a third if there are less
/// than three) and the end. Each login makes a session, and what that costs is a mark of its own: here the cache of
/// sessions is full from the beginning, as it is in a stack that has been up for long.
export async function measureSteady(folder, settings) {
    const { steadySeconds, segmentSeconds } = settings;
    const world = await startWorld(join(folder, 'steady'), { env: { LYNKS_SESSION_CACHE_MAX: String(SESSIONS) } });
    try {
        await fillWorld(world, { rooms: ROOMS, sessions: SESSIONS });
        const { samples, requests } = await loadAndLook(world, settings);
        const warm = Math.ceil(Math.min(60, steadySeconds / 3) / segmentSeconds);
        const counted = samples.slice(warm);
        const by = Object.fromEntries(SERVICES.map((name) => [name,
            median(counted.slice(-LOOKED_AT).map((s) => s[name])) - median(counted.slice(0, LOOKED_AT).map((s) => s[name]))]));
        process.stderr.write('memory under full load done\n');
        return { seconds: steadySeconds, warmSeconds: warm * segmentSeconds, requests, samples, by, kib: sum(Object.values(by)) };
    } finally {
        await world.remove();
    }
}
