// What event streams cost a server as the gateway is one: streams.c.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { atExit } from './cleanup.mjs';

const PROGRAM = fileURLToPath(new URL('../../build/release/bin/lynks-bench-streams', import.meta.url));
const PATIENCE_MS = 180000;

/// What lynks-bench-streams prints, and the rate beside the streams as a part of that without.
export async function measureStreams({ streams }) {
    const running = promisify(execFile)(PROGRAM, [String(streams)], { timeout: PATIENCE_MS, killSignal: 'SIGKILL' });
    const forget = atExit(() => running.child.kill('SIGKILL'));
    try {
        const found = JSON.parse((await running).stdout);
        process.stderr.write('event streams done\n');
        return { ...found, ratio: found.rate_beside / found.rate };
    } finally {
        forget();
    }
}
