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
