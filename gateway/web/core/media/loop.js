// Brings about what is wanted, one step at a time. A work function looks at what is wanted and at what there is and does what is
// missing; the loop runs it when somebody asks, never twice at once, once more if somebody asked meanwhile, and again after a pause
// if it failed. So whatever comes at whatever moment, one negotiation is under way.
import { Backoff } from '../backoff.js';

/** @typedef {import('../env.js').Env} Env */

/** What was being done is not wanted any more: something else has happened meanwhile. */
export class Overtaken extends Error {}

/**
 * When a connection that was lost is made again. When Janus has ended, all its clients come back within a second, not at once; a
 * connection that is lost again before it was up waits longer each time.
 */
export class RemakePace {
    #env;
    #inVain = 0;

    /** @param {Env} env */
    constructor(env) {
        this.#env = env;
    }

    /** In ms. */
    next() {
        const bound = Math.min(30000, 1000 * 2 ** this.#inVain);
        this.#inVain += 1;
        return this.#env.random() * bound;
    }

    /** It is up. */
    reset() {
        this.#inVain = 0;
    }
}

export class Loop {
    #env;
    #work;
    #isFinal;
    #backoff;
    #isAsked = false;
    #isRunning = false;
    #isStopped = false;
    #notBefore = 0;
    #cancelPause = () => {};
    /** @type {{resolve: () => void, reject: (error: unknown) => void}[]} */
    #waiters = [];

    /**
     * @param {Env} env
     * @param {() => Promise<void>} work
     * @param {(error: unknown) => boolean} isFinal it is of no use to try again, unless something else is wanted
     */
    constructor(env, work, isFinal) {
        this.#env = env;
        this.#work = work;
        this.#isFinal = isFinal;
        this.#backoff = new Backoff(env, 500, 15000);
    }

    /** Something is wanted, or is another than it was. */
    poke() {
        this.#isAsked = true;
        this.#go();
    }

    /**
     * Likewise, but nothing is done before ms have passed.
     * @param {number} ms
     */
    pokeAfter(ms) {
        this.#notBefore = Math.max(this.#notBefore, this.#env.now() + ms);
        this.poke();
    }

    /** Does not wait any longer for what it waits for. */
    hurry() {
        this.#backoff.reset();
        this.#notBefore = 0;
        this.#cancelPause();
        this.#go();
    }

    /** Resolves when what is wanted now is done; rejects when it is given up. */
    settled() {
        if (this.#isStopped || (!this.#isAsked && !this.#isRunning)) return Promise.resolve();
        return /** @type {Promise<void>} */ (new Promise((resolve, reject) => { this.#waiters.push({ resolve, reject }); }));
    }

    stop() {
        this.#isStopped = true;
        this.#cancelPause();
        for (const { resolve } of this.#waiters.splice(0)) resolve();
    }

    async #go() {
        if (this.#isRunning) return;
        this.#isRunning = true;
        await undefined; // all that is wanted at once is done at once
        while (this.#isAsked && !this.#isStopped && !this.#hasToWait()) {
            this.#isAsked = false;
            await this.#runOnce();
        }
        this.#isRunning = false;
    }

    #hasToWait() {
        const ms = this.#notBefore - this.#env.now();
        if (ms <= 0) return false;
        this.#cancelPause();
        this.#cancelPause = this.#env.after(ms, () => this.#go());
        return true;
    }

    async #runOnce() {
        try {
            await this.#work();
            this.#backoff.reset();
            if (!this.#isAsked) for (const { resolve } of this.#waiters.splice(0)) resolve();
        } catch (error) {
            if (this.#isFinal(error)) {
                for (const { reject } of this.#waiters.splice(0)) reject(error);
                return;
            }
            // Whoever has overtaken it has said when to go on.
            if (error instanceof Overtaken) return;
            const asked = /** @type {{retryAfterMs?: number}} */ (error)?.retryAfterMs ?? 0;
            this.#isAsked = true;
            this.#notBefore = Math.max(this.#notBefore, this.#env.now() + Math.max(asked, this.#backoff.next()));
        }
    }
}
