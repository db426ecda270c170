// Commands on rooms and who is in them, at a steady rate. Most are sent once; those that make something, and a part of the messages,
// have a key, and come again until they are answered.
import { randomUUID } from 'node:crypto';
import { sleep } from '../support/wait.mjs';
import { Client } from './client.mjs';
import { pick } from './room-people.mjs';
import { Strangers } from './room-strangers.mjs';

const TICK_MS = 5;
const AGAIN_MS = 250;
const AWAY = [429, 502, 503, 504]; // what it came to is not known
const PATIENCE_MS = 60000;
// What comes one after the other, again and again: as many of each.
const SHARES = { rename: 10, raise: 8, say: 5, sayToOne: 4, mute: 2, come: 2, decide: 3, leave: 2, comeBack: 1, ban: 1, inviteMore: 1, changeInvitation: 1 };
// What may be answered, because somebody else was first; of all else only success is right.
const GONE = ['removed', 'denied', 'banned', 'not_joined', 'not_found', 'must_wait'];
const REFUSALS = {
    message: GONE, leave: GONE, back: ['removed', 'denied', 'banned'], admit: ['not_found', 'conflict'], deny: ['not_found', 'conflict'],
    join: ['banned', 'invitation_used_up', 'invitation_revoked', 'removed', 'denied'], again: ['removed', 'denied', 'not_found'],
    invite: [], relabel: ['not_found'], revoke: ['not_found'],
};

// So that two of a kind do not come one after the other.
function spread(shares) {
    const all = Object.values(shares).reduce((sum, share) => sum + share);
    const slots = Object.entries(shares).flatMap(([name, share]) =>
        Array.from({ length: share }, (_, i) => ({ name, place: ((i + 0.5) * all) / share })));
    return slots.sort((a, b) => a.place - b.place).map(({ name }) => name);
}
const TURN = spread(SHARES);

function settle(record, { status, text, json }) {
    record.status = status;
    record.why = text;
    record.code = status < 300 ? undefined : (json ?? JSON.parse(text)).code;
    if (status < 300) record.outcome = 'done';
    else if (AWAY.includes(status)) record.outcome = 'unknown';
    else record.outcome = REFUSALS[record.kind]?.includes(record.code) ? 'refused' : 'failed';
}

