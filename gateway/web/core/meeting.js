// A participant in a room: he comes in, hears what happens, sends and gets, and leaves. Ties the other parts of the core together;
// what is shown of it is somebody else's business.
import { Api, Problem } from './api.js';
import { Backoff } from './backoff.js';
import { pause } from './env.js';
import { RoomEvents } from './events.js';
import { IceServers } from './media/ice_servers.js';
import { Publisher } from './media/publish.js';
import { Watcher } from './media/watch.js';
import { emptyRoom, meIn, othersNextTracks, othersTracks, reduceRoom } from './room.js';

/**
 * @typedef {import('./env.js').Env} Env
 * @typedef {import('./events.js').EventsState} EventsState
 * @typedef {import('./media/watch.js').Wish} Wish
 * @typedef {import('./room.js').RoomState} RoomState
 * @typedef {import('./room.js').Source} Source
 * @typedef {import('./sse.js').StreamEvent} StreamEvent
 *
 * @typedef {object} Coming how one comes in: as POST /v1/rooms/{room}/participants takes it
 * @property {string} [name]
 * @property {string} [pin]
 * @property {string} [invitation]
 * @property {string} [device]
 *
 * @typedef {object} MeetingHandlers
 * @property {(meeting: Meeting) => void} [onChange] anything that can be seen of it is another one
 * @property {(event: StreamEvent) => void} [onEvent] each event of the room
 * @property {(layer: import('./media/watch.js').Layer) => void} [onLayer]
 */

/** Who was away for too long comes in again by himself. */
const COMES_AGAIN = ['absent', 'not_joined'];

/**
 * All that the others send, and may send next.
 * @param {RoomState} state
 * @returns {Wish[]}
 */
export const everything = (state) => [
    ...othersTracks(state).map(({ participant, source }) => ({ participant, source })),
    ...othersNextTracks(state).map((track) => ({ ...track, isAhead: true })),
];

export class Meeting {
    #env;
    #api;
    #path;
    #on;
    #id;
    /** @type {RoomState} */
    #state;
    #events;
    /** @type {Map<Source, MediaStreamTrack>} */
    #tracks = new Map();
    #wishFor = everything;
    /** What was wanted last. */
    #said = '[]';
    #isOver = false;

