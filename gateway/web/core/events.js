// The events of a room, as one participant hears them, from when he is in until he is out: over a stream that is opened again, from
// where it was, whenever it breaks; and over a long poll where no stream comes through, say because something on the way keeps it
// back until it ends. An event is given once, in order; after `reset` comes a snapshot.
import { Problem, problemOf } from './api.js';
import { Backoff } from './backoff.js';
import { SseParser } from './sse.js';

/**
 * @typedef {import('./api.js').Api} Api
 * @typedef {import('./env.js').Env} Env
 * @typedef {import('./sse.js').StreamEvent} StreamEvent
 */

/** The gateway says something each 15 s: after this long without a byte the connection is dead. */
const SILENCE_MS = 20000;
const POLL_WAIT_S = 20;
const POLL_ROUND_TRIP_MS = 10000;
/** For how long it polls before it tries a stream again; longer each time that this is in vain. */
const POLLS_MS = 60000;
const POLLS_MOST_MS = 1800000;
/** At most this much by chance before what a gateway that stops has asked for. */
const DRAIN_JITTER_MS = 250;

/**
 * connecting: a stream or a poll is asked for. open: a stream is there. polling: a poll has been answered. waiting: it is tried
 * again in a moment. over: the participant is out, or events are refused.
 * @typedef {'connecting' | 'open' | 'polling' | 'waiting' | 'over'} EventsState
 */

/**
 * @typedef {object} EventsHandlers
 * @property {(event: StreamEvent) => void} onEvent
 * @property {(state: EventsState) => void} [onState]
 * @property {() => void} [onReopened] it had been cut off: what is told only once may have been missed
 * @property {(end: {reason: string, problem?: Problem}) => void} [onEnd]
 */

export class RoomEvents {
    #env;
    #api;
    #path;
    #on;
    /** @type {string | undefined} */
    #last;
    /** @type {EventsState} */
    #state = 'connecting';
    #backoff;
    #opened = 0;
    #pollsMs = POLLS_MS;
    #streamAgainAt = 0;
    /** @type {number | undefined} */
    #retryMs;
    #abort = new AbortController();
    #isStopped = false;
    #isHurried = false;
    /** Ends the pause before the next attempt. @type {() => void} */
    #skipPause = () => {};

    /**
     * @param {Env} env
     * @param {Api} api with the participant's token
     * @param {string} room its id or code
     * @param {EventsHandlers} handlers
     */
    constructor(env, api, room, handlers) {
        this.#env = env;
        this.#api = api;
        this.#path = `/v1/rooms/${encodeURIComponent(room)}/events`;
        this.#on = handlers;
        this.#backoff = new Backoff(env);
    }

