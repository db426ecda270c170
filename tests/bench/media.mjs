// What connections for media cost: to be let in, beside Janus asked directly; what lists notice of many; what one takes in
// the bridge; and from media that flows to those who are told. Only the last one has a browser: to be let in nothing needs to flow.
import { join } from 'node:path';
import { launchPeople } from '../support/browser.mjs';
import { openEvents } from '../support/event-stream.mjs';
import { AUDIO } from '../support/rtc-offers.mjs';
import { eventually, sleep } from '../support/wait.mjs';
import { servePages } from '../e2e/pages.mjs';
import { memoryKib } from './processes.mjs';
import { median, quantile } from './quantile.mjs';
import { ENV, middles, RoomWorld } from './rooms.mjs';
import { fillWorld, startWorld } from './world.mjs';
import { load } from './wrk.mjs';

const WARM = 20;
const AT_A_TIME = 16;
const LISTENERS = 20;
const PATIENCE_MS = 5000;
const JOINS = 500;
const LISTS_S = 3;
const LISTS_BESIDE_S = 10; // in which all of them come
const PLUGIN = 'janus.plugin.videoroom';

const spread = (values) => ({ p50: median(values), p99: quantile(values, 0.99) });

async function timed(what) {
    const begin = performance.now();
    const answer = await what();
    return { ms: performance.now() - begin, answer };
}

function good(answer, status) {
    if (answer.status !== status) throw new Error(`${answer.status} ${answer.text}`);
    return answer.json;
}

// ---- let in ----

async function publishByUs(stack, code, token) {
    const { ms, answer } = await timed(() => stack.request(`/v1/rooms/${code}/publish`, { token: `Bearer ${token}`, body: AUDIO }));
    const { connection } = good(answer, 201);
    return { ms, connection };
}

/// A client of Janus' own REST API: a session, and the long poll that brings the events.
class Direct {
    static async start(stack, room) {
        const direct = new Direct();
        Object.assign(direct, { stack, room, transaction: 0, waiting: new Map() });
        direct.session = (await direct.#ask('', { janus: 'create' })).data.id;
        direct.polling = direct.#poll();
        return direct;
    }

    // On connections that stay, as the bridge's do.
    async #ask(path, body) {
        const { json } = await this.stack.request(`/janus${path}`, { port: this.stack.ports.janusHttp, body: { transaction: 'x', ...body } });
        return json;
    }

    async #poll() {
        while (!this.isOver) {
            const { json } = await this.stack.request(`/janus/${this.session}?maxev=10`, { method: 'GET', port: this.stack.ports.janusHttp });
            for (const event of [json].flat()) this.waiting.get(event?.transaction)?.(event);
        }
    }

    // Attach, joinandconfigure, and the event with the answer: what the bridge asks, too.
    async publish() {
        const transaction = `t${this.transaction += 1}`;
        const { ms, answer } = await timed(async () => {
            const { data } = await this.#ask(`/${this.session}`, { janus: 'attach', plugin: PLUGIN });
            const event = new Promise((resolve) => { this.waiting.set(transaction, resolve); });
            await this.#ask(`/${this.session}/${data.id}`, { janus: 'message', transaction,
                body: { request: 'joinandconfigure', ptype: 'publisher', room: this.room }, jsep: { type: 'offer', sdp: AUDIO.sdp } });
            return { handle: data.id, jsep: (await event).jsep };
        });
        this.waiting.delete(transaction);
        if (answer.jsep?.type !== 'answer') throw new Error('Janus has not answered');
        await this.#ask(`/${this.session}/${answer.handle}`, { janus: 'detach' });
        return ms;
    }

    async end() {
        this.isOver = true;
        await this.#ask(`/${this.session}`, { janus: 'destroy' });
        await this.polling;
    }
}

async function measurePublish(rooms, code, tokens, { mediaRounds, mediaAsks }) {
    const { stack } = rooms;
    const direct = await Direct.start(stack, good(await stack.create(rooms.token), 200).room_id);
    const [ours, theirs] = [[], []];
    for (let round = 0; round < mediaRounds; round += 1) {
        const ms = [];
        for (let i = 0; i < mediaAsks; i += 1) {
            const made = await publishByUs(stack, code, tokens[i % tokens.length]);
            ms.push(made.ms);
            good(await stack.request(`/v1/rtc/${made.connection}`, { method: 'DELETE', token: `Bearer ${tokens[i % tokens.length]}` }), 204);
        }
        ours.push(spread(ms));
        const beside = [];
        for (let i = 0; i < mediaAsks; i += 1) beside.push(await direct.publish());
        theirs.push(spread(beside));
    }
    await direct.end();
    process.stderr.write('media: publishing done\n');
    return { ours: middles(ours), theirs: middles(theirs) };
}

async function publishAll(stack, code, tokens) {
    const left = [...tokens];
    await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
        while (left.length > 0) await publishByUs(stack, code, left.pop());
    }));
}

// ---- what others notice of it ----

