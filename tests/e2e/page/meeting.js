// What a client does in a meeting, with janus.js: publish camera and microphone, watch every other
// publisher, leave. The test drives it through window.meeting.
import Janus from '/janus.js';

const PLUGIN = 'janus.plugin.videoroom';

function initialise() {
    return new Promise((resolve) => Janus.init({
        debug: ['error'],
        dependencies: Janus.useDefaultDependencies({ adapter: window.adapter }),
        callback: resolve,
    }));
}

function connect(server) {
    return new Promise((resolve, reject) => {
        const janus = new Janus({ server, success: () => resolve(janus), error: reject });
    });
}

function attach(janus, callbacks) {
    return new Promise((resolve, reject) => {
        janus.attach({ plugin: PLUGIN, ...callbacks, success: resolve, error: reject });
    });
}

function offer(handle) {
    return new Promise((success, error) => handle.createOffer({
        tracks: [{ type: 'audio', capture: true, recv: false }, { type: 'video', capture: true, recv: false }],
        success,
        error,
    }));
}

function answer(handle, jsep) {
    return new Promise((success, error) => handle.createAnswer({ jsep, success, error }));
}

class Meeting {
    constructor(server, room) {
        this.server = server;
        this.room = room;
        this.watched = new Map(); // feed id -> { handle, video }
        this.errors = [];
    }

    // Resolves with our feed id once Janus has our media.
    async publish(display) {
        await initialise();
        this.janus = await connect(this.server);
        return new Promise((resolve, reject) => {
            let feed;
            attach(this.janus, {
                onmessage: (message, jsep) => {
                    if (message.error) reject(new Error(message.error));
                    if (message.videoroom === 'joined') {
                        feed = message.id;
                        this.#offerMedia().catch(reject);
                    }
                    for (const publisher of message.publishers ?? []) this.#watch(publisher.id);
                    if (jsep) this.publisher.handleRemoteJsep({ jsep });
                },
                webrtcState: (up) => up && resolve(feed),
            }).then((handle) => {
                this.publisher = handle;
                handle.send({ message: { request: 'join', ptype: 'publisher', room: this.room, display } });
            }, reject);
        });
    }

    async #offerMedia() {
        const jsep = await offer(this.publisher);
        this.publisher.send({ message: { request: 'publish' }, jsep });
    }

    async #watch(feed) {
        const video = document.createElement('video');
        Object.assign(video, { autoplay: true, muted: true, srcObject: new MediaStream() });
        document.getElementById('videos').append(video);
        const handle = await attach(this.janus, {
            onmessage: async (message, jsep) => {
                if (message.error) this.errors.push(message.error);
                if (!jsep) return;
                handle.send({ message: { request: 'start' }, jsep: await answer(handle, jsep) });
            },
            onremotetrack: (track, mid, on) => {
                if (on) video.srcObject.addTrack(track);
            },
        });
        this.watched.set(feed, { handle, video });
        handle.send({ message: { request: 'join', ptype: 'subscriber', room: this.room, streams: [{ feed }] } });
    }

    // What is seen and heard of a feed right now; null while nothing is.
    async observe(feed) {
        const { handle, video } = this.watched.get(feed) ?? {};
        if (!handle?.webrtcStuff.pc) return null;
        const inbound = [...(await handle.webrtcStuff.pc.getStats()).values()].filter((s) => s.type === 'inbound-rtp');
        const packets = (kind) => inbound.filter((s) => s.kind === kind).reduce((n, s) => n + s.packetsReceived, 0);
        return {
            width: video.videoWidth,
            seconds: video.currentTime,
            audioPackets: packets('audio'),
            videoPackets: packets('video'),
        };
    }

    // Stops publishing; stays in the room.
    unpublish() {
        this.publisher.send({ message: { request: 'unpublish' } });
    }

    leave() {
        return new Promise((success, error) => this.janus.destroy({ success, error }));
    }
}

window.Meeting = Meeting;
