// Speed and memory of a whole stack, with nginx, Janus and a server on janode as references in the same run. See tests/bench/run.
import { rmSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit } from './cleanup.mjs';
import { measureCrowd } from './crowd.mjs';
import { measureConnections, measureGrowth } from './growth.mjs';
import { measureGuesses } from './guesses.mjs';
import { crowdMarks, guessMarks, marksOf, mediaMarks, roomMarks } from './marks.mjs';
import { measureMedia } from './media.mjs';
import { measurePeople } from './people.mjs';
import { startJanode, startNginx } from './references.mjs';
import { circumstances, keep, markdown, printAll, printCrowd, printGuesses, printMarks, printMedia, printRooms, writeFiles } from './report.mjs';
import { measureRooms } from './rooms.mjs';
import { measureBesideLogins, measureSpeed, ROOMS, SESSIONS, sum } from './speed.mjs';
import { measureSteady } from './steady.mjs';
import { measureStreams } from './streams.mjs';
import { fillWorld, OPEN_FOLDER, SERVICES, startWorld } from './world.mjs';

const OUT = fileURLToPath(new URL('../../build/bench', import.meta.url));

// Two stacks that should be as fast as each other are told apart by many short rounds: on a machine that others use, too,
// one of two seconds may be a fifth slower than the next.
const USUAL = { rounds: 5, seconds: 2, besideRounds: 5, besideSeconds: 2, growthRounds: 15, growthSeconds: 1,
    warmUp: 20000, opened: 100000, grownTo: { rooms: 10000, sessions: 100000, idle: 10000 }, users: 100000, streams: 10000, steadySeconds: 45,
    segmentSeconds: 5, roomRounds: 5, roomSeconds: 2, roomCount: 1000, roomStreams: 10000, rateSeconds: 60,
    mediaRounds: 5, mediaAsks: 100, mediaConnections: 500, mediaTold: 20, crowdRooms: 10, crowdSeconds: 20 };
const QUICK = { rounds: 1, seconds: 1, besideRounds: 1, besideSeconds: 1, growthRounds: 1, growthSeconds: 1,
    warmUp: 2000, opened: 10000, grownTo: { rooms: 1000, sessions: 20000, idle: 1000 }, users: 2000, streams: 1000, steadySeconds: 9,
    segmentSeconds: 1, roomRounds: 1, roomSeconds: 1, roomCount: 100, roomStreams: 1000, rateSeconds: 20,
    mediaRounds: 1, mediaAsks: 20, mediaConnections: 100, mediaTold: 3, crowdRooms: 2, crowdSeconds: 4 };
const LONG = { ...USUAL, steadySeconds: 600, segmentSeconds: 10 };

async function measureAll(world, references, settings) {
    const idle = await world.memory();
    await fillWorld(world, { rooms: ROOMS, sessions: SESSIONS });
    const { speed, hash } = await measureSpeed(world, references, settings);
    const beside = await measureBesideLogins(world, { rounds: settings.besideRounds, seconds: settings.besideSeconds });
    const loaded = await world.memory();
    const connections = await measureConnections(world, settings);
    const growth = await measureGrowth(world, settings);
    const people = await measurePeople(world, references, settings);
    return { people, speed, hash, beside, idle, loaded, idlePssKib: sum(SERVICES.map((name) => idle[name].pss)), connections, growth };
}

// What rooms cost, and nothing else.
async function judgeRooms(folder, settings) {
    const results = { rooms: await measureRooms(folder, settings), guesses: await measureGuesses(folder, settings) };
    const marks = [...roomMarks(results), ...guessMarks(results)];
    printRooms(results);
    printGuesses(results);
    printMarks(marks);
    return marks.every((mark) => mark.passed) ? 0 : 1;
}

// What connections for media cost, likewise.
async function judgeMedia(folder, settings) {
    const results = { media: await measureMedia(folder, settings), crowd: await measureCrowd(folder, settings) };
    const marks = [...mediaMarks(results), ...crowdMarks(results)];
    printMedia(results);
    printCrowd(results);
    printMarks(marks);
    return marks.every((mark) => mark.passed) ? 0 : 1;
}

async function main(options) {
    const settings = options.has('--quick') ? QUICK : options.has('--long') ? LONG : USUAL;
    const at = await circumstances();
    const folder = await mkdtemp(join(tmpdir(), 'lynks-bench-'));
    await chmod(folder, OPEN_FOLDER);
    atExit(() => rmSync(folder, { recursive: true, force: true }));
    if (options.has('--rooms')) return judgeRooms(folder, settings);
    if (options.has('--media')) return judgeMedia(folder, settings);
    const world = await startWorld(join(folder, 'world'));
    const references = {};
    let results;
    try {
        references.nginx = await startNginx(folder, world.stack.base + 120);
        references.janode = await startJanode(world.stack, world.stack.base + 121);
        results = { at, settings, ...await measureAll(world, references, settings) };
    } finally {
        for (const reference of Object.values(references)) await reference.stop();
        await world.remove();
    }
    results.streams = await measureStreams(settings);
    results.rooms = await measureRooms(folder, settings);
    results.guesses = await measureGuesses(folder, settings);
    results.media = await measureMedia(folder, settings);
    results.crowd = await measureCrowd(folder, settings);
    results.steady = await measureSteady(folder, settings);
    results.marks = marksOf(results);
    printAll(results, SERVICES);
    printMarks(results.marks);
    if (options.has('--markdown')) console.log(`\n${markdown(results)}`);
    await writeFiles(results, OUT);
    if (options.has('--keep')) await keep(results);
    console.log('figures: build/bench/results.json, .md, .svg');
    return results.marks.every((mark) => mark.passed) ? 0 : 1;
}

try {
    process.exitCode = await main(new Set(process.argv.slice(2)));
} catch (error) {
    console.error(`tests/bench/run: ${error.message}`);
    process.exitCode = 2;
}
