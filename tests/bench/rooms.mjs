// What rooms cost: coming in, beside what the database takes for it; from a command to those who read of it; catching up; and
// what a stream takes in the gateway. The load generator is rooms.c, and commit.c for the database alone.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startOwnGateway } from '../support/own-gateway.mjs';
import { atExit } from './cleanup.mjs';
import { JOIN_OF_BARE } from './marks.mjs';
import { memoryKib } from './processes.mjs';
import { median } from './quantile.mjs';
import { startWorld } from './world.mjs';

const BIN = fileURLToPath(new URL('../../build/release/bin', import.meta.url));
const PATIENCE_MS = 300000;
const CONNECTIONS = 64;
const DB_THREADS = 4; // of roomsvc, by default
const AT_A_TIME = 32;
const LISTENERS = 100;
const CROWD = 1000;
const CROWD_STREAMS = 4; // of each participant
const REPLAYED = 1000;
const REPLAYS = 5;
const RATE = 1000; // of all rooms together
const RATE_OF_JOINS = 0.9; // where the disk lets less through
const RATE_STREAMS = 10; // of each of them
const WARM_MS = 15000;
const MANY = '1000000';
// What gateways keep of events is soon as much as it may be, as where they have been up for long.
export const ENV = { LYNKS_ROOM_TAILS_MAX_BYTES: String(4 << 20), LYNKS_USER_ROOMS_MAX: MANY, LYNKS_CREATE_BURST: MANY, LYNKS_JOIN_BURST: MANY, LYNKS_JOIN_PER_MINUTE: MANY,
    LYNKS_ADDRESS_PARTICIPANTS_MAX: MANY, LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX: '0', LYNKS_AWAY_S: '300', LYNKS_STREAMS_PER_PARTICIPANT_MAX: MANY, LYNKS_STREAMS_PER_ADDRESS_MAX: MANY,
    LYNKS_OWN_FRONT: '127.0.0.1' };

// Of several rounds: middles, but for what may not be in any of them.
const OF_ALL = { bad: (counts) => counts.reduce((a, b) => a + b, 0), whole: (answers) => answers.every(Boolean) };
export const middles = (rows) => Object.fromEntries(Object.keys(rows[0]).map((key) => [key, (OF_ALL[key] ?? median)(rows.map((row) => row[key]))]));

