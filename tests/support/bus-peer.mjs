// The bus of a running stack, talked to directly (tests/support/bus-peer/main.c).
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = process.env.LYNKS_BUS_PEER ?? join(ROOT, 'build', 'dev', 'tests', 'bus-peer');

/// What authsvc would know of a token that nobody has.
export const newHash = () => randomBytes(32).toString('hex');
const keysOf = (stack) => join(stack.state, 'secrets', 'bus');

/// Calls authsvc as one of the roles; address as LYNKS_AUTHSVC_ADDRESS. One call at a time.
export class BusPeer {
    constructor(stack, address, role = 'gateway') {
        this.child = spawn(PROGRAM, ['call', keysOf(stack), role, address], { stdio: ['pipe', 'pipe', 'inherit'] });
        this.waiting = [];
        createInterface({ input: this.child.stdout }).on('line', (line) => this.waiting.shift()?.(line));
        this.ended = new Promise((resolve) => {
            this.child.on('exit', (code, signal) => {
                this.isGone = true;
                for (const answer of this.waiting) answer('GONE');
                resolve(code ?? signal);
            });
        });
    }

    /// "OK number" or "ERR code".
    ask(command) {
        if (this.isGone) return Promise.resolve('GONE');
        this.child.stdin.write(`${command}\n`);
        return new Promise((resolve) => { this.waiting.push(resolve); });
    }

    /// Its exit code: 0, or its sanitizer has found something.
    end() {
        this.child.stdin.end();
        return this.ended;
    }
}

/// Sends what nobody should; gives how many went out.
export async function sendRaw(stack, { role, service, port, kind, count }) {
    const { stdout } = await run(PROGRAM,
        ['send', keysOf(stack), role, service, `tcp://127.0.0.1:${port}`, kind, String(count)]);
    return Number(/^SENT (\d+)$/m.exec(stdout)[1]);
}

/// Opens TCP connections one after the other and resets each.
export async function resetMany(port, count) {
    const { stdout } = await run(PROGRAM, ['reset', String(port), String(count)]);
    return Number(/^SENT (\d+)$/m.exec(stdout)[1]);
}

/// Listens to what a service publishes at one port, as a gateway, and publishes it at another: of 100 frames percent are
/// lost, percent come twice, and percent come after the next one. end() gives the counts: { lost, doubled, swapped }.
export async function startRelay(stack, { service, from, to, percent }) {
    const child = spawn(PROGRAM, ['relay', keysOf(stack), service, `tcp://127.0.0.1:${from}`, `tcp://127.0.0.1:${to}`,
        String(percent)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    const seen = [];
    let begin;
    lines.on('line', (line) => {
        seen.push(line);
        begin?.();
    });
    const gone = new Promise((resolve) => { child.on('exit', resolve); });
    await Promise.race([new Promise((resolve) => { begin = resolve; }),
        gone.then((code) => { throw new Error(`the relay has ended: ${code}`); })]);
    return {
        async end() {
            child.stdin.end();
            const closed = new Promise((resolve) => { lines.once('close', resolve); });
            const code = await gone;
            await closed;
            if (code !== 0) throw new Error(`the relay has ended: ${code}`);
            const [, lost, doubled, swapped] = /^LOST (\d+) DOUBLED (\d+) SWAPPED (\d+)$/.exec(seen.at(-1));
            return { lost: Number(lost), doubled: Number(doubled), swapped: Number(swapped) };
        },
    };
}
