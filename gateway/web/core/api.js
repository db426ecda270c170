// Requests to /v1: with a token, with what a problem document says as an error, and again where that can do no harm.
import { Backoff } from './backoff.js';
import { pause } from './env.js';

/** @typedef {import('./env.js').Env} Env */

const TIMEOUT_MS = 10000;
const ATTEMPTS = 4;
/** Who is to wait for longer than this is told so, instead of waiting. */
const PATIENCE_MS = 5000;

/**
 * @typedef {object} ProblemFacts
 * @property {number} status 0: there was no answer
 * @property {string} code of the problem document; `network` and `timeout` where there was no answer
 * @property {string} [title]
 * @property {string} [detail]
 * @property {string} [requestId]
 * @property {{pointer: string, detail: string}[]} [errors] of members of the body
 * @property {number} [retryAfterMs]
 */

/** Why a request was not done. */
export class Problem extends Error {
    /** @param {ProblemFacts} facts */
    constructor(facts) {
        super(facts.detail ?? facts.title ?? facts.code);
        this.name = 'Problem';
        this.status = facts.status;
        this.code = facts.code;
        this.title = facts.title ?? '';
        this.requestId = facts.requestId;
        this.errors = facts.errors ?? [];
        this.retryAfterMs = facts.retryAfterMs;
    }

    /** The same request may be taken later. */
    get isPassing() {
        return this.status === 0 || [429, 502, 503, 504].includes(this.status) || this.code === 'in_flight';
    }
}

/**
 * Rejects, if the answer was cut off.
 * @param {Response} response
 */
async function readJson(response) {
    const isJson = /^application\/(\w+\+)?json\b/.test(response.headers.get('content-type') ?? '');
    return isJson ? response.json() : undefined;
}

/**
 * @param {Response} response one that is not 2xx
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
    const said = await readJson(response).catch(() => undefined) ?? {};
    const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
    return new Problem({
        status: response.status,
        code: said.code ?? `http_${response.status}`,
        title: said.title,
        detail: said.detail,
        requestId: said.request_id ?? response.headers.get('x-request-id') ?? undefined,
        errors: said.errors,
        retryAfterMs: Number.isNaN(seconds) ? undefined : seconds * 1000,
    });
}

/**
 * @typedef {object} RequestOptions
 * @property {unknown} [body] sent as JSON
 * @property {string} [key] Idempotency-Key: with it a POST may be sent again
 * @property {string} [match] If-Match
 * @property {AbortSignal} [signal]
 * @property {number} [timeoutMs] of each attempt
 * @property {number} [attempts]
 * @property {boolean} [keepalive] it goes on when the page is closed
 */

export class Api {
    /**
     * @param {Env} env
     * @param {string} [base] where the gateway is; empty: where the page is from
     * @param {string} [token] of a session or of a participant; none: the cookie, if there is one
     */
    constructor(env, base = '', token = undefined) {
        this.env = env;
        this.base = base;
        this.token = token;
    }

    /** @param {string} token */
    withToken(token) {
        return new Api(this.env, this.base, token);
    }

    /**
     * @param {string} path
     * @param {RequestOptions} [options]
     */
    get(path, options) { return this.request('GET', path, options); }

    /**
     * @param {string} path
     * @param {unknown} [body]
     * @param {RequestOptions} [options]
     */
    post(path, body, options) { return this.request('POST', path, { ...options, body }); }

    /**
     * @param {string} path
     * @param {unknown} body
     * @param {RequestOptions} [options]
     */
    put(path, body, options) { return this.request('PUT', path, { ...options, body }); }

    /**
     * @param {string} path
     * @param {unknown} body
     * @param {RequestOptions} [options]
     */
    patch(path, body, options) { return this.request('PATCH', path, { ...options, body }); }

    /**
     * What is not there any more is as good as deleted.
     * @param {string} path
     * @param {RequestOptions} [options]
     */
    async delete(path, options) {
        await this.request('DELETE', path, options).catch((error) => {
            if (!(error instanceof Problem) || error.status !== 404) throw error;
        });
    }

    /**
     * @param {string} method
     * @param {string} path
     * @param {RequestOptions} [options]
     * @returns {Promise<any>} the answer's JSON
     * @throws {Problem}
     */
    async request(method, path, options) { return (await this.tagged(method, path, options)).body; }

    /**
     * Likewise, with the ETag of what was answered: to change it afterwards, if nobody else has meanwhile.
     * @param {string} method
     * @param {string} path
     * @param {RequestOptions} [options]
     * @returns {Promise<{body: any, tag: string | undefined}>}
     * @throws {Problem}
     */
    async tagged(method, path, options = {}) {
        // A POST without a key makes another thing each time.
        const attempts = method === 'POST' && options.key === undefined ? 1 : options.attempts ?? ATTEMPTS;
        const backoff = new Backoff(this.env);
        for (let attempt = 1; ; attempt += 1) {
            try {
                return await this.#once(method, path, options);
            } catch (error) {
                if (!(error instanceof Problem) || !error.isPassing || attempt >= attempts || options.signal?.aborted
                    || (error.retryAfterMs ?? 0) > PATIENCE_MS) throw error;
                await pause(this.env, Math.max(error.retryAfterMs ?? 0, backoff.next()));
            }
        }
    }

    /**
     * What every request has; also of an event stream.
     * @returns {Record<string, string>}
     */
    headers() {
        return this.token === undefined ? {} : { authorization: `Bearer ${this.token}` };
    }

    /**
     * @param {string} method
     * @param {string} path
     * @param {RequestOptions} options
     */
    async #once(method, path, options) {
        const headers = this.headers();
        if (options.body !== undefined) headers['content-type'] = 'application/json';
        if (options.key !== undefined) headers['idempotency-key'] = options.key;
        if (options.match !== undefined) headers['if-match'] = options.match;
        const abort = new AbortController();
        const giveUp = () => abort.abort();
        let isLate = false;
        const cancel = this.env.after(options.timeoutMs ?? TIMEOUT_MS, () => {
            isLate = true;
            giveUp();
        });
        options.signal?.addEventListener('abort', giveUp);
        try {
            if (options.signal?.aborted) giveUp();
            const response = await this.env.fetch(this.base + path, {
                method,
                headers,
                body: options.body === undefined ? undefined : JSON.stringify(options.body),
                signal: abort.signal,
                credentials: this.token === undefined ? 'same-origin' : 'omit',
                keepalive: options.keepalive ?? false,
            });
            if (!response.ok) throw await problemOf(response);
            return { body: await readJson(response), tag: response.headers.get('etag') ?? undefined };
        } catch (error) {
            if (error instanceof Problem) throw error;
            throw new Problem({ status: 0, code: isLate ? 'timeout' : 'network', detail: String(error) });
        } finally {
            cancel();
            options.signal?.removeEventListener('abort', giveUp);
        }
    }
}
