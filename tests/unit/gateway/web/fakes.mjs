// Where the client's core runs in its unit tests: time that stands until a test moves it, a gateway that answers as the test says, and
// connections for media that negotiate as a browser's do, without any media.
import assert from 'node:assert/strict';
import { Api } from '../../../../gateway/web/core/api.js';

/// Lets everything happen that needs no time to pass.
export async function settle() {
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => { setImmediate(resolve); });
}

/// A promise, and what settles it from outside.
export function deferred() {
    const parts = {};
    parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
    return parts;
}

export class FakeTrack {
    constructor(name) {
        this.name = name;
        this.enabled = true;
    }
}

class FakeTransport extends EventTarget {
    state = 'connected';

    close() {
        this.state = 'closed';
        this.dispatchEvent(new Event('statechange'));
    }
}

// The rules of RTCPeerConnection that the core relies on; what breaks one of them is an InvalidStateError, as in a browser.
export class FakePeer extends EventTarget {
    connectionState = 'new';
    signalingState = 'stable';
    transport = new FakeTransport();
    transceivers = [];
    descriptions = []; // that were set, in order
    offers = 0;
    isClosed = false;
    refuses = undefined; // the type of description that is refused once

    constructor(config = {}) {
        super();
        this.config = config;
    }

    getConfiguration() { return this.config; }

    setConfiguration(config) {
        this.#check(true, 'setConfiguration');
        this.config = config;
    }

    #check(isRight, what) {
        if (this.isClosed || !isRight) throw new DOMException(`${what} in ${this.isClosed ? 'closed' : this.signalingState}`, 'InvalidStateError');
    }

    addTransceiver(track, { direction, sendEncodings }) {
        const peer = this;
        const transceiver = {
            mid: null,
            direction,
            currentDirection: null,
            sendEncodings,
            isStopped: false,
            sender: { track, transport: this.transport, async replaceTrack(other) { this.track = other; } },
            receiver: { track: new FakeTrack('received'), transport: this.transport },
            stop() {
                this.isStopped = true;
                peer.transceivers = peer.transceivers.filter((other) => other !== this);
            },
        };
        this.transceivers.push(transceiver);
        return transceiver;
    }

    getTransceivers() { return this.transceivers; }
    getSenders() { return this.transceivers.map(({ sender }) => sender); }
    getReceivers() { return this.transceivers.map(({ receiver }) => receiver); }

    async createOffer({ iceRestart = false } = {}) {
        this.#check(this.signalingState !== 'have-remote-offer', 'createOffer');
        this.offers += 1;
        const parts = this.transceivers.map(({ direction, sender }) => `${sender.track?.name ?? '-'}:${direction}`);
        return { type: 'offer', sdp: `offer ${this.offers}${iceRestart ? ' restart' : ''} ${parts.join(' ')}` };
    }

    async createAnswer() {
        this.#check(this.signalingState === 'have-remote-offer', 'createAnswer');
        return { type: 'answer', sdp: `answer to ${this.descriptions.at(-1).sdp}` };
    }

    async setLocalDescription(description) {
        const { type } = description;
        this.#check(type === 'answer' ? this.signalingState === 'have-remote-offer' : this.signalingState !== 'have-remote-offer', type);
        this.descriptions.push(description);
        this.signalingState = type === 'offer' ? 'have-local-offer' : 'stable';
        if (type === 'offer') this.transceivers.forEach((transceiver, i) => { transceiver.mid = String(i); });
        if (type === 'rollback') {
            for (const transceiver of this.transceivers) if (transceiver.currentDirection === null) transceiver.mid = null;
        }
    }

    async setRemoteDescription(description) {
        const { type } = description;
        if (this.refuses === type) {
            this.refuses = undefined;
            throw new DOMException(`no such ${type}`, 'OperationError');
        }
        this.#check(type === 'answer' ? this.signalingState === 'have-local-offer' : this.signalingState === 'stable', type);
        this.descriptions.push(description);
        this.signalingState = type === 'answer' ? 'stable' : 'have-remote-offer';
        for (const transceiver of this.transceivers) transceiver.currentDirection = transceiver.direction;
        // An offer of the tests names its mids behind a colon.
        for (const mid of type === 'offer' ? description.sdp.split(': ')[1]?.split(' ') ?? [] : []) {
            if (!this.transceivers.some((transceiver) => transceiver.mid === mid)) {
                Object.assign(this.addTransceiver(null, { direction: 'recvonly' }), { mid });
            }
        }
    }

    close() {
        this.isClosed = true;
        this.enter('closed');
    }

    enter(state) {
        this.connectionState = state;
        this.dispatchEvent(new Event('connectionstatechange'));
    }
}

