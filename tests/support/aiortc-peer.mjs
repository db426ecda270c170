// The program of aiortc_peer.py, and what it says. Debian's python3-aiortc is for Debian's Python only.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from './wait.mjs';

const PROGRAM = fileURLToPath(new URL('aiortc_peer.py', import.meta.url));

export class AiortcPeer {
    said = {};
    errors = '';

    /// what: whip or whep.
    constructor(what, url, token) {
        this.process = spawn('/usr/bin/python3', [PROGRAM, what, url, token]);
        createInterface(this.process.stdout).on('line', (line) => Object.assign(this.said, JSON.parse(line)));
        this.process.stderr.on('data', (text) => { this.errors += text; });
        this.closed = new Promise((resolve) => this.process.once('close', resolve));
    }

    /// Until what it has said passes the check.
    says(check, what) {
        return eventually(() => {
            if (this.process.exitCode !== null) throw new Error(`it has ended: ${this.errors}`);
            if (!check(this.said)) throw new Error(`it says ${JSON.stringify(this.said)} ${this.errors}`);
            return true;
        }, { within: 15000, what });
    }

    /// Ends its connection as its protocol has it: the status that it was told.
    async end() {
        this.process.stdin.end();
        await this.closed;
        return this.said.ended;
    }
}
