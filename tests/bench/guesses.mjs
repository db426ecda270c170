// What guests notice of others who guess PINs and invitations, as fast as these can: joins alone and beside them, in turn.
import { join } from 'node:path';
import { sleep } from '../support/wait.mjs';
import { ENV, middles, RoomWorld, run } from './rooms.mjs';
import { startWorld } from './world.mjs';

const RATE = 10000; // guesses a second
const ADDRESSES = 4; // from which they come
const GUESSED_ROOMS = 10;
const CONNECTIONS = 8; // of those who join: so it is the wait for a processor that is seen, and not the queue of their own
const LEAD_S = 1;
const PIN = '271828182845';
const WRONG_PIN = '314159265358';
const UNDRAWN = `li_${'0'.repeat(64)}`; // what no gateway has drawn

async function beside(rooms, { roomRounds, roomSeconds }, real, guesses) {
    const [alone, others, guessed] = [[], [], []];
    const joinAll = () => run('lynks-bench-rooms', ['join', rooms.port, CONNECTIONS, roomSeconds], real);
    for (let round = 0; round < roomRounds; round += 1) {
        alone.push(await joinAll());
        await rooms.world.idle();
        const guessing = run('lynks-bench-rooms', ['guess', rooms.port, ADDRESSES, RATE, roomSeconds + 2 * LEAD_S], guesses);
        guessing.catch(() => {}); // it is waited for below
        await sleep(LEAD_S * 1000);
        others.push(await joinAll());
        guessed.push(await guessing);
        await rooms.world.idle();
    }
    return { alone: middles(alone), beside: middles(others), guesses: { ...middles(guessed), asked: RATE } };
}

/// { pins, invitations }, each { alone, beside, guesses }.
export async function measureGuesses(folder, settings) {
    const world = await startWorld(join(folder, 'guesses'), { env: ENV });
    try {
        const rooms = new RoomWorld(world, await world.stack.token());
        const open = await rooms.makeRooms(settings.roomCount, { pin: PIN });
        const guessed = await rooms.makeRooms(GUESSED_ROOMS, { pin: PIN });
        const secrets = await rooms.inviteTo(open);
        const pins = await beside(rooms, settings, open.map(({ code }) => `${code} pin ${PIN}`),
            guessed.map(({ code }) => `${code} pin ${WRONG_PIN}`));
        process.stderr.write('guesses: PINs done\n');
        // Those of other rooms, too, which only the database knows to be wrong.
        const invitations = await beside(rooms, settings, open.map(({ code }, i) => `${code} invitation ${secrets[i]}`),
            guessed.flatMap(({ code }, i) => [`${code} invitation ${UNDRAWN}`, `${code} invitation ${secrets[i]}`]));
        process.stderr.write('guesses: invitations done\n');
        return { pins, invitations };
    } finally {
        await world.remove();
    }
}
