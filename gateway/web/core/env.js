// What the core needs of where it runs: the network, time, chance and connections for media. Nothing else in core/ reaches for
// them, so that tests give their own, and nothing in core/ knows a page.

/**
 * @typedef {object} Env
 * @property {(input: string, init?: RequestInit) => Promise<Response>} fetch
 * @property {(config?: RTCConfiguration) => RTCPeerConnection} createPeer
 * @property {() => number} now in ms; only differences count
 * @property {(ms: number, call: () => void) => (() => void)} after calls once after ms; what it gives takes that back
 * @property {() => number} random from 0 to below 1
 * @property {() => string} randomId 128 bits that nobody guesses
 */

/** @returns {Env} that of the browser, or of Node, which has no connections for media */
export function ownEnv() {
    return {
        fetch: (input, init) => fetch(input, init),
        createPeer: (config) => new RTCPeerConnection(config),
        now: () => performance.now(),
        after(ms, call) {
            const timer = setTimeout(call, ms);
            return () => clearTimeout(timer);
        },
        random: Math.random,
        // crypto.randomUUID is only there over HTTPS and on the machine itself.
        randomId: () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    };
}

/**
 * @param {Env} env
 * @param {number} ms
 * @returns {Promise<void>}
 */
export const pause = (env, ms) => new Promise((resolve) => { env.after(ms, resolve); });