// What one of the programs prints in the end; lines are its standard input.
export async function run(program, args, lines, env = {}) {
    const running = execFile(join(BIN, program), args.map(String), { timeout: PATIENCE_MS, killSignal: 'SIGKILL',
        env: { ...process.env, ...env } });
    const forget = atExit(() => running.kill('SIGKILL'));
    let [text, errors] = ['', ''];
    running.stdout.on('data', (piece) => { text += piece; });
    running.stderr.on('data', (piece) => { errors += piece; });
    running.stdin.on('error', () => {}); // it has ended, and says why itself
    running.stdin.end(`${lines.join('\n')}\n`);
    const [code] = await once(running, 'close');
    forget();
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${errors.trim().slice(-500) || code}`);
    return JSON.parse(text);
}

async function inTurns(count, make) {
    const made = [];
    let next = 0;
    await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
        while (next < count) {
            const i = next;
            next += 1;
            made[i] = await make(i);
        }
    }));
    return made;
}

function expect(answer, status) {
    if (answer.status !== status) throw new Error(`${answer.status} ${answer.text}`);
    return answer.json;
}

export class RoomWorld {
    constructor(world, token) {
        this.world = world;
        this.stack = world.stack;
        this.port = this.stack.ports.http;
        this.token = token;
    }

    /// [{ id, code }]
    makeRooms(count, options = {}) {
        return inTurns(count, async (i) => {
            const { id, code } = expect(await this.stack.request('/v1/rooms',
                { token: this.token, body: { name: `room ${i}`, participants_max: 1000, guests_wait: false, ...options } }), 201);
            return { id, code };
        });
    }

    /// The secrets of an invitation to each of these rooms.
    inviteTo(rooms) {
        return inTurns(rooms.length, async (i) => expect(await this.stack.request(`/v1/rooms/${rooms[i].id}/invitations`,
            { token: this.token, body: { role: 'participant' } }), 201).secret);
    }

    /// A guest in each of these rooms, as rooms.c takes them.
    async seat(rooms) {
        const seats = await inTurns(rooms.length, async (i) => expect(await this.stack.request(
            `/v1/rooms/${rooms[i].code}/participants`, { body: { name: `seat ${i}` } }), 201));
        return seats.map(({ participant, token }, i) => `${rooms[i].id} ${participant.id} ${token}`);
    }

    seatAll(room, count) {
        return this.seat(Array.from({ length: count }, () => room));
    }

    deliver(seats, streams, rate, seconds) {
        return run('lynks-bench-rooms', ['deliver', this.port, seats.length, streams, rate, seconds], seats);
    }

    async ownKib(name) {
        return (await memoryKib(await this.stack.pid(name))).own;
    }
}

async function measureJoins(rooms, { roomRounds, roomSeconds, roomCount }) {
    const [ours, theirs] = [await rooms.makeRooms(roomCount), await rooms.makeRooms(roomCount)];
    const codes = ours.map(({ code }) => code);
    const secrets = await rooms.inviteTo(ours);
    const invited = codes.map((code, i) => `${code} invitation ${secrets[i]}`);
    const lines = theirs.map(({ id, code }) => `${id} ${code.replaceAll('-', '')}`);
    const env = { MYSQL_PWD: await rooms.stack.secret('mysql-password') };
    const [alone, byInvitation, many, bare] = [[], [], [], []];
    for (let round = 0; round < roomRounds; round += 1) {
        bare.push(await run('lynks-bench-commit', [rooms.stack.ports.mysql, 'lynks', DB_THREADS, roomSeconds], lines, env));
        alone.push(await run('lynks-bench-rooms', ['join', rooms.port, 1, roomSeconds], codes));
        byInvitation.push(await run('lynks-bench-rooms', ['join', rooms.port, 1, roomSeconds], invited));
        many.push(await run('lynks-bench-rooms', ['join', rooms.port, CONNECTIONS, roomSeconds], codes));
        await rooms.world.idle();
    }
    process.stderr.write('rooms: joins done\n');
    return { alone: middles(alone), byInvitation: middles(byInvitation), many: middles(many), bare: middles(bare) };
}

async function measureDelivery(rooms, { roomRounds, roomSeconds }) {
    const [few, crowd] = await rooms.makeRooms(2);
    const listeners = await rooms.seatAll(few, LISTENERS);
    const all = await rooms.seatAll(crowd, CROWD / CROWD_STREAMS);
    const [hundred, thousand] = [[], []];
    for (let round = 0; round < roomRounds; round += 1) {
        hundred.push(await rooms.deliver(listeners, 1, 0, roomSeconds));
        thousand.push(await rooms.deliver(all, CROWD_STREAMS, 0, roomSeconds));
        await rooms.world.idle();
    }
    process.stderr.write('rooms: delivery done\n');
    return { hundred: middles(hundred), thousand: middles(thousand) };
}

// Streams that are open until end() is called.
async function hold(rooms, seats, streams) {
    const child = spawn(join(BIN, 'lynks-bench-rooms'), ['hold', rooms.port, seats.length, streams].map(String),
        { stdio: ['pipe', 'pipe', 'inherit'] });
    const forget = atExit(() => child.kill('SIGKILL'));
    const closed = once(child, 'close');
    child.stdin.write(`${seats.join('\n')}\n`);
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), closed]);
    if (line !== 'OPEN') throw new Error(`lynks-bench-rooms hold: ${line}`);
    return async () => {
        child.stdin.end();
        await closed;
        forget();
    };
}

async function measureReplay(rooms) {
    const [room] = await rooms.makeRooms(1);
    const seats = await rooms.seatAll(room, 10);
    while (Number((await rooms.stack.sql(`SELECT seq FROM rooms WHERE room_id = ${room.id}`))[0][0]) < REPLAYED + 20) {
        await rooms.deliver(seats, 1, RATE / 4, 1);
    }
    const [[generation, seq]] = await rooms.stack.sql(`SELECT generation, seq FROM journal_generation, rooms WHERE room_id = ${room.id}`);
    const lines = [seats[0], `g${generation}.${Number(seq) - REPLAYED}`];
    const release = await hold(rooms, seats.slice(0, 1), 1);
    await run('lynks-bench-rooms', ['replay', rooms.port, REPLAYED, 1], lines);
    const tail = (await run('lynks-bench-rooms', ['replay', rooms.port, REPLAYED, REPLAYS], lines)).p50;
    await release();
    const journal = [];
    for (let i = 0; i < REPLAYS; i += 1) {
        const gateway = await startOwnGateway(rooms.stack, i, { LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX: '0' });
        journal.push((await run('lynks-bench-rooms', ['replay', gateway.port, REPLAYED, 1], lines)).p50);
        await gateway.end();
    }
    process.stderr.write('rooms: replay done\n');
    return { events: REPLAYED, tail, journal: median(journal) };
}

// One room's streams first, for what the room itself takes.
async function measureMemory(rooms, { roomStreams }) {
    const made = await rooms.makeRooms(roomStreams / RATE_STREAMS);
    const seats = await rooms.seat(made);
    await (await hold(rooms, seats, 1))();
    const before = await rooms.ownKib('gateway');
    const release = await hold(rooms, seats, RATE_STREAMS);
    const kib = await rooms.ownKib('gateway') - before;
    await release();
    process.stderr.write('rooms: memory done\n');
    return { streams: roomStreams, rooms: made.length, bytesEach: (kib * 1024) / roomStreams };
}

async function measureRate(rooms, { roomCount, rateSeconds }, most) {
    const made = await rooms.makeRooms(roomCount);
    const seats = await rooms.seat(made);
    const rate = Math.min(RATE, most);
    const samples = [];
    const running = rooms.deliver(seats, RATE_STREAMS, rate, rateSeconds);
    const look = async () => samples.push(await rooms.ownKib('gateway') + await rooms.ownKib('roomsvc'));
    const timers = [setTimeout(look, WARM_MS), setTimeout(look, WARM_MS + (rateSeconds - 5) * 1000 - WARM_MS)];
    const found = await running.finally(() => timers.forEach(clearTimeout));
    process.stderr.write('rooms: rate done\n');
    return { ...found, rooms: made.length, asked: rate, kib: samples.at(-1) - samples[0] };
}

export async function measureRooms(folder, settings) {
    const world = await startWorld(join(folder, 'rooms'), { env: ENV });
    try {
        const rooms = new RoomWorld(world, await world.stack.token());
        const joins = await measureJoins(rooms, settings);
        const delivery = await measureDelivery(rooms, settings);
        const replay = await measureReplay(rooms);
        const memory = await measureMemory(rooms, settings);
        // What the disk lets through and not what roomsvc does: else one that has become slow would have less to do.
        const rate = await measureRate(rooms, settings, Math.floor(joins.bare.rate * JOIN_OF_BARE * RATE_OF_JOINS));
        return { joins, delivery, replay, memory, rate };
    } finally {
        await world.remove();
    }
}