    get state() { return this.#state; }

    /** The id of the last event. */
    get last() { return this.#last; }

    /** After it was over: the participant has come in again, and all begins with a snapshot. */
    restart() {
        this.#isStopped = false;
        this.#last = undefined;
        this.#opened = 0;
    }

    /** Follows until the participant is out or stop() is called; resolves then. */
    async run() {
        while (!this.#isStopped) {
            this.#enter('connecting');
            this.#isHurried = false;
            this.#abort = new AbortController();
            try {
                if (this.#env.now() < this.#streamAgainAt) await this.#poll();
                else await this.#stream();
            } catch (error) {
                if (this.#isStopped) return;
                await this.#onFailure(error);
            }
        }
    }

    /** Ends it without a word to onEnd. */
    stop() {
        this.#isStopped = true;
        this.#abort.abort();
        this.#skipPause();
    }

    /** The network may be another one, or the page was asleep: whatever it is doing, it tries a stream now. */
    wake() {
        this.#backoff.reset();
        this.#isHurried = true;
        this.#streamAgainAt = 0;
        this.#pollsMs = POLLS_MS;
        this.#abort.abort();
        this.#skipPause();
    }

    /** @param {EventsState} state */
    #enter(state) {
        if (this.#isStopped && state !== 'over') return;
        if (state === this.#state) return;
        this.#state = state;
        this.#on.onState?.(state);
    }

    /** @param {StreamEvent} event */
    #take(event) {
        if (this.#isStopped) return;
        if (event.id !== undefined) this.#last = event.id;
        if (event.event === 'end' && event.data.reason !== 'draining') {
            this.#finish({ reason: event.data.reason });
        } else if (event.event !== 'end') {
            this.#on.onEvent(event);
        }
    }

    /** @param {{reason: string, problem?: Problem}} end */
    #finish(end) {
        this.stop();
        this.#enter('over');
        this.#on.onEnd?.(end);
    }

    /** @param {EventsState} state */
    #onConnected(state) {
        if (this.#state === state || this.#isStopped) return;
        this.#enter(state);
        this.#opened += 1;
        if (this.#opened > 1) this.#on.onReopened?.();
    }

    async #stream() {
        const { signal } = this.#abort;
        let bytes = 0;
        let cancel = () => {};
        const watch = () => {
            cancel();
            cancel = this.#env.after(SILENCE_MS, () => {
                // One that has never said anything may never do so; one that has is opened again.
                if (bytes === 0) this.#pollForAWhile();
                this.#abort.abort();
            });
        };
        watch();
        try {
            // Without the option cache: with it Chromium asks again whether it may, at each redirection, on the connection that was
            // to be a new one.
            const response = await this.#env.fetch(this.#api.base + this.#path, {
                headers: { ...this.#api.headers(), accept: 'text/event-stream', ...(this.#last ? { 'last-event-id': this.#last } : {}) },
                signal,
            });
            if (!response.ok) throw await problemOf(response);
            this.#onConnected('open');
            const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
            const decoder = new TextDecoder();
            const parser = new SseParser((event) => this.#take(event), (ms) => { this.#retryMs = ms; });
            for (let piece = await reader.read(); !piece.done && !signal.aborted; piece = await reader.read()) {
                bytes += piece.value.byteLength;
                this.#pollsMs = POLLS_MS;
                this.#backoff.reset();
                watch();
                parser.take(decoder.decode(piece.value, { stream: true }));
            }
        } finally {
            cancel();
        }
        throw new Problem({ status: 0, code: 'network', detail: 'the stream has ended' });
    }

    #pollForAWhile() {
        this.#streamAgainAt = this.#env.now() + this.#pollsMs;
        this.#pollsMs = Math.min(2 * this.#pollsMs, POLLS_MOST_MS);
    }

    async #poll() {
        while (!this.#isStopped && this.#env.now() < this.#streamAgainAt) {
            const after = this.#last === undefined ? '' : `&after=${encodeURIComponent(this.#last)}`;
            const answer = await this.#api.get(`${this.#path}?wait_s=${POLL_WAIT_S}${after}`,
                { signal: this.#abort.signal, timeoutMs: POLL_WAIT_S * 1000 + POLL_ROUND_TRIP_MS, attempts: 1 });
            this.#onConnected('polling');
            this.#backoff.reset();
            for (const event of answer.events) this.#take(event);
            if (answer.next !== undefined) this.#last = answer.next;
        }
    }

    /** @param {unknown} error */
    async #onFailure(error) {
        if (error instanceof Problem && error.status >= 400 && error.status < 500 && !error.isPassing) {
            this.#finish({ reason: error.code, problem: error });
            return;
        }
        const asked = error instanceof Problem ? error.retryAfterMs : undefined;
        const drained = this.#retryMs === undefined ? undefined : this.#retryMs + this.#env.random() * DRAIN_JITTER_MS;
        this.#retryMs = undefined;
        if (this.#isHurried) return;
        this.#enter('waiting');
        await this.#wait(Math.max(drained ?? this.#backoff.next(), asked ?? 0));
    }

    /** @param {number} ms */
    #wait(ms) {
        return new Promise((resolve) => {
            const cancel = this.#env.after(ms, () => resolve(undefined));
            this.#skipPause = () => {
                cancel();
                resolve(undefined);
            };
            if (this.#isStopped) this.#skipPause();
        });
    }
}
