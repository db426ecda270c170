// As much of RTCPeerConnection as the client's core uses, over libdatachannel: real ICE, DTLS and SRTP under Node. What is sent is
// silence in Opus, or as many bytes as one asks for; what comes is counted.
import { createRequire } from 'node:module';

const { Audio, PeerConnection } = createRequire(new URL('../e2e/package.json', import.meta.url))('node-datachannel');

const OPUS = 111; // the payload type, as Janus has it
const SILENCE = Buffer.from([0xf8, 0xff, 0xfe]); // 20 ms of it
const PACKET_MS = 333;
const TICKS_PER_MS = 48;
const RTP_HEADER_BYTES = 12;

const random = (most) => Math.floor(Math.random() * most);

/// Passes for a microphone: that of a Peer which has it speaks into it.
export const microphone = () => ({ kind: 'audio', enabled: true });

// Says nothing, in a few packets a second or as asked for, for as long as the track is open; sent: what is called for each.
function speak(track, ssrc, { everyMs = PACKET_MS, bytes = SILENCE.length, sent = () => {} }) {
    const packet = Buffer.alloc(RTP_HEADER_BYTES + bytes);
    SILENCE.copy(packet, RTP_HEADER_BYTES);
    packet[0] = 0x80;
    packet[1] = OPUS;
    packet.writeUInt32BE(ssrc, 8);
    let [seq, timestamp] = [random(1 << 15), random(1 << 30)];
    const timer = setInterval(() => {
        seq = (seq + 1) & 0xffff;
        timestamp = (timestamp + TICKS_PER_MS * everyMs) >>> 0;
        packet.writeUInt16BE(seq, 2);
        packet.writeUInt32BE(timestamp, 4);
        track.sendMessageBinary(packet);
        sent();
    }, everyMs);
    return () => clearInterval(timer);
}

export class Peer extends EventTarget {
    #native = new PeerConnection('', { iceServers: [], disableAutoNegotiation: true });
    #incoming = new Map(); // mid -> { kind, packets }
    #natives = []; // which would be collected otherwise
    #hush = () => {};
    connectionState = 'new';

    constructor() {
        super();
        this.#native.onStateChange((state) => {
            this.connectionState = state;
            this.dispatchEvent(new Event('connectionstatechange'));
        });
        this.#native.onTrack((track) => {
            this.#natives.push(track);
            const counted = this.#trackOf(track.mid());
            track.onMessage((packet) => { counted.packets += (packet[1] & 0x7f) === OPUS; }); // and not RTCP
        });
    }

    #trackOf(mid) {
        if (!this.#incoming.has(mid)) this.#incoming.set(mid, { kind: 'audio', packets: 0 });
        return this.#incoming.get(mid);
    }

    // One that sends has one part.
    addTransceiver(track, { direction, pace = {} }) {
        const ssrc = 1 + random(0xfffffffe);
        const audio = new Audio('0', 'SendOnly');
        audio.addOpusCodec(OPUS);
        audio.addSSRC(ssrc, 'crowd', 'crowd', 'microphone');
        const native = this.#native.addTrack(audio);
        this.#natives.push(native);
        native.onOpen(() => { this.#hush = speak(native, ssrc, pace); });
        return { mid: '0', direction, sender: { track } };
    }

    // Descriptions are made and set in one step there.
    #describe(type) {
        this.#native.setLocalDescription(type);
        return { type, sdp: this.#native.localDescription().sdp };
    }

    async createOffer({ iceRestart }) {
        if (iceRestart) throw new Error('libdatachannel does not restart ICE');
        return this.#describe('offer');
    }

    async createAnswer() {
        return this.#describe('answer');
    }

    async setLocalDescription() {}

    async setRemoteDescription({ type, sdp }) {
        this.#native.setRemoteDescription(sdp, type);
        if (type === 'offer') for (const [, mid] of sdp.matchAll(/^a=mid:(\S+)/gm)) this.#trackOf(mid);
    }

    getTransceivers() {
        return [...this.#incoming].map(([mid, track]) => ({ mid, receiver: { track } }));
    }

    getSenders() { return []; }

    getReceivers() { return []; }

    close() {
        this.#hush();
        this.#native.close();
    }
}
