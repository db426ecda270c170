// A steady mixed load. Open loop: a request goes out when its time has come, however many are unanswered, and its
// delay counts from that time. Every answer is checked, byte for byte where that can be. Nothing is sent twice.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Client } from './client.mjs';

const RATE = 500; // requests a second
// One in so many; the rest list.
const LOGIN_EVERY = 100;
// A minute for each scenario would make more rooms than Janus is promised to get back within its 2 s.
const CREATE_EVERY = Number(process.env.LYNKS_CHAOS_SECONDS ?? 20) > 60 ? 100 : 10;
const TICK_MS = 2;
const AT_ONCE = 16;
const LOGIN_TEXT = /^\{"action":"succesful","token":"([0-9a-f]{64})"\}$/;
const CREATE_TEXT = /^\{"action":"success","room_id":([1-9][0-9]{0,15})\}$/;
const LOGIN_BODY = JSON.stringify({ username: 'testuser', password: 'test123' });

const pick = (items) => items[Math.floor(Math.random() * items.length)];

export class Load {
    /// standardRoom: what the stack's LYNKS_STANDARD_ROOM is; 0: every create makes a room.
    constructor(stack, { standardRoom }) {
        this.standardRoom = standardRoom;
        this.client = new Client(stack.ports.http);
        // What the database must hold in the end.
        this.tokens = [];
        this.rooms = [];
        this.seen = new Set();
        this.failed = { login: 0, create: 0 };
        this.delays = monitorEventLoopDelay({ resolution: 10 });
    }

    /// A token and a room to begin with.
    async begin() {
        this.records = [];
        await this.#one('login', performance.now());
        await this.#one('create', performance.now());
        const bad = this.records.find((record) => record.why);
        if (bad) throw new Error(`before anything was done: ${bad.kind}: ${bad.why}`);
    }

    start() {
        this.records = [];
        this.pending = new Set();
        this.sent = 0;
        this.delays.reset();
        this.delays.enable();
        this.began = performance.now();
        this.timer = setInterval(() => this.#tick(), TICK_MS);
    }

    /// Lists every room once: while the database is away roomsvc tells of no room that it was not asked for before.
    async listAll() {
        const token = this.tokens[0];
        for (let first = 0; first < this.rooms.length; first += AT_ONCE) {
            await Promise.all(this.rooms.slice(first, first + AT_ONCE).map(async (room) => {
                const answer = await this.client.post('/list_participants', `{"room_id":${room}}`, token);
                if (answer.status !== 200) throw new Error(`room ${room}: ${answer.status} ${answer.text}`);
            }));
        }
    }

    /// Stops and waits for what is unanswered. Gives a record for each request: kind, at (performance.now() when
    /// it was due), ms, status, why (what is wrong with the answer; undefined: nothing), refused (a 503 as it has to be).
    async stop() {
        this.#tick();
        clearInterval(this.timer);
        await Promise.all(this.pending);
        this.delays.disable();
        return this.records;
    }

    /// How long the load itself had to wait for a processor, at most: what is seen then is the machine, not Lynks.
    get starvedMs() {
        return this.delays.max / 1e6;
    }

    end() {
        this.client.close();
    }

    #tick() {
        const due = Math.floor(((performance.now() - this.began) * RATE) / 1000);
        for (; this.sent < due; this.sent += 1) {
            const one = this.#one(kindOf(this.sent), this.began + (this.sent * 1000) / RATE);
            this.pending.add(one);
            one.then(() => this.pending.delete(one));
        }
    }

    async #one(kind, at) {
        const record = { kind, at };
        try {
            await this.#ask(kind, record);
        } catch (error) {
            record.why = error.message;
        }
        record.ms = performance.now() - at;
        if ((record.why || record.refused) && kind in this.failed) this.failed[kind] += 1;
        this.records.push(record);
    }

    async #ask(kind, record) {
        const room = pick(this.rooms);
        const [path, body, token] = {
            login: () => ['/login', LOGIN_BODY, undefined],
            create: () => ['/create', '{}', pick(this.tokens)],
            list: () => ['/list_participants', `{"room_id":${room}}`, pick(this.tokens)],
        }[kind]();
        const answer = await this.client.post(path, body, token);
        record.status = answer.status;
        record.text = answer.text;
        if (answer.status === 503 && refusedWell(answer)) record.refused = true;
        else if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
        else this.#check(kind, answer, room);
    }

    #check(kind, { headers, text }, room) {
        if (headers['content-type'] !== 'application/json') throw new Error(`type ${headers['content-type']}`);
        if (kind === 'login') this.#checkLogin(text);
        else if (kind === 'create') this.#checkCreate(text);
        else if (text !== `{"action":"success","room_id":${room},"publishers":[]}`) throw new Error(`200 ${text}`);
    }

    #checkLogin(text) {
        const token = LOGIN_TEXT.exec(text)?.[1];
        if (!token) throw new Error(`200 ${text}`);
        if (this.seen.has(token)) throw new Error('the token of another login');
        this.seen.add(token);
        this.tokens.push(token);
    }

    #checkCreate(text) {
        const room = CREATE_TEXT.exec(text)?.[1];
        if (!room || (this.standardRoom && room !== String(this.standardRoom))) throw new Error(`200 ${text}`);
        if (this.standardRoom && this.rooms.length > 0) return;
        if (this.seen.has(room)) throw new Error(`the room of another create: ${text}`);
        this.seen.add(room);
        this.rooms.push(room);
    }
}

function kindOf(number) {
    if (number % LOGIN_EVERY === 1) return 'login';
    return number % CREATE_EVERY === 2 ? 'create' : 'list';
}

function refusedWell({ headers, text }) {
    const { action, error, request_id: request } = JSON.parse(text);
    return action === 'failed' && typeof error.code === 'string' && typeof error.message === 'string'
        && typeof request === 'string' && /^[1-9][0-9]*$/.test(headers['retry-after'] ?? '');
}
