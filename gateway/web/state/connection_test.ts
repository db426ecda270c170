// What can be found out of a connection before a meeting: the server, its events, the browser's own part, and, for who may make a
// meeting, the way of sound and video.
import type { Api } from '../core/api.js';
import { Problem, problemOf } from '../core/api.js';
import type { Env } from '../core/env.js';
import { Meeting } from '../core/meeting.js';
import type { Room } from './rooms.ts';

const ASKED = 3;
const EVENTS_MS = 8000;
const LOOP_MS = 8000;
const MEDIA_MS = 15000;
const TURN_MS = 8000;

const late = (what: string) => new Problem({ status: 0, code: 'timeout', detail: what });

/** @throws Problem if it has not come true in time */
function within<T>(env: Env, ms: number, what: string, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
        const cancel = env.after(ms, () => reject(late(what)));
        work.then(resolve, reject).finally(cancel);
    });
}

/** How long the server takes to answer, in ms: the median of three times. */
export async function measureServer(env: Env, api: Api): Promise<number> {
    const times: number[] = [];
    for (let count = 0; count < ASKED; count += 1) {
        const begin = env.now();
        await api.get('/v1/info', { attempts: 1 });
        times.push(env.now() - begin);
    }
    return Math.round(times.sort((a, b) => a - b)[1]!);
}

/** Whether the first event of who is signed in comes while the stream is open: a proxy may hold it back. */
export async function hearEvents(env: Env, api: Api): Promise<void> {
    const abort = new AbortController();
    try {
        await within(env, EVENTS_MS, 'no event', (async () => {
            const response = await env.fetch(`${api.base}/v1/events`, { headers: { ...api.headers(), accept: 'text/event-stream' }, signal: abort.signal });
            if (!response.ok) throw await problemOf(response);
            const { done } = await response.body!.getReader().read();
            if (done) throw new Problem({ status: 0, code: 'network' });
        })());
    } finally {
        abort.abort();
    }
}

/** Two connections of this page to each other: what the browser, its extensions and its policies allow. */
export async function loopPeers(env: Env): Promise<void> {
    const [one, other] = [env.createPeer(), env.createPeer()];
    try {
        one.addEventListener('icecandidate', ({ candidate }) => { void other.addIceCandidate(candidate ?? undefined).catch(() => {}); });
        other.addEventListener('icecandidate', ({ candidate }) => { void one.addIceCandidate(candidate ?? undefined).catch(() => {}); });
        const channel = one.createDataChannel('test');
        const isOpen = new Promise<void>((resolve) => { channel.addEventListener('open', () => resolve()); });
        await one.setLocalDescription();
        await other.setRemoteDescription(one.localDescription!);
        await other.setLocalDescription();
        await one.setRemoteDescription(other.localDescription!);
        await within(env, LOOP_MS, 'no connection in this browser', isOpen);
    } finally {
        one.close();
        other.close();
    }
}

const WANTED = ['VP8', 'H264'];

/** Of the formats that meetings take, those that this browser sends. */
export function knownFormats(codecs: readonly { mimeType: string }[]): string[] {
    return WANTED.filter((name) => codecs.some(({ mimeType }) => mimeType.toLowerCase() === `video/${name.toLowerCase()}`));
}

export interface Way { protocol: string; roundTripMs: number | undefined }

/** How a TURN server is reached; none: there is none. */
export type TurnWays = Record<'udp' | 'tcp', boolean> | undefined;
export interface MediaFound { way: Way | undefined; turn: TurnWays }

interface Counted {
    id: string;
    type: string;
    nominated?: boolean;
    state?: string;
    selectedCandidatePairId?: string;
    localCandidateId?: string;
    currentRoundTripTime?: number;
    protocol?: string;
    candidateType?: string;
    relayProtocol?: string;
}

