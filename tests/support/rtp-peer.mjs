// Programs that send or watch, and are no browsers, over libdatachannel, which is what OBS has: real ICE, DTLS and SRTP under Node. They
// make one offer, say all in it and trickle nothing. What they send are silence in Opus and grey pictures in H264. Each is a process of
// its own (rtp-peer-process.mjs): the library for Node crashes at times when a connection is closed.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from './wait.mjs';

const PROGRAM = fileURLToPath(new URL('rtp-peer-process.mjs', import.meta.url));
const OVER = ['disconnected', 'failed', 'closed'];

const processes = new Set();

/// Ends those that are left.
export function endPeers() {
    for (const process of processes) process.kill('SIGKILL');
}

class RtpPeer {
    state = 'new';
    packets = { audio: 0, video: 0 }; // that came
    #process;
    #asked = new Map(); // id -> resolve, reject
    #lastId = 0;
    #closed;

    constructor(kind, options) {
        this.#process = fork(PROGRAM, [kind, JSON.stringify(options)]);
        processes.add(this.#process);
        this.#process.on('message', ({ id, sdp, state = this.state, packets }) => {
            this.state = state;
            Object.assign(this.packets, packets);
            this.#asked.get(id)?.resolve(sdp);
            this.#asked.delete(id);
        });
        this.#process.once('exit', (code, signal) => {
            processes.delete(this.#process);
            this.state = 'closed';
            for (const { reject } of this.#asked.values()) reject(new Error(`its process has ended: ${code ?? signal}`));
        });
    }

    #ask(what, ...args) {
        const id = this.#lastId += 1;
        return new Promise((resolve, reject) => {
            this.#asked.set(id, { resolve, reject });
            this.#process.send({ id, what, args }, (error) => { if (error) reject(error); });
        });
    }

    /// The offer, or the answer to what was set; it is sdp from then on.
    async describe(type) {
        this.sdp = await this.#ask('describe', type);
        return this.sdp;
    }

    async take(type, sdp) {
        await this.#ask('take', type, sdp);
    }

    isConnected() {
        return eventually(() => this.state === 'connected', { within: 8000, what: 'the connection' });
    }

    isOver() {
        return eventually(() => OVER.includes(this.state), { within: 15000, what: 'the end of the connection' });
    }

    /// The other side hears of it.
    close() {
        this.#closed ??= this.#ask('close').catch(() => {}) // it has done so if it crashed
            .finally(() => this.#process.kill('SIGKILL'));
        return this.#closed;
    }

    /// What it would offer itself to watch: it wants both.
    async wish() {
        this.sdp = await this.#ask('wish');
        return this.sdp;
    }
}

/// Sends a microphone and, unless it is not to, a camera.
export class Sender extends RtpPeer {
    constructor({ hasVideo = true } = {}) {
        super('Sender', { hasVideo });
    }
}

/// The payload type in which Janus 1.1.2 sends it.
export const JANUS_H264 = 107;

/// Watches by an offer that it is given, or by its own (wish). h264: its payload type in that; isVideoFirst: the order of its parts.
export class Watcher extends RtpPeer {
    constructor(options = {}) {
        super('Watcher', options);
    }
}
