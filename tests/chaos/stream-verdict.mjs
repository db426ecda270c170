// What streams have read, and what is answered when all is over, held against what each participant is to hear.
import assert from 'node:assert/strict';
import { endOf, STAFF } from './room-audience.mjs';
import { fold } from './room-journal.mjs';

const SHOWN = 5;
const COMES_AGAIN = 'draining';
const POLLS = 40; // that are enough to read what one was told

const seqOf = (id) => (id === undefined ? undefined : Number(id.split('.')[1]));

export function assertNone(items, what) {
    assert.equal(items.length, 0, `${items.length} ${what}: ${items.slice(0, SHOWN).join('; ')}`);
}

// Of the journal and of clients' JSON the same.
const shownPerson = (one) => (one === undefined ? undefined : [one.id, one.name, one.role, one.state, one.guest,
    one.hand ?? one.hand_raised_at !== undefined, one.muted]);
const shownMessage = (one) => (one === undefined ? undefined : [one.id, one.seq, one.text, one.from.id ?? one.from, one.fromName ?? one.from.name, one.to]);
const shownInvitation = (one) => (one === undefined ? undefined : [one.id, one.role, one.label, one.max_uses, one.uses]);
const shown = (type, timeMs, { participant, reason, message, invitation }) => JSON.stringify([type, timeMs, shownPerson(participant), reason,
    shownMessage(message), shownInvitation(invitation)]);
const shownAll = (all) => JSON.stringify([...all].map(shownPerson).sort());
const shownEvents = new WeakMap(); // once for all who hear of it
function shownEvent(event) {
    if (!shownEvents.has(event)) shownEvents.set(event, shown(event.type, event.timeMs, event));
    return shownEvents.get(event);
}
const shownData = ({ type, time, data }) => shown(type, Date.parse(time), data);

/// What a snapshot for him has otherwise than the journal as of seq.
export function snapshotFault(one, seq, data, events) {
    const state = fold(events.slice(0, seq));
    const me = state.get(one.id);
    if (me === undefined) return `a snapshot at ${seq}, when he was not in`;
    const waiting = [...state.values()].filter((who) => who.state === 'waiting');
    const joined = [...state.values()].filter((who) => who.state === 'joined');
    const [people, lobby] = me.state === 'waiting' ? [[me]] : [joined, STAFF.includes(me.role) ? waiting : undefined];
    if (me.state === 'waiting' && (Object.keys(data.room).join() !== 'name' || data.me.can.length > 0)) {
        return `who waits is told of the room at ${seq}: ${JSON.stringify(data)}`;
    }
    for (const [what, found, expected] of [['participants', data.participants, people], ['waiting', data.waiting, lobby]]) {
        const [has, is] = [found, expected].map((all) => (all === undefined ? 'nobody is told of' : shownAll(all)));
        if (has !== is) return `the snapshot at ${seq} has ${what} ${has}; the journal ${is}`;
    }
    return undefined;
}

// Goes through what one stream has read, over all its connections. at: the last event that it has, for certain; next: the one after
// it that is for its participant.
class Walk {
    constructor(one, events) {
        this.one = one;
        this.events = events;
        this.at = undefined;
        this.place = 0; // in what is to be heard
        this.read = 0;
        this.isSnapshotDue = true; // it may come
    }

    get next() {
        const { heard } = this.one;
        while (heard[this.place]?.seq <= this.at) this.place += 1;
        return this.at === undefined ? undefined : heard[this.place];
    }

    take({ event, id, data }) {
        const seq = seqOf(id);
        if (event === 'me') return undefined; // what he may, before he is another one
        if (event === 'end') return this.#end(JSON.parse(data).reason);
        if (event === 'reset') return this.#reset();
        if (event === 'snapshot') return this.#snapshot(seq, JSON.parse(data));
        return seq === undefined ? this.#eventBeforeSnapshot(event, data) : this.#event(event, seq, data);
    }

    #end(reason) {
        const isRight = reason === COMES_AGAIN || (this.one.outs.length > 0 && reason === 'not_joined')
            || this.one.outs.some((event) => endOf(event) === reason);
        return isRight ? undefined : `it ended: ${reason}`;
    }

    // Only who was cut off before he had the room.
    #reset() {
        const { hasWaited, since } = this.one;
        const isRight = hasWaited && since !== undefined && (this.at === undefined || this.at < since);
        this.isSnapshotDue = true;
        return isRight ? undefined : `a reset after ${this.at}`;
    }

    #snapshot(seq, data) {
        const isRight = this.isSnapshotDue && seq >= (this.due ?? this.at ?? 0);
        const fault = isRight ? snapshotFault(this.one, seq, data, this.events) : `a snapshot at ${seq} after ${this.at}`;
        this.isSnapshotDue = false;
        this.due = undefined;
        this.at = seq;
        return fault;
    }

    // It has no id, so that who is cut off here gets the snapshot when he comes again.
    #eventBeforeSnapshot(event, data) {
        const { next, one } = this;
        const isHis = next?.participant?.id === one.id;
        const lets = isHis && next.seq === one.since;
        const mayBeStaff = isHis && next.type === 'participant.updated' && STAFF.includes(one.role);
        this.isSnapshotDue = true;
        this.due = next?.seq;
        this.read += 1;
        return (lets || mayBeStaff) && shownData(JSON.parse(data)) === shownEvent(next) ? undefined : `${event} ${data} after ${this.at}`;
    }

    #event(event, seq, data) {
        const { next } = this;
        if (this.at === undefined || this.due !== undefined) return `${event} ${seq}, and no snapshot`;
        if (seq !== next?.seq) return `${event} ${seq} after ${this.at}: the next one for him is ${next?.seq}`;
        this.at = seq;
        this.isSnapshotDue = false;
        this.read += 1;
        const isSame = event === next.type && shownData(JSON.parse(data)) === shownEvent(next);
        return isSame ? undefined : `${event} ${seq} ${data}; the journal has ${shownEvent(next)}`;
    }
}

