// Commands on who is in rooms, at a steady rate. Each is sent once, but for joins: these have a key, and come again until they
// are answered.
import { randomUUID } from 'node:crypto';
import { sleep } from '../support/wait.mjs';
import { Client } from './client.mjs';

const TICK_MS = 5;
const AGAIN_MS = 250;
const JOIN_EVERY = 20;
const AWAY = [429, 502, 503, 504]; // what it came to is not known
const JOIN_PATIENCE_MS = 60000;

const pick = (items) => items[Math.floor(Math.random() * items.length)];

/// A join that is repeated until it is answered. address: of the client; name: of nobody else who comes into this room, since
/// by it a join that was done twice is known.
export async function join(stack, ports, { room, name, address }) {
    const key = randomUUID();
    const end = performance.now() + JOIN_PATIENCE_MS;
    let answer;
    for (let turn = 0; turn === 0 || performance.now() < end; turn += 1) {
        answer = await stack.request(`/v1/rooms/${room}/participants`, { port: ports[turn % ports.length], agent: false,
            localAddress: address, body: { name }, headers: { 'idempotency-key': key } }).catch((error) => ({ error }));
        if (answer.status === 201) {
            return { id: answer.json.participant.id, token: answer.json.token, room, name, address, hand: false };
        }
        const isAway = answer.error !== undefined || answer.status === 409 || AWAY.includes(answer.status);
        if (!isAway) break;
        await sleep(AGAIN_MS);
    }
    throw new Error(`join: ${answer.status} ${answer.text ?? answer.error}`);
}

/// seats: those who are in and stay: [{ room, id, token, hand }].
export class Commands {
    constructor(stack, { ports, seats, codes, rate, first }) {
        this.stack = stack;
        this.ports = ports;
        this.clients = ports.map((port) => new Client(port));
        this.free = [...seats];
        this.codes = codes; // of rooms that guests come into: [{ room, code }]
        this.visitors = [];
        this.rate = rate;
        this.first = first; // of the numbers in names, which are used once
        this.records = [];
        this.pending = new Set();
        this.sent = 0;
        this.skipped = 0;
    }

    start() {
        this.began = performance.now();
        this.timer = setInterval(() => this.#tick(), TICK_MS);
    }

    async stop() {
        clearInterval(this.timer);
        await Promise.all(this.pending);
        for (const client of this.clients) client.close();
        return this.records;
    }

    #tick() {
        const due = Math.floor(((performance.now() - this.began) * this.rate) / 1000);
        for (; this.sent < due; this.sent += 1) {
            const one = this.#one(this.sent).catch((error) => this.records.push({ kind: 'any', outcome: 'failed', why: error.message }));
            this.pending.add(one);
            one.then(() => this.pending.delete(one));
        }
    }

    #one(number) {
        if (number % JOIN_EVERY === 3) return this.#visit(number);
        if (number % JOIN_EVERY === 13 && this.visitors.length > 0) return this.#leave(this.visitors.shift());
        const seat = this.free.splice(Math.floor(Math.random() * this.free.length), 1)[0];
        if (seat === undefined) {
            this.skipped += 1; // all have a command out
            return Promise.resolve();
        }
        return (number % 2 === 0 ? this.#rename(seat, number) : this.#raise(seat)).finally(() => this.free.push(seat));
    }

    async #visit(number) {
        const { room, code } = pick(this.codes);
        const name = `visitor ${this.first + number}`;
        const visitor = await join(this.stack, this.ports, { room: code, name,
            address: `127.2.${(number >> 8) & 255}.${1 + (number & 127)}` });
        this.records.push({ kind: 'join', outcome: 'done', room, id: visitor.id, name });
        this.visitors.push({ ...visitor, room });
    }

    #leave(visitor) {
        return this.#send({ kind: 'leave', room: visitor.room, id: visitor.id }, 'DELETE', visitor, '');
    }

    #rename(seat, number) {
        const name = `name ${this.first + number}`;
        return this.#send({ kind: 'rename', room: seat.room, id: seat.id, name }, 'PATCH', seat, JSON.stringify({ name }));
    }

    async #raise(seat) {
        const hand = !seat.hand;
        const record = { kind: 'hand', room: seat.room, id: seat.id, hand };
        await this.#send(record, 'PATCH', seat, JSON.stringify({ hand }));
        if (record.outcome === 'done') seat.hand = hand;
    }

    // Where it came to nothing that is known, outcome is "unknown"; "failed" is what must not be.
    async #send(record, method, { room, id, token }, body) {
        this.records.push(record);
        const began = performance.now();
        try {
            const answer = await pick(this.clients).request(method, `/v1/rooms/${room}/participants/${id}`, body, `Bearer ${token}`);
            record.status = answer.status;
            record.outcome = answer.status < 300 ? 'done' : AWAY.includes(answer.status) ? 'unknown' : 'failed';
            record.why = answer.text;
        } catch (error) {
            record.outcome = 'unknown';
            record.why = error.message;
        }
        record.ms = performance.now() - began;
    }
}
