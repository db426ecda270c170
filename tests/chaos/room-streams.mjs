// Readers of rooms' events that come back by themselves, to any gateway, and go on where they were.
import http from 'node:http';
import { sleep } from '../support/wait.mjs';

const AGAIN_MS = 200; // at most, as clients with jitter
const REFUSED_AGAIN_MS = 700;
const WAITS = [429, 502, 503, 504];
const STAYS_MS = 8000; // half of that to one and a half times: then it leaves by itself, and comes back to another gateway
const WAITING_STAYS_MS = 800; // of who waits: so that he is let in while he is cut off, too

const soon = (most) => sleep(20 + Math.random() * most);

/// One reader. person: who reads (room-people.mjs); ports: of the gateways. After begin() it reads until end(), or until
/// his person is out; if he comes back, begin() goes on.
export class RoomStream {
    constructor(person, ports) {
        this.person = person;
        this.ports = ports;
        this.blocks = []; // { event, id, data }, in the order in which they came
        this.seq = 0;
        this.retry = undefined; // after which it is to come again, as it was told last
        this.refused = new Map(); // status -> how often
        this.connects = 0;
        this.isOpen = false;
        this.turn = Math.floor(Math.random() * ports.length);
    }

    begin() {
        this.reading ??= this.#read().finally(() => { this.reading = undefined; });
    }

    end() {
        this.isEnded = true;
        this.request?.destroy();
        return this.reading;
    }

    async #read() {
        while (!this.isEnded) {
            this.turn += 1;
            const began = performance.now();
            const status = await this.#readOnce(this.ports[this.turn % this.ports.length]);
            if (status !== 200 && status !== undefined && !WAITS.includes(status)) {
                this.refused.set(status, (this.refused.get(status) ?? 0) + 1);
                this.person.isRefused(began);
                if (this.person.isOut) return;
            }
            await soon(status === 200 || status === undefined ? AGAIN_MS : REFUSED_AGAIN_MS);
        }
    }

    // The status, once the connection is over; undefined: there was no answer.
    #readOnce(port) {
        const { room, token, address } = this.person;
        return new Promise((resolve) => {
            this.request = http.get({ host: '127.0.0.1', port, localAddress: address, agent: false,
                path: `/v1/rooms/${room}/events`,
                headers: { accept: 'text/event-stream', authorization: `Bearer ${token}`,
                    ...(this.id === undefined ? {} : { 'last-event-id': this.id }) } }, (response) => {
                let text = '';
                this.connects += 1;
                this.isOpen = response.statusCode === 200;
                const stays = this.person.state === 'waiting' ? WAITING_STAYS_MS : STAYS_MS;
                const leaving = setTimeout(() => response.destroy(), stays * (0.5 + Math.random()));
                response.setEncoding('utf8');
                response.on('data', (piece) => {
                    text += piece;
                    const end = text.lastIndexOf('\n\n');
                    if (response.statusCode !== 200 || end < 0) return;
                    for (const block of text.slice(0, end).split('\n\n')) this.#take(block);
                    text = text.slice(end + 2);
                });
                response.on('error', () => {});
                response.once('close', () => {
                    clearTimeout(leaving);
                    this.isOpen = false;
                    resolve(response.statusCode);
                });
            });
            this.request.on('error', () => resolve(undefined));
        });
    }

    #take(block) {
        const fields = {};
        for (const line of block.split('\n')) {
            const colon = line.indexOf(':');
            if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
        }
        if (fields.retry !== undefined) this.retry = Number(fields.retry);
        if (fields.data === undefined) return;
        if (fields.id !== undefined) {
            this.id = fields.id;
            this.seq = Number(fields.id.split('.')[1]);
        }
        const read = { event: fields.event, id: fields.id, data: fields.data };
        this.blocks.push(read);
        this.person.hears(read);
    }
}