/** The way that was chosen, of what getStats says. */
export function wayOf(report: Iterable<Counted>): Way {
    const all = new Map([...report].map((one) => [one.id, one]));
    const chosen = [...all.values()].find(({ type }) => type === 'transport')?.selectedCandidatePairId;
    const pair = (chosen !== undefined ? all.get(chosen) : undefined)
        ?? [...all.values()].find(({ type, nominated, state }) => type === 'candidate-pair' && nominated === true && state === 'succeeded');
    const trip = pair?.currentRoundTripTime;
    const local = all.get(pair?.localCandidateId ?? '');
    // Of one that is relayed, the protocol is that towards Janus.
    const protocol = local?.candidateType === 'relay' ? `turn/${local.relayProtocol ?? 'udp'}` : local?.protocol ?? 'udp';
    return {
        protocol: protocol.toUpperCase(),
        roundTripMs: trip === undefined ? undefined : Math.round(trip * 1000),
    };
}

/** Whether a TURN server gives this browser an address. */
async function isRelayed(env: Env, server: RTCIceServer): Promise<boolean> {
    const peer = env.createPeer({ iceServers: [server], iceTransportPolicy: 'relay' });
    try {
        const found = new Promise<boolean>((resolve) => {
            peer.addEventListener('icecandidate', ({ candidate }) => {
                if (candidate === null || candidate.type === 'relay') resolve(candidate !== null);
            });
        });
        peer.createDataChannel('test');
        await peer.setLocalDescription();
        return await within(env, TURN_MS, 'no answer of TURN', found).catch(() => false);
    } finally {
        peer.close();
    }
}

/** By UDP and by TCP, each alone. */
export async function reachTurn(env: Env, servers: readonly RTCIceServer[]): Promise<TurnWays> {
    const urls = servers.flatMap((server) => [server.urls].flat().map((url) => ({ ...server, urls: [url] })));
    if (urls.length === 0) return undefined;
    const reaches = async (isOfIt: (url: string) => boolean) => {
        const all = await Promise.all(urls.filter((server) => isOfIt(server.urls[0]!)).map((server) => isRelayed(env, server)));
        return all.includes(true);
    };
    const isByTcp = (url: string) => url.startsWith('turns:') || url.endsWith('transport=tcp');
    const [udp, tcp] = await Promise.all([reaches((url) => !isByTcp(url)), reaches(isByTcp)]);
    return { udp, tcp };
}

/**
 * Sends silence to a meeting that is made for it and ended after it; finds TURN by it, too.
 * @param name of that meeting
 * @throws Problem if there is no such meeting
 */
export async function reachMedia(env: Env, api: Api, name: string): Promise<MediaFound> {
    const room: Room = await api.post('/v1/rooms', { name, access: 'invited' }, { key: env.randomId() });
    const context = new AudioContext();
    const track = context.createMediaStreamDestination().stream.getAudioTracks()[0]!;
    let meeting: Meeting | undefined;
    try {
        let heard = () => {};
        const isUp = new Promise<void>((resolve, reject) => {
            heard = () => {
                if (meeting?.publisher.state === 'up') resolve();
                if (meeting?.publisher.state === 'over') reject(new Problem({ status: 0, code: meeting.publisher.reason ?? 'closed' }));
            };
        });
        isUp.catch(() => {}); // it may be refused before somebody waits for it
        meeting = await Meeting.join(env, api, room.id, {}, { onChange: () => heard() });
        await meeting.setTrack('audio', track);
        heard();
        const [turn, isReached] = await Promise.all([reachTurn(env, await meeting.servers.get()),
            within(env, MEDIA_MS, 'no way for media', isUp).then(() => true, () => false)]);
        if (!isReached) return { way: undefined, turn };
        const report = await meeting.publisher.peer!.getStats();
        return { way: wayOf(report.values() as Iterable<never>), turn };
    } finally {
        track.stop();
        void context.close();
        await meeting?.leave().catch(() => {});
        await api.delete(`/v1/rooms/${room.id}`).catch(() => {});
    }
}