/// A Response with a problem document.
export function problem(status, code, headers = {}) {
    return new Response(JSON.stringify({ status, code, title: code, request_id: 'r1' }),
        { status, headers: { 'content-type': 'application/problem+json', ...headers } });
}

/// A Response with JSON; without any, 204.
export const json = (body, status = body === undefined ? 204 : 200) => new Response(body === undefined ? null : JSON.stringify(body),
    { status, headers: body === undefined ? {} : { 'content-type': 'application/json' } });

/// A Response with an event stream, and how its other end goes on.
export function stream() {
    let controller;
    const body = new ReadableStream({ start(given) { controller = given; } });
    const encoder = new TextEncoder();
    return {
        response: new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
        send: (text) => controller.enqueue(encoder.encode(text)),
        sendBytes: (bytes) => controller.enqueue(bytes),
        event: (event, data, id) => controller.enqueue(encoder.encode(
            `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)),
        end: () => controller.close(),
        fail: (error) => controller.error(error),
    };
}

// The same response, whose body ends with an error when its request is aborted.
function cutBy(signal, { body, status, headers }) {
    const pass = new TransformStream();
    body.pipeTo(pass.writable, { signal }).catch(() => {});
    return new Response(pass.readable, { status, headers });
}

export class World {
    time = 0;
    timers = [];
    peers = [];
    requests = []; // { method, path, headers, body }, in order
    chance = 0.5;
    ids = 0;
    rules = [];

    constructor() {
        this.env = {
            fetch: (input, init) => this.#fetch(input, init),
            createPeer: (config) => {
                const peer = new FakePeer(config);
                this.peers.push(peer);
                this.onPeer?.(peer);
                return peer;
            },
            now: () => this.time,
            after: (ms, call) => {
                const timer = { at: this.time + ms, call };
                this.timers.push(timer);
                return () => { this.timers = this.timers.filter((other) => other !== timer); };
            },
            random: () => this.chance,
            randomId: () => `id${(this.ids += 1)}`,
        };
        this.api = new Api(this.env, '', 'lp_token');
    }

    /// How the gateway answers: "METHOD /path" with * for any part, and a function of the request that gives a Response. What was
    /// said last counts.
    on(pattern, answer) {
        const [method, path] = pattern.split(' ');
        const regexp = new RegExp(`^${path.replace(/[.?]/g, '\\$&').replaceAll('*', '[^/?]*')}(\\?.*)?$`);
        this.rules.unshift({ method, regexp, answer });
    }

    async #fetch(path, { method = 'GET', headers = {}, body, signal } = {}) {
        const request = { method, path, headers, body: body === undefined ? undefined : JSON.parse(body) };
        this.requests.push(request);
        const rule = this.rules.find((other) => other.method === method && other.regexp.test(path));
        assert.ok(rule, `nothing answers ${method} ${path}`);
        signal?.throwIfAborted();
        const aborted = new Promise((_, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason));
        });
        aborted.catch(() => {}); // nobody may wait for it
        const response = await Promise.race([rule.answer(request), aborted]);
        return signal === undefined || response.body === null ? response : cutBy(signal, response);
    }

    /// Requests of this pattern so far.
    asked(pattern) {
        const [method, path] = pattern.split(' ');
        const regexp = new RegExp(`^${path.replace(/[.?]/g, '\\$&').replaceAll('*', '[^/?]*')}(\\?.*)?$`);
        return this.requests.filter((request) => request.method === method && regexp.test(request.path));
    }

    /// Lets time pass, and all that comes of it.
    async pass(ms) {
        const end = this.time + ms;
        await settle();
        for (;;) {
            const [next] = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
            if (next === undefined) break;
            this.timers = this.timers.filter((timer) => timer !== next);
            this.time = Math.max(this.time, next.at);
            next.call();
            await settle();
        }
        this.time = end;
    }
}
