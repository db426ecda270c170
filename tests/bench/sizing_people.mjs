// Some of those whom sizing.mjs measures, in a process of their own: they send as many packets as a camera does, and get those of
// others, through the gateway or as clients that talk to Janus itself. Nothing in here draws or shows pictures: servers do not look into
// what they pass on.
import { eventually } from '../support/wait.mjs';
import { microphone, Peer } from './peer.mjs';

const PACE = { everyMs: 10, bytes: 600 }; // 480 kbit/s
const PATIENCE = { within: 30000 };
const PLUGIN = 'janus.plugin.videoroom';

const peers = { publish: [], watch: [] };
let sent = 0;
const people = []; // of the gateway: { id, token }

async function ask(url, { method = 'POST', token, body } = {}) {
    const response = await fetch(url, { method, body: body && JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) } });
    const text = await response.text();
    if (response.status >= 400) throw new Error(`${method} ${url}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
}

// The library refuses an answer at times that comes at once ("without ICE transport"): then another peer is made.
async function sender(answerFor) {
    for (let attempt = 0; ; attempt += 1) {
        const peer = new Peer();
        peer.addTransceiver(microphone(), { direction: 'sendonly', pace: { ...PACE, sent: () => { sent += 1; } } });
        const { sdp } = await peer.createOffer({});
        const answer = await answerFor(sdp);
        try {
            await peer.setRemoteDescription({ type: 'answer', sdp: answer });
            peers.publish.push(peer);
            return;
        } catch (error) {
            peer.close();
            if (attempt === 3) throw error;
        }
    }
}

async function answerTo(sdp) {
    const peer = new Peer();
    peers.watch.push(peer);
    await peer.setRemoteDescription({ type: 'offer', sdp });
    return (await peer.createAnswer()).sdp;
}

const areUp = (kind, count) => eventually(() => peers[kind].filter(({ connectionState }) => connectionState === 'connected').length === count,
    { ...PATIENCE, what: `${count} connections that ${kind}` });

const gateway = {
    async publish({ url, room, count }) {
        for (let i = 0; i < count; i += 1) {
            const { participant, token } = await ask(`${url}/v1/rooms/${room}/participants`, { body: { name: `Guest ${process.pid} ${i}` } });
            people.push({ id: participant.id, token });
            await sender(async (sdp) => (await ask(`${url}/v1/rooms/${room}/publish`, { token, body: { sdp, sources: { 0: 'audio' } } })).sdp);
        }
        return people.map(({ id }) => id);
    },
    // One offer, for all are there.
    async watch({ url, room, whom }) {
        for (const [i, { token }] of people.entries()) {
            const wanted = whom[i].map((participant) => ({ participant, source: 'audio' }));
            await ask(`${url}/v1/rooms/${room}/watch`, { method: 'PUT', token, body: { wanted } });
            const offer = await eventually(() => ask(`${url}/v1/rooms/${room}/watch/offer`, { method: 'GET', token }).catch(() => undefined),
                { ...PATIENCE, what: 'an offer' });
            await ask(`${url}/v1/rooms/${room}/watch/answer`, { method: 'PUT', token, body: { seq: offer.seq, sdp: await answerTo(offer.sdp) } });
        }
    },
};

// A session for all of this process, and the long poll that brings its events.
const janus = {
    waiting: new Map(),

    async begin(url) {
        if (this.session !== undefined) return;
        this.session = `${url}/${(await ask(url, { body: { janus: 'create', transaction: 'x' } })).data.id}`;
        (async () => {
            for (;;) {
                for (const event of [await ask(`${this.session}?maxev=10`, { method: 'GET' })].flat()) this.waiting.get(event.transaction)?.(event);
            }
        })();
    },

    async message(handle, body, jsep) {
        const transaction = Math.random().toString(36).slice(2);
        const event = new Promise((resolve) => { this.waiting.set(transaction, resolve); });
        await ask(handle, { body: { janus: 'message', transaction, body, jsep } });
        const { plugindata, jsep: answer } = await event;
        if (plugindata.data.error) throw new Error(plugindata.data.error);
        return { data: plugindata.data, sdp: answer?.sdp };
    },

    async attach() {
        return `${this.session}/${(await ask(this.session, { body: { janus: 'attach', plugin: PLUGIN, transaction: 'x' } })).data.id}`;
    },

    async publish({ url, room, count }) {
        await this.begin(url);
        this.count = count;
        const feeds = [];
        for (let i = 0; i < count; i += 1) {
            let handle;
            await sender(async (sdp) => {
                if (handle !== undefined) await ask(handle, { body: { janus: 'detach', transaction: 'x' } });
                handle = await this.attach();
                const joined = await this.message(handle, { request: 'joinandconfigure', ptype: 'publisher', room }, { type: 'offer', sdp });
                feeds[i] = joined.data.id;
                return joined.sdp;
            });
        }
        return feeds;
    },

    async watch({ room, whom }) {
        for (let i = 0; i < this.count; i += 1) {
            const handle = await this.attach();
            const { sdp } = await this.message(handle, { request: 'join', ptype: 'subscriber', room, streams: whom[i].map((feed) => ({ feed })) });
            await this.message(handle, { request: 'start' }, { type: 'answer', sdp: await answerTo(sdp) });
        }
    },
};

const SIDES = { gateway, janus };

process.on('message', async ({ order, side, ...rest }) => {
    try {
        let found;
        if (order === 'count') {
            const tracks = peers.watch.flatMap((peer) => peer.getTransceivers().map(({ receiver }) => receiver.track));
            found = { sent, got: tracks.reduce((sum, { packets }) => sum + packets, 0) };
        } else {
            found = await SIDES[side][order](rest);
            await areUp(order, rest.count);
        }
        process.send({ found });
    } catch (error) {
        process.send({ failed: error.stack });
    }
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.send({});
