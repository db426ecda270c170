// What more rooms, sessions and connections cost: a small stack and one that grows, asked in turn.
import { join } from 'node:path';
import { sleep } from '../support/wait.mjs';
import { openAndClose, openIdle } from './connections.mjs';
import { measure, Rounds, SESSIONS, sum } from './speed.mjs';
import { fillWorld, SERVICES, startWorld } from './world.mjs';

const CONNECTIONS = 64;
const SMALL = { rooms: 10, sessions: 1000, idle: 10 };
const SETTLE_MS = 1000;
const DRAWN_ROUNDS = 5; // of what is only drawn; what is compared has them all

/// 10, 100, ... up to most.
const stepsTo = (most) => [10, 100, 1000, 10000, 100000].filter((n) => n <= most);

// Draws from this many rooms and sessions; the small stack has no more.
const drawing = (rooms, tokens, seconds) => ({ connections: CONNECTIONS, seconds, rooms, tokens });

// The rate of the grown one, as a part of the small one's.
async function compareThem(small, grown, { growthRounds, growthSeconds: seconds, rooms = SMALL.rooms,
    sessions = SMALL.sessions }) {
    const found = new Rounds();
    for (let round = 0; round < growthRounds; round += 1) {
        found.add('small', await measure(small, 'list', drawing(SMALL.rooms, SMALL.sessions, seconds)));
        found.add('grown', await measure(grown, 'list', drawing(rooms, sessions, seconds)));
    }
    const { small: before, grown: after } = Object.fromEntries(found.medians());
    return { before, after, ratio: after.rate / before.rate };
}

// Of the stack that has all the rooms: what a request costs that asks for one of so many.
async function overRooms(small, grown, { growthRounds, growthSeconds: seconds, grownTo }) {
    const found = new Rounds();
    const steps = stepsTo(grownTo.rooms);
    for (let round = 0; round < growthRounds; round += 1) {
        for (const rooms of steps) {
            const world = rooms === SMALL.rooms ? small : grown;
            const counts = rooms === steps[0] || rooms === steps.at(-1);
            for (const target of ['list', 'janus'].filter((t) => round < DRAWN_ROUNDS || (counts && t === 'list'))) {
                found.add(`${target} ${rooms}`, await measure(world, target, drawing(rooms, SMALL.sessions, seconds)));
            }
        }
    }
    const all = found.medians();
    const rows = steps.map((rooms) => ({ rooms, list: all.get(`list ${rooms}`), janus: all.get(`janus ${rooms}`) }));
    return { rows, ratio: rows.at(-1).list.rate / rows[0].list.rate };
}

async function overSessions(small, grown, settings) {
    const { sessions } = settings.grownTo;
    const known = grown.tokens.length;
    const before = (await grown.memory(['authsvc'])).authsvc;
    await grown.grow({ sessions });
    const after = (await grown.memory(['authsvc'])).authsvc;
    return { ...await compareThem(small, grown, { ...settings, sessions }),
        sessions, bytesEach: (after.own - before.own) * 1024 / (sessions - known) };
}

async function overIdle(small, grown, settings) {
    const { idle } = settings.grownTo;
    const few = await openIdle(small.stack.ports.http, small.tokens[0], SMALL.idle);
    const before = (await grown.memory(['gateway'])).gateway;
    const many = await openIdle(grown.stack.ports.http, grown.tokens[0], idle);
    try {
        await sleep(SETTLE_MS);
        const after = (await grown.memory(['gateway'])).gateway;
        const result = await compareThem(small, grown, settings);
        const closed = many.closed() + few.closed();
        if (closed > 0) throw new Error(`${closed} idle connections were closed under way`);
        return { ...result, idle, kibEach: (after.own - before.own) / idle };
    } finally {
        few.close();
        many.close();
    }
}

/// Rooms, idle connections and sessions grow one after the other; each is compared with a stack that has few.
export async function measureGrowth(grown, settings) {
    const small = await startWorld(join(grown.folder, 'small'));
    try {
        await fillWorld(small, SMALL);
        await grown.grow({ rooms: settings.grownTo.rooms });
        const rooms = await overRooms(small, grown, settings);
        process.stderr.write('growth: rooms done\n');
        const idle = await overIdle(small, grown, settings);
        process.stderr.write('growth: idle connections done\n');
        // The last: sessions that were used are written behind for half a minute.
        const sessions = await overSessions(small, grown, settings);
        process.stderr.write('growth: sessions done\n');
        return { small: SMALL, drawn: SESSIONS, rooms, sessions, idle };
    } finally {
        await small.remove();
    }
}

/// KiB that connections opened and closed leave behind. The first ones fill what is kept for the next.
export async function measureConnections(world, { warmUp, opened }) {
    const { stack, tokens } = world;
    let refused = await openAndClose(stack.ports.http, tokens[0], warmUp);
    await sleep(SETTLE_MS);
    const before = await world.memory(SERVICES);
    refused += await openAndClose(stack.ports.http, tokens[0], opened);
    await sleep(SETTLE_MS);
    const after = await world.memory(SERVICES);
    const by = Object.fromEntries(SERVICES.map((name) => [name, after[name].own - before[name].own]));
    process.stderr.write('growth: connections opened and closed done\n');
    return { warmUp, opened, refused, by, kib: sum(Object.values(by)) };
}
