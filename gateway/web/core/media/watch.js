// What a participant gets of the others: one connection that carries all of it. He says the whole of what he wants; Janus makes
// offers, one after the other, which are fetched and answered. News of an offer may come early, late, twice or never: what is looked
// at is the number of the last offer that is known of, and of the last one that was answered.
import { Problem } from '../api.js';
import { MediaConnection } from './connection.js';
import { Overtaken } from './loop.js';

/**
 * @typedef {import('./connection.js').Hint} Hint
 * @typedef {import('../api.js').Api} Api
 * @typedef {import('../env.js').Env} Env
 * @typedef {import('../room.js').Source} Source
 * @typedef {import('./ice_servers.js').IceServers} IceServers
 *
 * @typedef {object} Wish
 * @property {string} participant
 * @property {Source} source
 * @property {0 | 1 | 2} [layer] the largest of a video that is wanted, 0 the smallest; absent: the largest there is
 * @property {boolean} [paused] nothing for now
 * @property {boolean} [isAhead] it is not sent yet: wished for ahead, so that it comes as soon as it is
 *
 * @typedef {import('../api_types.js').WatchOffer} Offer
 * @typedef {Offer['streams'][number]} Part
 *
 * @typedef {object} Stream what comes in one part of the connection
 * @property {string} mid
 * @property {string} participant
 * @property {Source} source
 * @property {MediaStreamTrack} track
 *
 * @typedef {{participant: string, source: Source, layer: number}} Layer
 *
 * @typedef {object} WatcherHandlers
 * @property {() => void} [onChange] its state, or what comes, is another one
 * @property {(layer: Layer) => void} [onLayer] another layer of a video comes from now on
 */

/** What fits into one description. */
const WISHES_MAX = 80;
/** How long what is wanted may be missing before it is said again, in case news of an offer was lost; longer each time. */
const MISSING_MS = 3000;
const MISSING_MOST_MS = 48000;

/** @param {{participant: string, source: Source}} what */
const keyOf = ({ participant, source }) => `${participant}/${source}`;

export class Watcher extends MediaConnection {
    #path;
    #on;
    /** @type {readonly Wish[]} */
    #wanted = [];
    #hasToSay = false;
    /** What the gateway knows of it, as text. */
    #said = '';
    /** The last offer that is known of. */
    #offeredSeq = 0;
    /** The offer that was fetched last. */
    #fetchedSeq = 0;
    /** The offer that the peer has, and our answer to it. @type {{seq: number, answer: string} | undefined} */
    #taken;
    #answeredSeq = 0;
    /** @type {Stream[]} */
    #streams = [];
    /** Of connections whose answer has not come yet: their last offer; 'closed': they are over. @type {Map<string, number | 'closed'>} */
    #early = new Map();
    /** @type {string | undefined} */
    #endedForAnother;
    #missingMs = MISSING_MS;
    #cancelMissing = () => {};

    /**
     * @param {Env} env
     * @param {Api} api with the participant's token
     * @param {string} room its id or code
     * @param {IceServers} servers
     * @param {WatcherHandlers} [handlers]
     */
    constructor(env, api, room, servers, handlers = {}) {
        super(env, api, servers, () => handlers.onChange?.());
        this.#path = `/v1/rooms/${encodeURIComponent(room)}/watch`;
        this.#on = handlers;
    }

