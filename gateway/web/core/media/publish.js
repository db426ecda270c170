// What a participant sends: one connection with microphone, camera and screen, for as long as there is something to send. It is
// made again when it was lost, renegotiated when a source comes or goes, and restarted when the network is another one.
import { Problem } from '../api.js';
import { MediaConnection } from './connection.js';
import { Overtaken } from './loop.js';
import { withOpusExtras } from './sdp.js';

/**
 * @typedef {import('./connection.js').Hint} Hint
 * @typedef {import('../api.js').Api} Api
 * @typedef {import('../env.js').Env} Env
 * @typedef {import('../room.js').Source} Source
 * @typedef {import('./ice_servers.js').IceServers} IceServers
 */

/** @type {readonly Source[]} */
const SOURCES = ['audio', 'video', 'screen'];

/** The camera in three sizes, the largest first as Janus counts them, within 1.5 Mbit/s. @type {RTCRtpEncodingParameters[]} */
const CAMERA_LAYERS = [
    { rid: 'f', maxBitrate: 1000000 },
    { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 350000 },
    { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 120000 },
];
const LAYERS = { audio: [], video: CAMERA_LAYERS, screen: [{ maxBitrate: 1500000 }] };

export class Publisher extends MediaConnection {
    #path;
    /** @type {Map<Source, MediaStreamTrack>} */
    #wanted = new Map();
    /** @type {Map<Source, RTCRtpTransceiver>} */
    #transceivers = new Map();
    /** What the last offer that was taken sends. @type {ReadonlySet<Source>} */
    #offered = new Set();
    #needsOffer = false;
    #needsLook = false;
    /** Connections that were over before their answer came. @type {Set<string>} */
    #closedEarly = new Set();
    /** @type {readonly Source[]} */
    #muted = [];
    /** What is to be said of it. @type {readonly Source[] | undefined} */
    #mutedTo;

    /**
     * @param {Env} env
     * @param {Api} api with the participant's token
     * @param {string} room its id or code
     * @param {IceServers} servers
     * @param {() => void} [onChange] its state is another one
     */
    constructor(env, api, room, servers, onChange = () => {}) {
        super(env, api, servers, onChange);
        this.#path = `/v1/rooms/${encodeURIComponent(room)}/publish`;
    }

    /**
     * Sends this track as that source from now on, or nothing. Resolves when it is known; rejects if it is refused, and nothing is
     * sent of it then. Another track of a source that is sent takes its place at once.
     * @param {Source} source
     * @param {MediaStreamTrack | null} track
     */
    setTrack(source, track) {
        if (track === null) this.#wanted.delete(source);
        else this.#wanted.set(source, track);
        this.#applyMuted();
        this._reopen();
        this._loop.poke();
        return this._loop.settled();
    }

    /**
     * What others are not to get, all of it. What becomes mute is silent at once; what is to be heard again is when it is allowed.
     * @param {readonly Source[]} sources
     */
    setMuted(sources) {
        this.#mutedTo = sources;
        this.#applyMuted();
        this._loop.poke();
        return this._loop.settled();
    }

    /**
     * What the room says that others do not get: somebody may have made one mute.
     * @param {readonly Source[]} sources
     */
    noteMuted(sources) {
        this.#muted = sources;
        this.#applyMuted();
    }

    /** What happened to the connection may have been missed: looks whether it is still there. */
    look() {
        this.#needsLook = true;
        this._loop.poke();
        this._loop.hurry();
    }

    /**
     * @param {string} name rtc.closed; others are not for it
     * @param {Hint} hint
     */
    onHint(name, hint) {
        if (name !== 'rtc.closed') return;
        if (hint.connection !== this._connection) this.#closedEarly.add(hint.connection);
        else this._onClosed(hint.reason);
    }

