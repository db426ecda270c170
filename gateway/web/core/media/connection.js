// What a connection that sends and one that gets have in common: a peer in the browser and a connection at the gateway, which are made
// together, can be lost on either side, and are made again.
import { Problem } from '../api.js';
import { Loop, Overtaken, RemakePace } from './loop.js';

/**
 * @typedef {import('../api.js').Api} Api
 * @typedef {import('../env.js').Env} Env
 * @typedef {import('../room.js').Source} Source
 * @typedef {import('./ice_servers.js').IceServers} IceServers
 *
 * idle: nothing is wanted. connecting: it is being made, or made again. up: media can flow. over: others have ended it, and it is made
 * again only when something is wanted anew.
 * @typedef {'idle' | 'connecting' | 'up' | 'over'} MediaState
 *
 * @typedef {object} Hint an event rtc.*
 * @property {string} connection
 * @property {number} [seq] of an offer
 * @property {string} [reason]
 * @property {string} [participant] whose video comes in another layer
 * @property {Source} [source]
 * @property {number} [layer]
 */

/** Reasons of rtc.closed after which it is made again. */
const REMADE = ['lost', 'janus_lost', 'interrupted', 'refused'];

/** What begins with an underscore is for the classes that extend it. */
export class MediaConnection {
    /** @type {MediaState} */
    #state = 'idle';
    /** @type {string | undefined} */
    #reason;
    #onChange;
    #pace;
    #servers;
    _isClosed = false;
    /** @type {string | undefined} */
    _connection;
    /** @type {RTCPeerConnection | undefined} */
    _peer;
    _needsRestart = false;

    /**
     * @param {Env} env
     * @param {Api} api with the participant's token
     * @param {IceServers} servers
     * @param {() => void} onChange its state is another one
     */
    constructor(env, api, servers, onChange) {
        this._env = env;
        this._api = api;
        this.#servers = servers;
        this.#onChange = onChange;
        this.#pace = new RemakePace(env);
        this._loop = new Loop(env, () => this.#workUnlessOver(), (error) => this.#isFinal(error));
    }

    get state() { return this.#state; }

    /** Why it is over. */
    get reason() { return this.#reason; }

    /** Its id at the gateway. */
    get connection() { return this._connection; }

    /** For statistics only. */
    get peer() { return this._peer; }

    /** The network is another one. */
    restart() {
        this._needsRestart = this._connection !== undefined;
        this._loop.poke();
    }

    /**
     * Ends it for good.
     * @param {boolean} [isTold] the gateway does not know it yet
     */
    async close(isTold = true) {
        const connection = this._connection;
        this._isClosed = true;
        this._loop.stop();
        this._drop();
        this._enter('idle');
        if (isTold && connection !== undefined) await this._end(connection);
    }

    // ---- for those that extend it ----

    /** Does what is missing, or throws why it cannot. */
    async _work() {}

    /** What restart() asked for is done, or not possible any more. */
    _wasRestarted() { this._needsRestart = false; }

    /** Forgets the connection and all about it. */
    _drop() {
        const peer = this._peer;
        this._peer = undefined; // first: what closing it makes it say is not heard
        peer?.close();
        this._connection = undefined;
        this._needsRestart = false;
    }

    /**
     * A request of a connection that there is was refused.
     * @param {Problem} _problem
     * @returns {boolean} the connection goes on
     */
    _takeBack(_problem) { return false; }

    /**
     * @param {MediaState} state
     * @param {string} [reason]
     */
    _enter(state, reason) {
        if (state === this.#state && reason === this.#reason) return;
        this.#state = state;
        this.#reason = reason;
        this.#onChange();
    }

    /** Something is wanted anew. */
    _reopen() {
        if (this.#state === 'over') this._enter('idle');
    }

    /**
     * Whatever the answer is, it means nothing if the connection was lost meanwhile.
     * @template T
     * @param {() => Promise<T>} request
     * @returns {Promise<T>}
     */
    async _ask(request) {
        const { _peer: peer, _connection: connection } = this;
        const isOvertaken = () => peer !== this._peer || connection !== this._connection;
        try {
            return await request();
        } catch (error) {
            throw isOvertaken() ? new Overtaken() : error;
        }
    }

    async _makePeer() {
        const connection = this._connection;
        const iceServers = await this.#servers.get();
        if (this._isClosed || this._peer !== undefined || connection !== this._connection) throw new Overtaken();
        const peer = this._env.createPeer({ bundlePolicy: 'max-bundle', iceServers });
        this._peer = peer;
        this._enter('connecting');
        peer.addEventListener('connectionstatechange', () => {
            if (peer !== this._peer) return;
            if (peer.connectionState === 'connected') {
                this.#pace.reset();
                this._enter('up');
            }
            // Nothing comes for now: it may come again by itself.
            if (['disconnected', 'failed'].includes(peer.connectionState)) this._enter('connecting');
            // While the network stays away it fails again and again: a restart each time, at the pace of the browser's patience.
            if (peer.connectionState === 'failed') this.restart();
        });
        return peer;
    }

    /** Before the peer looks for ways again. */
    async _renewServers() {
        const peer = this._peer;
        const iceServers = await this.#servers.get();
        if (peer !== this._peer) throw new Overtaken();
        peer?.setConfiguration({ ...peer.getConfiguration(), iceServers });
    }

    /**
     * When Janus gives a connection up, the browser tells it only of the transport.
     * @param {RTCPeerConnection} peer
     * @param {RTCDtlsTransport | null | undefined} transport
     */
    _followTransport(peer, transport) {
        transport?.addEventListener('statechange', () => {
            if (transport.state === 'closed' && peer === this._peer) this._remake();
        });
    }

    _remake() {
        this._drop();
        this._enter('connecting');
        this._loop.pokeAfter(this.#pace.next());
    }

    /** @param {string | undefined} reason of rtc.closed */
    _onClosed(reason = 'lost') {
        if (REMADE.includes(reason)) this._remake();
        else this._giveUp(reason);
    }

    /** @param {string} reason */
    _giveUp(reason) {
        this._drop();
        this._enter('over', reason);
        this._loop.poke(); // who waits for it is told
    }

    /** @param {string} connection */
    async _end(connection) {
        // If it cannot be said, what is not there any more is found out.
        await this._api.delete(`/v1/rtc/${connection}`, { attempts: 2, keepalive: true }).catch(() => {});
    }

    // ---- its own ----

    async #workUnlessOver() {
        if (this.#state === 'over') throw new Problem({ status: 0, code: this.#reason ?? 'closed' });
        await this._work();
    }

    /**
     * What becomes of what failed in _work.
     * @param {unknown} error
     * @returns {boolean} it is given up
     */
    #isFinal(error) {
        if (error instanceof Overtaken) return false;
        if (this.#state === 'over') return true;
        if (error instanceof Problem) return this.#isRefused(error);
        this._remake(); // the browser could not do it with this peer
        return false;
    }

    /** @param {Problem} problem */
    #isRefused(problem) {
        if (problem.isPassing || ['not_joined', 'conflict'].includes(problem.code)) {
            // An offer that may have been taken, or not, is made anew with a peer of its own.
            if (this._connection === undefined) this._drop();
            return false;
        }
        if (this._connection !== undefined && problem.status === 404) {
            this._remake();
            return false;
        }
        if (this._connection === undefined || problem.status === 401 || !this._takeBack(problem)) this._giveUp(problem.code);
        return true;
    }
}
