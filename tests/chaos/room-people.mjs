// Who is in a room of the chaos test, as far as its commands and streams know.
import { STAFF } from './room-audience.mjs';
import { RoomStream } from './room-streams.mjs';

const ENDS_OF_ONE = ['participant.admitted', 'participant.denied', 'participant.left', 'participant.removed', 'participant.banned'];
const MAY_COME_BACK = ['left', 'not_joined'];

export const pick = (items) => items[Math.floor(Math.random() * items.length)];

/// state: waiting, joined, left (and may come back), unsure (whether he has left), out.
export class Person {
    /// place: the room as test_rooms.mjs has it; device, user, invitation: by which he came, as far as he did.
    constructor(place, { id, token, name, role, state, address, device, user, invitation }) {
        Object.assign(this, { place, room: place.room, id, token, name, role, address, device, user, invitation });
        this.hand = false;
        this.isMuted = false;
        this.streams = [];
        this.seen = new Set(); // ids of those who wait, as he has been told
        this.become(state);
    }

    get isStaff() {
        return STAFF.includes(this.role);
    }

    get isOut() {
        return this.state === 'left' || this.state === 'out';
    }

    become(state) {
        this.state = state;
        this.changedAt = performance.now();
    }

    /// Opens so many streams more.
    read(count, ports) {
        for (let i = 0; i < count; i += 1) this.streams.push(new RoomStream(this, ports));
        this.goOn();
    }

    goOn() {
        for (const stream of this.streams) stream.begin();
    }

    /// A stream that was asked for at that time was refused.
    isRefused(at) {
        if (at > this.changedAt && !this.isOut) this.become('out');
    }

    /// One of his streams has read it.
    hears({ event, data }) {
        if (event === 'end') this.#ends(JSON.parse(data).reason);
        if (event === 'snapshot') this.#sees(JSON.parse(data));
        if (event === 'participant.admitted' && this.state === 'waiting' && JSON.parse(data).data.participant.id === this.id) this.become('joined');
        if (!this.isStaff) return;
        if (event === 'participant.waiting') this.seen.add(JSON.parse(data).data.participant.id);
        if (ENDS_OF_ONE.includes(event)) this.seen.delete(JSON.parse(data).data.participant.id);
    }

    #ends(reason) {
        if (reason === 'draining' || (MAY_COME_BACK.includes(reason) && this.state !== 'unsure')) return;
        this.become('out');
    }

    #sees({ participants, waiting }) {
        if (waiting !== undefined) this.seen = new Set(waiting.map(({ id }) => id));
        if (this.state === 'waiting' && participants.some(({ id, state }) => id === this.id && state === 'joined')) this.become('joined');
    }
}