    /**
     * @param {Env} env
     * @param {Api} api with the participant's token
     * @param {string} room its id or code
     * @param {string} id of the participant
     * @param {IceServers} servers
     * @param {MeetingHandlers} handlers
     */
    constructor(env, api, room, id, servers, handlers) {
        this.#env = env;
        this.#api = api;
        this.#path = `/v1/rooms/${encodeURIComponent(room)}`;
        this.#on = handlers;
        this.#id = id;
        this.#state = emptyRoom(id);
        const changed = () => this.#on.onChange?.(this);
        /** By which it gets through networks that let no UDP out. */
        this.servers = servers;
        this.publisher = new Publisher(env, api, room, servers, changed);
        this.watcher = new Watcher(env, api, room, servers, { onChange: changed, onLayer: handlers.onLayer });
        this.#events = new RoomEvents(env, api, room, {
            onEvent: (event) => this.#onEvent(event),
            onState: changed,
            onReopened: () => this.#onReopened(),
            onEnd: ({ reason }) => { this.#onEnd(reason); },
        });
    }

    /**
     * Comes into a room, or waits to be let in.
     * @param {Env} env
     * @param {Api} api as whom; who was in already comes back with the token of his participant
     * @param {string} room its id or code
     * @param {Coming} [coming]
     * @param {MeetingHandlers} [handlers]
     */
    static async join(env, api, room, coming = {}, handlers = {}) {
        /** @type {import('./api_types.js').Joining} */
        const answer = await api.post(`/v1/rooms/${encodeURIComponent(room)}/participants`, coming, { key: env.randomId() });
        const { participant } = answer;
        const own = answer.token === undefined ? api : api.withToken(answer.token);
        // Who waits is told of them when he is in.
        const servers = new IceServers(env, own, room, participant.state === 'joined' ? answer.ice_servers : undefined);
        const meeting = new Meeting(env, own, room, participant.id, servers, handlers);
        meeting.#events.run();
        return meeting;
    }

    /**
     * Goes on as a participant who was in; his events say whether he still is.
     * @param {Env} env
     * @param {Api} api with his token
     * @param {string} room its id or code
     * @param {string} id his
     * @param {MeetingHandlers} [handlers]
     */
    static resume(env, api, room, id, handlers = {}) {
        const servers = new IceServers(env, api, room);
        void servers.get(); // under way before they are needed
        const meeting = new Meeting(env, api, room, id, servers, handlers);
        meeting.#events.run();
        return meeting;
    }

    /** Of the participant. */
    get id() { return this.#id; }

    /** The participant's, to come back with. */
    get token() { return this.#api.token; }

    get state() { return this.#state; }

    /** Whether what is shown is what is. */
    get eventsState() { return this.#events.state; }

    /**
     * What is wanted of the others, as a function of the room.
     * @param {(state: RoomState) => Wish[]} wishFor
     */
    setWish(wishFor) {
        this.#wishFor = wishFor;
        this.#sayWish();
    }

    /**
     * Sends this track as that source from now on, or nothing.
     * @param {Source} source
     * @param {MediaStreamTrack | null} track
     */
    async setTrack(source, track) {
        if (track === null) this.#tracks.delete(source);
        else this.#tracks.set(source, track);
        try {
            await this.publisher.setTrack(source, track);
        } catch (error) {
            this.#tracks.delete(source);
            throw error;
        }
    }

    /**
     * Whether this page sends it, or is about to; what the room tells of it may be of the page before.
     * @param {Source} source
     */
    sends(source) {
        return this.#tracks.has(source);
    }

    /** The network may be another one, or the page was asleep. */
    wake() {
        this.#events.wake();
    }

    /** Ends what runs here; the participant stays. */
    close() {
        this.#close('closed', false);
    }

    /** Out for good. */
    async leave() {
        this.#close('left', true);
        await this.#api.delete(`${this.#path}/participants/${this.#id}`, { keepalive: true });
    }

    /** @param {StreamEvent} event */
    #onEvent(event) {
        if (event.event.startsWith('rtc.')) {
            const { data } = event;
            if (data.kind === 'publish') this.publisher.onHint(event.event, data);
            else this.watcher.onHint(event.event, data);
        } else {
            const before = meIn(this.#state);
            this.#state = reduceRoom(this.#state, event);
            const me = meIn(this.#state);
            if (me !== undefined && me !== before) this.publisher.noteMuted(me.muted);
            this.#sayWish();
            this.#on.onChange?.(this);
        }
        this.#on.onEvent?.(event);
    }

    #sayWish() {
        if (!this.#state.isKnown || this.#isOver || meIn(this.#state)?.state !== 'joined') return;
        const wish = this.#wishFor(this.#state);
        const text = JSON.stringify(wish);
        if (text === this.#said) return;
        this.#said = text;
        this.watcher.want(wish).catch(() => {}); // its state says so
    }

    /** What is told only once may have been missed. */
    #onReopened() {
        this.publisher.look();
        this.watcher.look();
    }

    /** @param {string} reason */
    async #onEnd(reason) {
        if (!COMES_AGAIN.includes(reason) || this.#isOver) {
            this.#close(reason, false);
            return;
        }
        const backoff = new Backoff(this.#env);
        while (!this.#isOver) {
            try {
                await this.#api.post(`${this.#path}/participants`, {}, { key: this.#env.randomId() });
                this.#comeBack();
                return;
            } catch (error) {
                if (error instanceof Problem && !error.isPassing) this.#close(error.code, false);
                else await pause(this.#env, backoff.next());
            }
        }
    }

    #comeBack() {
        this.#events.restart();
        this.#events.run();
        this.#said = '[]';
        this.watcher.look(); // what he had is over, and nobody told
        for (const [source, track] of this.#tracks) this.publisher.setTrack(source, track).catch(() => {});
    }

    /**
     * @param {string} reason
     * @param {boolean} isTold the gateway does not know it yet
     */
    #close(reason, isTold) {
        if (this.#isOver) return;
        this.#isOver = true;
        this.#events.stop();
        this.publisher.close(isTold);
        this.watcher.close(isTold);
        this.#state = reduceRoom(this.#state, { event: 'end', data: { reason } });
        this.#on.onChange?.(this);
    }
}