    #applyMuted() {
        for (const [source, track] of this.#wanted) {
            track.enabled = !this.#muted.includes(source) && !(this.#mutedTo?.includes(source) ?? false);
        }
    }

    // ---- what is done ----

    async _work() {
        if (this.#wanted.size === 0) {
            await this.#rest();
            return;
        }
        if (this.#needsLook) await this.#look();
        if (this.#soundComesAgain()) this._drop(); // the next connection takes the place of this one
        await this.#syncTracks(this._peer ?? await this._makePeer());
        if (this.#needsOffer || this._needsRestart) await this.#negotiate();
        if (this.#mutedTo !== undefined) await this.#sayMuted(this.#mutedTo);
    }

    /** Nothing is to be sent: there is no connection. */
    async #rest() {
        const connection = this._connection;
        this._drop();
        this._enter('idle');
        if (connection !== undefined) await this._end(connection);
    }

    async #look() {
        const connection = this._connection;
        if (connection !== undefined) await this._ask(() => this._api.get(`/v1/rtc/${connection}`));
        this.#needsLook = false;
    }

    /**
     * Sound that has gone and is to come again in the same part was at times not heard any more, though Chromium 156 counted what it sent;
     * why is not known. By another connection it is heard. (Pictures come again by the same one.)
     */
    #soundComesAgain() {
        return this.#wanted.has('audio') && this.#transceivers.get('audio')?.currentDirection === 'inactive';
    }

    /** @param {RTCPeerConnection} peer */
    async #syncTracks(peer) {
        for (const source of SOURCES) {
            const track = this.#wanted.get(source);
            const transceiver = this.#transceivers.get(source);
            if (transceiver === undefined) {
                if (track !== undefined) this.#addTransceiver(peer, source, track);
                continue;
            }
            if (transceiver.sender.track !== (track ?? null)) await transceiver.sender.replaceTrack(track ?? null);
            const direction = track === undefined ? 'inactive' : 'sendonly';
            if (transceiver.direction !== direction) {
                transceiver.direction = direction;
                this.#needsOffer = true;
            }
        }
    }

    /**
     * @param {RTCPeerConnection} peer
     * @param {Source} source
     * @param {MediaStreamTrack} track
     */
    #addTransceiver(peer, source, track) {
        const sendEncodings = LAYERS[source].map((layer) => ({ ...layer }));
        this.#transceivers.set(source, peer.addTransceiver(track, {
            direction: 'sendonly',
            ...(sendEncodings.length === 0 ? {} : { sendEncodings }),
        }));
        this.#needsOffer = true;
    }

    async #negotiate() {
        const peer = /** @type {RTCPeerConnection} */ (this._peer);
        const connection = this._connection;
        const iceRestart = this._needsRestart;
        if (iceRestart) await this._renewServers();
        const offer = await peer.createOffer({ iceRestart });
        await peer.setLocalDescription(offer);
        const sending = [...this.#transceivers].filter(([, { direction }]) => direction === 'sendonly');
        const body = {
            sdp: withOpusExtras(/** @type {string} */ (offer.sdp)),
            sources: Object.fromEntries(sending.map(([source, { mid }]) => [mid, source])),
        };
        /** @type {import('../api_types.js').Publication} */
        const answer = await this._ask(() => (connection === undefined
            ? this._api.post(this.#path, body, { key: this._env.randomId() })
            : this._api.put(`/v1/rtc/${connection}/offer`, body)));
        if (peer !== this._peer) {
            // It was closed meanwhile, or lost.
            if (connection === undefined) await this._end(answer.connection);
            throw new Overtaken();
        }
        if (connection === undefined) this.#adopt(answer.connection);
        await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
        if (connection === undefined) this._followTransport(peer, peer.getSenders()[0]?.transport);
        this.#offered = new Set(sending.map(([source]) => source));
        this.#needsOffer = false;
        if (iceRestart) this._wasRestarted();
    }

    /** @param {string} connection */
    #adopt(connection) {
        this._connection = connection;
        const isClosed = this.#closedEarly.has(connection);
        this.#closedEarly.clear();
        if (isClosed) throw new Problem({ status: 404, code: 'not_found' });
    }

    /** @param {readonly Source[]} sources */
    async #sayMuted(sources) {
        await this._ask(() => this._api.patch(`/v1/rtc/${this._connection}`, { muted: sources }));
        if (this.#mutedTo !== sources) return;
        this.#mutedTo = undefined;
        this.noteMuted(sources);
    }

    // ---- what goes wrong ----

    _drop() {
        super._drop();
        this.#transceivers.clear();
        this.#offered = new Set();
        this.#needsOffer = false;
        this.#needsLook = false;
    }

    /** @param {string} reason */
    _giveUp(reason) {
        this.#wanted.clear();
        this.#mutedTo = undefined;
        super._giveUp(reason);
    }

    /** It goes on as it was. */
    _takeBack() {
        this.#mutedTo = undefined;
        this.#applyMuted();
        if (this._peer?.signalingState === 'have-local-offer') this.#takeOfferBack(this._peer);
        return true;
    }

    /** @param {RTCPeerConnection} peer */
    #takeOfferBack(peer) {
        for (const [source, transceiver] of this.#transceivers) {
            if (this.#offered.has(source)) continue;
            this.#wanted.delete(source);
            if (transceiver.currentDirection === null) {
                this.#transceivers.delete(source);
                transceiver.stop();
            } else {
                transceiver.direction = 'inactive';
            }
        }
        this.#needsOffer = false;
        this._wasRestarted();
        peer.setLocalDescription({ type: 'rollback' }).catch(() => {
            if (peer === this._peer) this._remake();
        });
    }
}