    /** What comes now. */
    get streams() { return this.#streams; }

    /**
     * All that is wanted from now on; what somebody does not send yet comes when he does. Resolves when it is known, and what is
     * there is on its way.
     * @param {readonly Wish[]} wanted
     */
    want(wanted) {
        this.#wanted = wanted.slice(0, WISHES_MAX);
        this.#missingMs = MISSING_MS;
        this._reopen();
        if (JSON.stringify(this.#body()) === this.#said) this._loop.poke();
        else this.#sayAgain();
        return this._loop.settled();
    }

    /** News may have been missed: says what is wanted again, now, and learns how things are. */
    look() {
        this.#sayAgain();
        this._loop.hurry();
    }

    /**
     * @param {string} name rtc.*
     * @param {Hint} hint
     */
    onHint(name, hint) {
        if (hint.connection !== this._connection) {
            this.#noteEarly(name, hint);
        } else if (name === 'rtc.offer') {
            this.#offeredSeq = Math.max(this.#offeredSeq, hint.seq ?? 0);
            this._loop.poke();
        } else if (name === 'rtc.closed') {
            this._onClosed(hint.reason);
        } else if (name === 'rtc.resumed') {
            this.#offeredSeq = this.#taken?.seq ?? 0; // one that was not fetched is lost
            this.#answeredSeq = 0; // maybe the answer was, too
            this.#sayAgain();
        } else if (name === 'rtc.layer' && hint.participant !== undefined && hint.source !== undefined && hint.layer !== undefined) {
            this.#on.onLayer?.({ participant: hint.participant, source: hint.source, layer: hint.layer });
        }
    }

    /**
     * @param {string} name
     * @param {Hint} hint
     */
    #noteEarly(name, hint) {
        if (name === 'rtc.closed') this.#early.set(hint.connection, 'closed');
        else if (name === 'rtc.offer' && this.#early.get(hint.connection) !== 'closed') this.#early.set(hint.connection, hint.seq ?? 0);
    }

    /** What is to be there. */
    #due() { return this.#wanted.filter(({ isAhead }) => !isAhead); }

    /** As the gateway takes it: in an order of its own, so that what comes to be sent as it was wished for ahead is not said again. */
    #body() {
        const ordered = [...this.#wanted].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
        return { wanted: ordered.map(({ isAhead, ...wish }) => wish) };
    }

    /** There is nothing yet; is there to be? */
    #enterBeginning() { this._enter(this.#due().length > 0 ? 'connecting' : 'idle'); }

    #sayAgain() {
        this.#hasToSay = this.state !== 'over';
        this._loop.poke();
    }

    // ---- what is done ----

    async _work() {
        if (this.#wanted.length === 0 && this._connection === undefined) {
            this.#hasToSay = false;
            this._enter('idle');
            return;
        }
        if (this.#hasToSay || this._connection === undefined) await this.#say();
        if (this._needsRestart) await this.#askRestart();
        while (this.#offeredSeq > this.#answeredSeq) await this.#negotiate();
        this.#watchMissing();
    }

    async #say() {
        if (this._peer === undefined) this.#enterBeginning();
        this.#hasToSay = false;
        const body = this.#body();
        try {
            /** @type {import('../api_types.js').Watching} */
            const { connection, seq } = await this.#askFor(() => this._api.put(this.#path, body));
            if (this._isClosed) {
                await this._end(connection);
                throw new Overtaken();
            }
            this.#adopt(connection, seq);
            this.#said = JSON.stringify(body);
        } catch (error) {
            this.#hasToSay = true;
            throw error;
        }
    }

    /**
     * What was answered of a connection that was lost meanwhile is not used either.
     * @template T
     * @param {() => Promise<T>} request
     */
    async #askFor(request) {
        const before = this._connection;
        const answer = await this._ask(request);
        if (before !== this._connection) throw new Overtaken();
        return answer;
    }

    async #askRestart() {
        await this._renewServers();
        await this.#askFor(() => this._api.post(`/v1/rtc/${this._connection}/restart`));
        this._wasRestarted();
        this.#missingMs = MISSING_MS;
    }

    /**
     * The connection that there is, and its last offer.
     * @param {string} connection
     * @param {number} seq
     */
    #adopt(connection, seq) {
        if (connection !== this._connection) {
            this._drop();
            this.#enterBeginning();
            this._connection = connection;
            const early = this.#early.get(connection) ?? 0;
            this.#early.clear();
            if (early === 'closed') throw new Problem({ status: 404, code: 'not_found' });
            this.#offeredSeq = early;
        }
        this.#offeredSeq = Math.max(this.#offeredSeq, seq);
    }