// Lists of the standard room, one after the other, while many come into other rooms: as fast as one client has them come, and
// one every so often.
async function measureLists({ stack, world }, atOnce, overTime) {
    const lists = (seconds) => load({ port: stack.ports.http, kind: 'list', folder: world.folder, connections: 1, seconds });
    const oneByOne = async ({ code, tokens }) => { for (const token of tokens) await publishByUs(stack, code, token); };
    const oneEverySoOften = async ({ code, tokens }) => {
        const begin = performance.now();
        await Promise.all(tokens.map(async (token, i) => {
            await sleep(begin + (i * LISTS_BESIDE_S * 1000) / tokens.length - performance.now());
            return publishByUs(stack, code, token);
        }));
    };
    const alone = await lists(LISTS_S);
    const [beside] = await Promise.all([lists(LISTS_S), oneByOne(atOnce)]);
    const [besideSome] = await Promise.all([lists(LISTS_BESIDE_S), oneEverySoOften(overTime)]);
    process.stderr.write('media: lists done\n');
    return { joins: atOnce.tokens.length, seconds: LISTS_BESIDE_S, alone: alone.p99, beside: beside.p99, besideSome: besideSome.p99 };
}

// ---- memory ----

// They stay for as long as clients have for ICE, which is longer than this takes.
async function measureMemory(rooms, code, tokens) {
    const own = async () => (await memoryKib(await rooms.stack.pid('janusbridge'))).own;
    await publishAll(rooms.stack, code, tokens.slice(0, WARM));
    const before = await own();
    await publishAll(rooms.stack, code, tokens.slice(WARM));
    const count = tokens.length - WARM;
    const after = await own();
    const { text } = await rooms.stack.ops('janusbridge', '/metrics');
    const there = Number(/^lynks_janusbridge_connections (\d+)/m.exec(text)[1]);
    if (there < tokens.length) throw new Error(`${there} of ${tokens.length} connections are left`);
    process.stderr.write('media: memory done\n');
    return { count, kibEach: (after - before) / count };
}

// ---- those who are told ----

// In the page, whose only connection is the one that sends: when it was up.
function noteWhenUp() {
    const Peer = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Peer {
        constructor(...args) {
            super(...args);
            this.addEventListener('connectionstatechange', () => { if (this.connectionState === 'connected') window.upAt = Date.now(); });
        }
    };
}

async function sendAnew() {
    const { meeting } = window.person;
    window.mic ??= (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0];
    window.upAt = undefined;
    await meeting.setTrack('audio', window.mic);
    while (window.upAt === undefined) await new Promise((resolve) => { setTimeout(resolve, 20); });
    return window.upAt;
}

// The pages' clock and ours are one.
async function measureTelling(rooms, pages, { mediaTold }) {
    const [room] = await rooms.makeRooms(1);
    const seats = (await rooms.seatAll(room, LISTENERS)).map((line) => line.split(' ')[2]);
    const streams = await Promise.all(seats.map((token) => openEvents(rooms.port, { path: `/v1/rooms/${room.code}/events`, token })));
    const told = (name) => streams.map(({ events }) => events.filter(({ event }) => event === name));
    const allTold = (name, count) => eventually(() => told(name).every(({ length }) => length >= count), { within: PATIENCE_MS, what: `all are told of ${name}` });
    const people = await launchPeople();
    const ms = [];
    try {
        const page = await people.newPage();
        await page.addInitScript(noteWhenUp);
        await page.goto(`${pages.url}people`);
        await page.waitForFunction(() => window.person);
        await page.evaluate(([base, code]) => window.person.enter(base, code, 'Ann'), [`http://127.0.0.1:${rooms.port}`, room.code]);
        for (let i = 1; i <= mediaTold; i += 1) {
            const up = await page.evaluate(sendAnew);
            await allTold('track.published', i);
            for (const events of told('track.published')) ms.push(performance.timeOrigin + events[i - 1].at - up);
            await page.evaluate(() => window.person.meeting.setTrack('audio', null));
            await allTold('track.unpublished', i);
        }
    } finally {
        await people.close();
        await Promise.all(streams.map((stream) => stream.end()));
    }
    process.stderr.write('media: telling done\n');
    return { listeners: LISTENERS, ...spread(ms) };
}

export async function measureMedia(folder, settings) {
    const pages = await servePages();
    try {
        const world = await startWorld(join(folder, 'media'), { env: { ...ENV, LYNKS_PUBLISHERS_MAX: '1000', LYNKS_CORS_ORIGINS: pages.url.replace(/\/$/, '') } });
        try {
            const rooms = new RoomWorld(world, await world.stack.token());
            const [room, full, busy, calm] = await rooms.makeRooms(4, { publishers_max: 1000 });
            const tokens = async (of, count) => (await rooms.seatAll(of, count)).map((line) => line.split(' ')[2]);
            const publish = await measurePublish(rooms, room.code, await tokens(room, settings.mediaAsks), settings);
            await fillWorld(world, { rooms: 1, sessions: 1 });
            const joining = async (of) => ({ code: of.code, tokens: await tokens(of, JOINS) });
            const lists = await measureLists(rooms, await joining(busy), await joining(calm));
            const memory = await measureMemory(rooms, full.code, await tokens(full, settings.mediaConnections));
            return { publish, lists, memory, telling: await measureTelling(rooms, pages, settings) };
        } finally {
            await world.remove();
        }
    } finally {
        await pages.close();
    }
}
