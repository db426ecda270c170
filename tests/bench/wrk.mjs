// wrk with the requests of requests.lua.
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { atExit } from './cleanup.mjs';

const SCRIPT = fileURLToPath(new URL('requests.lua', import.meta.url));
const THREADS_MAX = 4;
const PATIENCE_MS = 30000; // of a wrk that does not end

/// What it found: requests, seconds, p50, p99 and max in ms, refused and broken requests.
export function load({ scheme = 'http', port, kind, folder, connections, seconds, tokens = 1, rooms = 1, begin = 0 }) {
    const threads = Math.min(connections, cpus().length, THREADS_MAX);
    return new Promise((resolve, reject) => {
        const child = execFile('wrk', [`-t${threads}`, `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', SCRIPT,
            `${scheme}://127.0.0.1:${port}`, '--', kind, folder, String(tokens), String(rooms), String(begin), String(threads)],
        { timeout: seconds * 1000 + PATIENCE_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
            forget();
            const found = /^RESULT (.*)$/m.exec(stdout);
            if (found) resolve({ ...JSON.parse(found[1]), threads });
            else reject(new Error(`wrk (${kind}): ${stderr.trim() || error?.message || 'no result'}`));
        });
        const forget = atExit(() => child.kill('SIGKILL'));
    });
}

const SWEEP_CONNECTIONS = 16;
const SWEEP_SECONDS = 2;
const SWEEP_PASSES_MAX = 5;
const SWEEP_LOADS_MAX = 60;

async function sweepOnce(options, count) {
    let refused = 0;
    let begin = 0;
    for (let loads = 0; begin < count; loads += 1) {
        if (loads === SWEEP_LOADS_MAX) throw new Error(`the warm-up reached ${begin} of ${count} only`);
        const result = await load({ ...options, kind: 'sweep', connections: SWEEP_CONNECTIONS, seconds: SWEEP_SECONDS, begin });
        refused += result.refused + result.broken;
        // The last ones may not have been answered.
        begin += Math.max(0, result.fewest - SWEEP_CONNECTIONS) * result.threads;
    }
    return refused;
}

/// Asks with each token and for each room, again and again until all of that is answered with success.
export async function sweep(options) {
    let refused = 0;
    for (let pass = 0; pass < SWEEP_PASSES_MAX; pass += 1) {
        refused = await sweepOnce(options, Math.max(options.tokens, options.rooms));
        if (refused === 0) return;
    }
    throw new Error(`the warm-up still had ${refused} requests refused in its last pass`);
}