    async #negotiate() {
        // What was taken is answered until the gateway says that it has it.
        if (this.#taken?.seq !== this.#offeredSeq) await this.#fetchAndTake();
        const { seq } = /** @type {{seq: number}} */ (this.#taken);
        await this.#answer();
        this.#answeredSeq = seq;
        // The one that was told of is not there yet.
        if (seq < this.#offeredSeq && seq === this.#fetchedSeq) throw new Problem({ status: 0, code: 'stale_offer' });
        this.#fetchedSeq = seq;
    }

    async #fetchAndTake() {
        const offer = await this.#fetchOffer();
        this.#adopt(offer.connection, offer.seq);
        // Another peer has answered the one before it, say that of the page before it was loaded again: Janus holds on to its keys.
        if (this._peer === undefined && offer.seq > 1) await this.#endForAnother(offer.connection);
        if (this.#taken?.seq !== offer.seq) await this.#take(offer);
    }

    /** @returns {Promise<Offer>} */
    async #fetchOffer() {
        try {
            return await this.#askFor(() => this._api.get(`${this.#path}/offer`));
        } catch (error) {
            if (!(error instanceof Problem) || error.status !== 404) throw error;
            // It was answered by somebody who had this connection before us, say the page before it was loaded again.
            if (this._peer === undefined) await this.#endForAnother(/** @type {string} */ (this._connection));
            this.#hasToSay = true; // all may be over: then there is another connection for it
            throw new Problem({ status: 0, code: 'stale_offer' });
        }
    }

    /** @param {Offer} offer */
    async #take(offer) {
        const isFirst = this._peer === undefined;
        const peer = this._peer ?? await this._makePeer();
        await peer.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
        const answer = await peer.createAnswer();
        await peer.setLocalDescription(answer);
        if (peer !== this._peer) throw new Overtaken();
        if (isFirst) this._followTransport(peer, peer.getReceivers()[0]?.transport);
        this.#taken = { seq: offer.seq, answer: /** @type {string} */ (answer.sdp) };
        this.#setStreams(peer, offer.streams);
    }

    async #answer() {
        const { seq, answer } = /** @type {{seq: number, answer: string}} */ (this.#taken);
        try {
            await this.#askFor(() => this._api.put(`${this.#path}/answer`, { seq, sdp: answer }));
        } catch (error) {
            if (!(error instanceof Problem) || error.code !== 'stale_offer') throw error;
            this.#offeredSeq = Math.max(this.#offeredSeq, seq + 1); // the next one is fetched
        }
    }

    /** @param {string} connection */
    async #endForAnother(connection) {
        await this.#askFor(() => this._api.delete(`/v1/rtc/${connection}`));
        if (connection === this.#endedForAnother) {
            this._remake(); // it takes its time
        } else {
            this.#endedForAnother = connection;
            this._drop();
            this._loop.poke();
        }
        throw new Overtaken();
    }

    /**
     * @param {RTCPeerConnection} peer
     * @param {Part[]} parts
     */
    #setStreams(peer, parts) {
        const tracks = new Map(peer.getTransceivers().map(({ mid, receiver }) => [mid, receiver.track]));
        this.#streams = parts.flatMap(({ mid, participant, source }) => {
            const track = tracks.get(mid);
            return participant === undefined || source === undefined || track === undefined ? [] : [{ mid, participant, source, track }];
        });
        this.#on.onChange?.();
    }

    /** Nobody says for sure that there is an offer: if something is missing for long, it is asked for. */
    #watchMissing() {
        this.#cancelMissing();
        const there = new Set(this.#streams.map(keyOf));
        const due = this.#due();
        if (due.every((wish) => there.has(keyOf(wish))) && (due.length === 0 || this._peer?.connectionState === 'connected')) return;
        this.#cancelMissing = this._env.after(this.#missingMs, () => this.#sayAgain());
        this.#missingMs = Math.min(2 * this.#missingMs, MISSING_MOST_MS);
    }

    // ---- what goes wrong ----

    _drop() {
        super._drop();
        this.#cancelMissing();
        this.#said = '';
        this.#taken = undefined;
        this.#offeredSeq = 0;
        this.#fetchedSeq = 0;
        this.#answeredSeq = 0;
        if (this.#streams.length > 0) {
            this.#streams = [];
            this.#on.onChange?.();
        }
    }

    /**
     * An answer that is no good belongs to a connection that is no good.
     * @param {Problem} problem
     */
    _takeBack(problem) {
        if (problem.code !== 'bad_sdp') return false;
        this._remake();
        return true;
    }
}
