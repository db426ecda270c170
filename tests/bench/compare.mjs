// Two trees' stacks, asked in turn. See tests/bench/compare.
import { rmSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { atExit } from './cleanup.mjs';
import { print, TITLES } from './report.mjs';
import { measure, ROOMS, Rounds, SESSIONS } from './speed.mjs';
import { fillWorld, OPEN_FOLDER, startWorld } from './world.mjs';

const POINTS = ['list', 'create', 'login'].flatMap((target) => [1, 64].map((connections) => ({ target, connections })));
const RATE_OF_OLD = 0.95;
const FULL = { rounds: 9, seconds: 3 };
const QUICK = { rounds: 1, seconds: 1 };

const [oldTree, newTree] = process.argv.slice(2);
const settings = process.argv.includes('--quick') ? QUICK : FULL;

// deploy/up and its helpers are the tree's own: they know what the revision wants.
async function startTree(tree, folder) {
    process.stderr.write(`starting ${basename(tree)} (builds it first)\n`);
    const { startStack } = await import(pathToFileURL(join(tree, 'tests', 'support', 'stack.mjs')));
    return startWorld(folder, { start: startStack });
}

async function measureAll(worlds) {
    const found = new Rounds();
    for (let round = 0; round < settings.rounds; round += 1) {
        for (const { target, connections } of POINTS) {
            // Who is first changes: the machine may be faster for the first, or for the second.
            const order = round % 2 === 0 ? ['old', 'new'] : ['new', 'old'];
            for (const side of order) {
                found.add(`${side} ${target} ${connections}`,
                    await measure(worlds[side], target, { connections, seconds: settings.seconds }));
            }
        }
        process.stderr.write(`round ${round + 1} of ${settings.rounds} done\n`);
    }
    return found.medians();
}

function report(found) {
    let worst = Infinity;
    const rows = POINTS.map(({ target, connections }) => {
        const before = found.get(`old ${target} ${connections}`);
        const after = found.get(`new ${target} ${connections}`);
        const ratio = (kind) => after[kind] / before[kind];
        worst = Math.min(worst, ratio('rate'));
        return [TITLES[target], connections, before.rate.toFixed(0), after.rate.toFixed(0), ratio('rate').toFixed(3),
            before.p50.toFixed(2), after.p50.toFixed(2), before.p99.toFixed(2), after.p99.toFixed(2), before.cpu.toFixed(1),
            after.cpu.toFixed(1), ratio('cpu').toFixed(3), `${(100 * Math.max(before.bad, after.bad)).toFixed(1)} %`];
    });
    print(`old: ${basename(oldTree)}, new: ${basename(newTree)}; medians of ${settings.rounds} rounds of ${settings.seconds} s`,
        ['requests', 'connections', 'old/s', 'new/s', 'ratio', 'p50 old', 'new ms', 'p99 old', 'new ms', 'CPU us old', 'new',
            'ratio', 'refused'], rows);
    const passed = worst >= RATE_OF_OLD;
    console.log(`\n${passed ? 'pass ' : 'SHORT'}  every rate at least ${RATE_OF_OLD} of the old one; the lowest is ${
        worst.toFixed(3)}`);
    return passed ? 0 : 1;
}

async function main() {
    const folder = await mkdtemp(join(tmpdir(), 'lynks-bench-'));
    await chmod(folder, OPEN_FOLDER);
    atExit(() => rmSync(folder, { recursive: true, force: true }));
    const worlds = {};
    try {
        worlds.old = await startTree(oldTree, join(folder, 'old'));
        worlds.new = await startTree(newTree, join(folder, 'new'));
        for (const world of Object.values(worlds)) await fillWorld(world, { rooms: ROOMS, sessions: SESSIONS });
        return report(await measureAll(worlds));
    } finally {
        for (const world of Object.values(worlds)) await world.remove();
    }
}

try {
    process.exitCode = await main();
} catch (error) {
    console.error(`tests/bench/compare: ${error.message}`);
    process.exitCode = 2;
}
