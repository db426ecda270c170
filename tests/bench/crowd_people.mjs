// Some of a crowd, in a process of their own: each is the web client's core with a peer of libdatachannel; he comes when it is his turn,
// sends silence, and gets all that the others in his room send. crowd.mjs says who comes when, and asks how things are.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Api } from '../../gateway/web/core/api.js';
import { ownEnv } from '../../gateway/web/core/env.js';
import { Meeting } from '../../gateway/web/core/meeting.js';
import { sleep } from '../support/wait.mjs';
import { microphone, Peer } from './peer.mjs';

const LAG_RESOLUTION_MS = 5;

const meetings = [];
const seen = new Map(); // track -> packets when it was looked at last
const publish = []; // ms from asking to the answer
const failures = []; // what was refused, or failed
let peers = 0;
const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });

async function watchedFetch(input, init) {
    const begin = performance.now();
    const response = await fetch(input, init);
    if (init.method === 'POST' && input.endsWith('/publish')) publish.push(performance.now() - begin);
    if (response.status >= 400) failures.push(`${init.method} ${new URL(input).pathname.split('/').at(-1)}: ${response.status}`);
    return response;
}

const env = { ...ownEnv(), fetch: watchedFetch, createPeer: () => { peers += 1; return new Peer(); } };

async function come({ base, name, room, at }) {
    await sleep(at - Date.now());
    const meeting = await Meeting.join(env, new Api(env, base), room, { name });
    meetings.push(meeting);
    await meeting.setTrack('audio', microphone());
}

// What came since it was looked at last is what flows.
function flowing() {
    const tracks = meetings.flatMap(({ watcher }) => watcher.streams.map(({ track }) => track));
    const counts = tracks.map((track) => track.packets > (seen.get(track) ?? 0));
    for (const track of tracks) seen.set(track, track.packets);
    return counts.filter(Boolean).length;
}

const areUp = (which) => meetings.filter((meeting) => meeting[which].state === 'up').length;

const ORDERS = {
    come(people) {
        lag.enable();
        for (const person of people) come(person).catch((error) => failures.push(error.message));
    },
    look() {
        process.send({ publishers: areUp('publisher'), watchers: areUp('watcher'), streams: flowing(), peers, publish, failures,
            lag: { p99: lag.percentile(99) / 1e6, most: lag.max / 1e6 } });
    },
};

// What the first one costs more than others is not what is looked at.
async function warmUp() {
    const peer = new Peer();
    peer.addTransceiver(microphone(), { direction: 'sendonly' });
    await peer.createOffer({});
    peer.close();
}

process.on('message', ({ order, people }) => ORDERS[order](people));
process.on('disconnect', () => process.exit());
await warmUp();
process.send('ready');
