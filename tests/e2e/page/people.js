// A participant in a room of /v1 with nothing but the client's core: comes in, sends camera and microphone, shows what comes of the
// others. A test drives it through window.person and looks at what it sees.
import { Api } from '/core/api.js';
import { ownEnv } from '/core/env.js';
import { Meeting, everything } from '/core/meeting.js';

const LOOK_MS = 100;

const keyOf = ({ participant, source }) => `${participant}/${source}`;

// What one stream shows: an element, and how many frames were shown.
class Screen {
    constructor(track) {
        this.track = track;
        this.frames = 0;
        this.element = document.createElement(track.kind);
        Object.assign(this.element, { autoplay: true, muted: track.kind === 'video', srcObject: new MediaStream([track]) });
        document.getElementById('media').append(this.element);
        if (track.kind === 'video') this.#count();
    }

    #count() {
        this.element.requestVideoFrameCallback((now, { width, height }) => {
            this.frames += 1;
            Object.assign(this, { width, height });
            this.#count();
        });
    }

    remove() {
        this.element.srcObject = null;
        this.element.remove();
    }
}

class Person {
    constructor() {
        this.began = performance.now();
        this.screens = new Map(); // participant/source -> Screen
        this.firsts = {}; // participant/source -> ms from the page's beginning to its first frame
        this.events = [];
        this.layers = [];
    }

    /// base: of the gateway. token: of a session; none: a guest.
    async enter(base, room, name, token) {
        const env = ownEnv();
        this.meeting = await Meeting.join(env, new Api(env, base, token), room, { name }, {
            onChange: () => this.#show(),
            onEvent: ({ event, data }) => this.events.push({ event, data }),
            onLayer: (layer) => this.layers.push(layer),
        });
        return this.meeting.id;
    }

    async publish({ audio = true, video = { width: 320, height: 180, frameRate: 15 } } = {}) {
        const media = await navigator.mediaDevices.getUserMedia({ audio, video });
        const [mic] = media.getAudioTracks();
        const [camera] = media.getVideoTracks();
        await Promise.all([mic && this.meeting.setTrack('audio', mic), camera && this.meeting.setTrack('video', camera)]);
    }

    // Only a click may ask for the screen.
    share() {
        return new Promise((resolve, reject) => {
            document.getElementById('share').addEventListener('click', () => {
                navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 5 } })
                    .then((media) => this.meeting.setTrack('screen', media.getVideoTracks()[0])).then(resolve, reject);
            }, { once: true });
        });
    }

    unshare() {
        return this.meeting.setTrack('screen', null);
    }

    mute(sources) {
        return this.meeting.publisher.setMuted(sources);
    }

    /// Of these videos this layer at most, as [participant, source, layer]; of all else the whole. null: of all.
    want(layers) {
        this.meeting.setWish((state) => everything(state).map((wish) => {
            const [, , layer] = (layers ?? []).find(([participant, source]) => keyOf(wish) === keyOf({ participant, source })) ?? [];
            return layer === undefined ? wish : { ...wish, layer };
        }));
    }

    heardLayers() {
        return this.layers;
    }

    token() {
        return this.meeting.token;
    }

    leave() {
        return this.meeting.leave();
    }

    #show() {
        const wanted = new Map(this.meeting.watcher.streams.map((stream) => [keyOf(stream), stream.track]));
        for (const [key, screen] of this.screens) {
            if (wanted.get(key) === screen.track) continue;
            screen.remove();
            this.screens.delete(key);
        }
        for (const [key, track] of wanted) if (!this.screens.has(key)) this.screens.set(key, new Screen(track));
    }

    async #inbound() {
        const stats = await this.meeting.watcher.peer?.getStats() ?? new Map();
        return [...stats.values()].filter(({ type }) => type === 'inbound-rtp');
    }

    /// From now on it is kept for how long at most nothing came of a stream, once something has come; also while it is not there.
    keepGaps() {
        clearInterval(this.gapsTimer);
        const gaps = new Map(); // participant/source -> { amount, at, worst }
        this.gaps = gaps;
        this.starvedMs = 0;
        let lookedAt = performance.now();
        const look = async () => {
            const inbound = await this.#inbound();
            const now = performance.now();
            this.starvedMs = Math.max(this.starvedMs, now - lookedAt - LOOK_MS);
            lookedAt = now;
            const streams = new Map(this.meeting.watcher.streams.map((stream) => [keyOf(stream), stream.mid]));
            for (const [key, mid] of streams) {
                const { kind, framesDecoded, packetsReceived } = inbound.find((one) => one.mid === mid) ?? {};
                const amount = (kind === 'video' ? framesDecoded : packetsReceived) ?? 0;
                const gap = gaps.get(key);
                if (gap === undefined) {
                    if (amount > 0) gaps.set(key, { amount, at: now, worst: 0 });
                    continue;
                }
                gap.worst = Math.max(gap.worst, now - gap.at);
                if (amount !== gap.amount) Object.assign(gap, { amount, at: now });
            }
        };
        this.gapsTimer = setInterval(look, LOOK_MS);
    }

    /// The longest gap of any stream, in ms, also one that lasts; and for how long the page itself had to wait for a processor.
    worstGap() {
        const gaps = [...this.gaps.values()].map(({ worst, at }) => Math.max(worst, performance.now() - at));
        return { gap: Math.max(0, ...gaps), starved: this.starvedMs };
    }

    /// What comes right now: participant/source -> frames shown and their size, packets of sound.
    async seen() {
        const { streams } = this.meeting.watcher;
        const stats = await this.#inbound();
        return Object.fromEntries(streams.map((stream) => {
            const { frames, width, height } = this.screens.get(keyOf(stream)) ?? {};
            const inbound = stats.find(({ mid }) => mid === stream.mid);
            return [keyOf(stream), { frames, width, height, packets: inbound?.packetsReceived ?? 0 }];
        }));
    }

    /// Who is in the room as this page knows it: id -> name and tracks.
    people() {
        return Object.fromEntries([...this.meeting.state.participants.values()].map(({ id, ...person }) => [id, person]));
    }

    status() {
        const { publisher, watcher, state, eventsState } = this.meeting;
        return { publisher: publisher.state, watcher: watcher.state, connections: [publisher.connection, watcher.connection],
            offer: watcher.peer?.remoteDescription?.sdp, over: state.over, events: eventsState };
    }
}

window.person = new Person();
