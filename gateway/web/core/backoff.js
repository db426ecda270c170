// How long to wait before something that has failed is tried again: longer each time, and by chance, so that many clients of one
// gateway do not come back to it at the same moment.

/** @typedef {import('./env.js').Env} Env */

export class Backoff {
    #env;
    #firstMs;
    #mostMs;
    #failures = 0;

    /**
     * @param {Env} env
     * @param {number} [firstMs] the most that the first pause may be
     * @param {number} [mostMs] the most that any may be
     */
    constructor(env, firstMs = 250, mostMs = 10000) {
        this.#env = env;
        this.#firstMs = firstMs;
        this.#mostMs = mostMs;
    }

    /** How long to wait now, in ms. */
    next() {
        const bound = Math.min(this.#mostMs, this.#firstMs * 2 ** this.#failures);
        this.#failures += 1;
        return bound * (0.5 + this.#env.random() / 2);
    }

    /** It worked: the next pause is a first one. */
    reset() {
        this.#failures = 0;
    }
}