function faultsOf(stream, one, events) {
    const walk = new Walk(one, events);
    const faults = [];
    for (const block of stream.blocks) {
        const fault = walk.take(block);
        if (fault !== undefined) faults.push(fault);
    }
    const last = one.heard.at(-1).seq;
    if (one.isIn && (walk.at === undefined || walk.at < last)) faults.push(`it ends with ${walk.at}, and not with ${last}`);
    if (one.outs.length === 0) faults.push(...[...stream.refused.keys()].map((status) => `status ${status}`));
    return { faults, read: walk.read };
}

/// Over all its connections a stream has a snapshot as the journal has it at that number, and then each event that is for its
/// participant once and in order: up to the last one, if he is in, and none after the one by which he was out. hearings:
/// room -> hearingsOf. Gives how many events that were.
export function streamsAreWhole(streams, journal, hearings) {
    const faults = [];
    let read = 0;
    for (const [i, stream] of streams.entries()) {
        const { room, id } = stream.person;
        const found = faultsOf(stream, hearings.get(room).get(id), journal.get(room));
        faults.push(...found.faults.map((fault) => `stream ${i} of ${id} in room ${room}: ${fault}`));
        read += found.read;
    }
    assertNone(faults, 'faults of streams');
    return read;
}

/// Has it all that is for him, or is it over?
export function isThrough(stream, one) {
    return one.isIn ? stream.seq >= one.heard.at(-1).seq : !stream.isOpen;
}

// As JSON; who is not let in has the status alone.
async function get(stack, { token, address }, path, port) {
    const { status, json, text } = await stack.request(path, { method: 'GET', port, token: `Bearer ${token}`, localAddress: address,
        agent: false, headers: { accept: 'application/json' } });
    return { status, json, text };
}

const blockOf = ({ event, id, data }) => ({ event, id, data: JSON.stringify(data) });

// What is there for him by polls: from the event `after` on, up to the event last; undefined: from the snapshot.
async function readByPolls(stack, person, port, last, after) {
    const blocks = [];
    for (let turn = 0, id = after; turn < POLLS && !(seqOf(id) >= last); turn += 1) {
        const query = id === undefined ? '' : `&after=${id}`;
        const answer = await get(stack, person, `/v1/rooms/${person.room}/events?wait_s=5${query}`, port);
        if (answer.status !== 200) throw new Error(`poll: ${answer.status} ${answer.text}`);
        blocks.push(...answer.json.events.map(blockOf));
        id = answer.json.next;
    }
    return blocks;
}

async function messagesOf(stack, person, port) {
    const found = [];
    for (let after = 0, more = true; more;) {
        const { status, json, text } = await get(stack, person, `/v1/rooms/${person.room}/messages?after=${after}`, port);
        if (status !== 200) throw new Error(`messages: ${status} ${text}`);
        found.push(...json.items);
        more = json.more;
        after = found.at(-1)?.seq;
    }
    return JSON.stringify(found.map(shownMessage));
}

// Of who is in: how he sees the room now, all that he has heard once more, and the chat.
async function lookBack(stack, person, one, events, port) {
    const [first, last] = [one.since ?? one.first, one.heard.at(-1).seq];
    const generation = person.streams[0].id.split('.')[0];
    const now = await readByPolls(stack, person, port, last);
    const again = await readByPolls(stack, person, port, last, `${generation}.${first}`);
    const walks = [now, again].map(() => new Walk(one, events));
    Object.assign(walks[1], { at: first, isSnapshotDue: false });
    const faults = [now, again].flatMap((blocks, i) => blocks.map((block) => walks[i].take(block)).filter(Boolean));
    for (const { at } of walks) if (!(at >= last)) faults.push(`polls end with ${at}, and not with ${last}`);
    if (one.since !== undefined) {
        const said = JSON.stringify(one.heard.filter(({ message }) => message !== undefined).map(({ message }) => shownMessage(message)));
        const found = await messagesOf(stack, person, port);
        if (said !== found) faults.push(`the chat has ${found}; the journal ${said}`);
    }
    return faults;
}

// Of who is out, or waits: that he is told nothing.
async function isShutOut(stack, person, one, port) {
    const paths = one.isIn ? ['messages', 'participants'] : ['messages', 'participants', 'events?wait_s=0'];
    const answers = await Promise.all(paths.map((path) => get(stack, person, `/v1/rooms/${person.room}/${path}`, port)));
    return answers.filter(({ status }) => status < 400).map(({ text }) => `who is out, or waits, is told ${text}`);
}

const AT_A_TIME = 20;

/// When all is quiet, each participant is told by any gateway what he was told before, and who is out nothing.
export async function allIsAsTold(stack, people, journal, hearings, ports) {
    const faults = [];
    const left = [...people.entries()];
    const look = async () => {
        for (let next; (next = left.pop()) !== undefined;) {
            const [i, person] = next;
            const one = hearings.get(person.room).get(person.id);
            const port = ports[i % ports.length];
            const found = [...(one.isIn ? await lookBack(stack, person, one, journal.get(person.room), port) : []),
                ...(one.since === undefined || !one.isIn ? await isShutOut(stack, person, one, port) : [])];
            faults.push(...found.map((fault) => `${person.id} in room ${person.room}: ${fault}`));
        }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, look));
    assertNone(faults, 'faults of what is told afterwards');
}
