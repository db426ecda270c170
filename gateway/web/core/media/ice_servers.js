// The TURN servers for who is in a room. Credentials for them are good for two minutes, or as long as the gateway says, and a server looks
// at them when a connection looks for its ways: so they are asked for again before that, where they are not of this moment.
/**
 * @typedef {import('../api.js').Api} Api
 * @typedef {import('../env.js').Env} Env
 * @typedef {import('../api_types.js').Joining['ice_servers']} Servers
 */

const FRESH_MS = 10000;

export class IceServers {
    #env;
    #api;
    #path;
    /** @type {Servers} */
    #servers = [];
    /** @type {number | undefined} */
    #knownAt;
    /** @type {Promise<void> | undefined} */
    #asking;

    /**
     * @param {Env} env
     * @param {Api} api with the participant's token
     * @param {string} room its id or code
     * @param {Servers} [given] what the gateway has just told
     */
    constructor(env, api, room, given) {
        this.#env = env;
        this.#api = api;
        this.#path = `/v1/rooms/${encodeURIComponent(room)}/ice-servers`;
        if (given !== undefined) this.#note(given);
    }

    /** Where they cannot be had now, those that were known: most get along without any. */
    async get() {
        if (this.#knownAt === undefined || this.#env.now() - this.#knownAt >= FRESH_MS) {
            this.#asking ??= this.#ask().finally(() => { this.#asking = undefined; });
            await this.#asking;
        }
        return this.#servers;
    }

    async #ask() {
        await this.#api.get(this.#path, { attempts: 2 }).then((answer) => this.#note(answer.ice_servers), () => {});
    }

    /** @param {Servers} servers */
    #note(servers) {
        this.#servers = servers;
        this.#knownAt = this.#env.now();
    }
}
