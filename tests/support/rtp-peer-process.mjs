// The process of one of rtp-peer.mjs: it does what it is told, { id, what, args }, answers { id, sdp }, and tells { state } and { packets }.
import { createRequire } from 'node:module';
import { picture } from './h264.mjs';
import { eventually } from './wait.mjs';

const { Audio, PeerConnection, Video } = createRequire(new URL('../e2e/package.json', import.meta.url))('node-datachannel');

const OPUS = 111;
const H264 = 96; // as OBS has it
const SILENCE = Buffer.from([0xf8, 0xff, 0xfe]); // 20 ms of it
const AUDIO_MS = 20;
const VIDEO_MS = 100;
const MARKER = 0x80;

// Numbers the packets of one stream.
class Stream {
    constructor(track, ssrc, payloadType) {
        Object.assign(this, { track, ssrc, payloadType, seq: 1, timestamp: 1 });
    }

    send(payload, isLast) {
        const head = Buffer.alloc(12);
        head[0] = 0x80;
        head[1] = this.payloadType | (isLast ? MARKER : 0);
        head.writeUInt16BE(this.seq & 0xffff, 2);
        head.writeUInt32BE(this.timestamp >>> 0, 4);
        head.writeUInt32BE(this.ssrc, 8);
        this.seq += 1;
        if (this.track.isOpen()) this.track.sendMessageBinary(Buffer.concat([head, payload]));
    }
}

class RtpPeer {
    native = new PeerConnection('', { iceServers: [], disableAutoNegotiation: true });
    tracks = []; // which would be collected otherwise

    constructor() {
        this.native.onStateChange((state) => process.send({ state }));
    }

    // The offer, or the answer to what was set.
    async describe(type) {
        this.native.setLocalDescription(type);
        await eventually(() => this.native.gatheringState() === 'complete', { within: 5000, what: 'all candidates' });
        return this.native.localDescription().sdp;
    }

    take(type, sdp) {
        this.native.setRemoteDescription(sdp, type);
    }

    close() {
        this.native.close();
    }
}

// Sends a microphone and, unless it is not to, a camera.
class Sender extends RtpPeer {
    constructor({ hasVideo }) {
        super();
        const ssrc = 1 + Math.floor(Math.random() * 0x7fffffff);
        const audio = new Audio('0', 'SendOnly');
        audio.addOpusCodec(OPUS);
        audio.addSSRC(ssrc, 'obs', 'obs', 'obs-audio');
        this.tracks.push(this.native.addTrack(audio));
        this.audio = new Stream(this.tracks[0], ssrc, OPUS);
        if (hasVideo) {
            const video = new Video('1', 'SendOnly');
            video.addH264Codec(H264);
            video.addSSRC(ssrc + 1, 'obs', 'obs', 'obs-video');
            this.tracks.push(this.native.addTrack(video));
            this.video = new Stream(this.tracks[1], ssrc + 1, H264);
        }
        this.timers = [setInterval(() => this.#speak(), AUDIO_MS), setInterval(() => this.#show(), VIDEO_MS)];
        this.pictures = 0;
    }

    #speak() {
        this.audio.send(SILENCE, false);
        this.audio.timestamp += 48 * AUDIO_MS;
    }

    #show() {
        if (this.video === undefined) return;
        const units = picture(this.pictures += 1);
        units.forEach((unit, i) => this.video.send(unit, i === units.length - 1));
        this.video.timestamp += 90 * VIDEO_MS;
    }

    close() {
        for (const timer of this.timers) clearInterval(timer);
        this.timers = [];
        super.close();
    }
}

// Watches by an offer that it is given, or by one that it makes.
class Watcher extends RtpPeer {
    packets = { audio: 0, video: 0 };

    constructor({ h264 = H264, isVideoFirst = false }) {
        super();
        Object.assign(this, { h264, isVideoFirst });
        this.native.onTrack((track) => this.#count(track));
    }

    #count(track) {
        this.tracks.push(track);
        // What is sent of it but media are reports, whose types are 200 and more (RFC 5761, 4).
        track.onMessage((packet) => {
            if (packet[1] >= 200 && packet[1] <= 207) return;
            this.packets[track.type()] += 1;
            process.send({ packets: this.packets });
        });
    }

    #wishFor(kind, mid) {
        const media = kind === 'audio' ? new Audio(mid, 'RecvOnly') : new Video(mid, 'RecvOnly');
        if (kind === 'audio') media.addOpusCodec(OPUS);
        else media.addH264Codec(this.h264);
        this.#count(this.native.addTrack(media));
    }

    // What it offers itself: it wants both.
    wish() {
        const kinds = this.isVideoFirst ? ['video', 'audio'] : ['audio', 'video'];
        kinds.forEach((kind, mid) => this.#wishFor(kind, String(mid)));
        return this.describe('offer');
    }
}

const [, , kind, options] = process.argv;
const peer = new { Sender, Watcher }[kind](JSON.parse(options));

process.on('message', async ({ id, what, args }) => {
    if (what === 'close') {
        peer.close();
        process.send({ id });
    } else {
        process.send({ id, sdp: await peer[what](...args) });
    }
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