/// places: the rooms: { room, code, hasLobby, seats, staff, strangers, invitations }; users: tokens of people who have signed in.
export class Commands {
    constructor(stack, { ports, places, users, rate, first }) {
        this.stack = stack;
        this.ports = ports;
        this.clients = ports.map((port) => new Client(port));
        this.places = places;
        this.free = places.flatMap(({ seats }) => seats);
        this.strangers = new Strangers(this, users);
        this.rate = rate;
        this.first = first; // of the numbers in names and texts, which are used once
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
            const one = this.#one(this.sent).catch((error) => this.records.push({ kind: 'any', outcome: 'failed', why: error.stack }));
            this.pending.add(one);
            one.then(() => this.pending.delete(one));
        }
    }

    // Where there is nobody to whom it could be done, somebody has another name.
    async #one(number) {
        const name = TURN[number % TURN.length];
        const act = name in this.strangers ? this.strangers[name](this.first + number) : undefined;
        await (act ?? this.#ofSeat(name, this.first + number));
    }

    async #ofSeat(name, number) {
        const seat = this.free.splice(Math.floor(Math.random() * this.free.length), 1)[0];
        if (seat === undefined) {
            this.skipped += 1; // all have a command out
            return;
        }
        const acts = { raise: () => this.#raise(seat), say: () => this.#say(seat, number), sayToOne: () => this.#say(seat, number, this.#listener(seat)),
            mute: () => this.#mute(seat) };
        await (acts[name] ?? (() => this.#rename(seat, number)))().finally(() => this.free.push(seat));
    }

    #rename(seat, number) {
        const name = `name ${number}`;
        return this.change({ kind: 'rename', room: seat.room, id: seat.id, name }, seat, { name });
    }

    async #raise(seat) {
        const hand = !seat.hand;
        const record = await this.change({ kind: 'hand', room: seat.room, id: seat.id }, seat, { hand });
        if (record.outcome === 'done') seat.hand = hand;
    }

    // By one of the staff; he himself is heard again when he wants to.
    async #mute(seat) {
        const isMuted = !seat.isMuted;
        const record = { kind: 'sound', room: seat.room, id: seat.id };
        if (isMuted) {
            await this.send(record, seat.isStaff ? seat : pick(seat.place.staff), 'POST', `/participants/${seat.id}/mute`, { sources: ['audio'] });
        } else {
            await this.change(record, seat, { muted: [] });
        }
        if (record.outcome === 'done') seat.isMuted = isMuted;
    }

    #listener(seat) {
        return pick([...seat.place.seats, ...seat.place.strangers.filter(({ state }) => state === 'joined')].filter((one) => one !== seat));
    }

    /// to: the only one who is to see it; undefined: all.
    #say(from, number, to) {
        const record = { kind: 'message', room: from.room, from: from.id, to: to?.id, text: `message ${number}` };
        const body = { text: record.text, ...(to === undefined ? {} : { to: to.id }) };
        return number % 2 === 0 ? this.send(record, from, 'POST', '/messages', body)
            : this.insist(record, { path: '/messages', token: from.token, body });
    }

    /// Somebody changes himself.
    change(record, who, body) {
        return this.send(record, who, 'PATCH', `/participants/${who.id}`, body);
    }

    /// Once. Where it came to nothing that is known, the record's outcome is "unknown"; "failed" is what must not be.
    async send(record, who, method, path, body) {
        this.records.push(record);
        const began = performance.now();
        const text = body === undefined ? '' : JSON.stringify(body);
        try {
            settle(record, await pick(this.clients).request(method, `/v1/rooms/${who.room}${path}`, text, `Bearer ${who.token}`));
        } catch (error) {
            record.outcome = 'unknown';
            record.why = error.message;
        }
        record.ms = performance.now() - began;
        return record;
    }

    /// With a key, again and again until it is known what it came to; sometimes once more, as who has lost the answer would.
    async insist(record, { path, token, body, address, room = record.room }) {
        this.records.push(Object.assign(record, { tries: [] }));
        const key = randomUUID();
        const end = performance.now() + PATIENCE_MS;
        const ask = (turn) => this.stack.request(`/v1/rooms/${room}${path}`, { port: this.ports[turn % this.ports.length], agent: false,
            localAddress: address, body, token: token && `Bearer ${token}`, headers: { 'idempotency-key': key } });
        for (let turn = Math.floor(Math.random() * 2); performance.now() < end; turn += 1) {
            const answer = await ask(turn).catch(() => undefined);
            record.tries.push(`${answer?.status} at ${Date.now()}`);
            if (answer !== undefined) settle(record, answer);
            if (answer !== undefined && record.outcome !== 'unknown' && record.code !== 'in_flight') {
                record.answer = answer.json;
                record.isDoubtful = record.outcome === 'refused' && record.tries.length > 1; // it may be that one before was done
                if (record.outcome === 'done' && Math.random() < 0.25) await this.#again(record, await ask(turn + 1).catch(() => undefined));
                return record;
            }
            await sleep(AGAIN_MS);
        }
        record.outcome = 'failed';
        return record;
    }

    // What was made is there once, and has the same names; or whoever asks, or what he has made, is gone already.
    #again(record, answer) {
        if (answer === undefined || AWAY.includes(answer.status)) return;
        const again = { kind: 'again', of: record.kind };
        settle(again, answer);
        const namesOf = ({ id, secret, token, participant }) => JSON.stringify([id, secret, token, participant?.id]);
        if (again.outcome === 'done' && namesOf(answer.json) !== namesOf(record.answer)) again.outcome = 'failed';
        this.records.push(again);
    }
}
