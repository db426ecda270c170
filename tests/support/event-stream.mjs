// A reader of text/event-stream (HTML, section 9.2), as strict as a test can be: what no event stream may have is an error.
import http from 'node:http';
import https from 'node:https';
import { eventually } from './wait.mjs';

class EventStream {
    constructor(response) {
        this.status = response.statusCode;
        this.headers = response.headers;
        this.events = [];
        this.comments = 0;
        this.retry = undefined;
        this.text = '';
        this.closed = new Promise((resolve) => {
            response.setEncoding('utf8');
            response.on('data', (piece) => this.take(piece));
            response.on('error', () => {});
            response.once('close', () => {
                this.isClosed = true;
                this.isComplete = response.complete;
                resolve();
            });
        });
        this.end = () => {
            response.destroy();
            return this.closed;
        };
    }

    take(piece) {
        this.text += piece;
        for (let end; (end = this.text.indexOf('\n\n')) >= 0; this.text = this.text.slice(end + 2)) {
            this.takeBlock(this.text.slice(0, end).split('\n'));
        }
    }

    takeBlock(lines) {
        const event = { at: performance.now() };
        for (const line of lines) {
            const [, field, value] = /^(\w*): ?(.*)$/.exec(line) ?? [undefined, 'garbage', line];
            if (field === '') this.comments += 1;
            else if (field === 'retry') this.retry = Number(value);
            else if (field === 'data') event.data = JSON.parse(value);
            else if (field === 'event' || field === 'id') event[field] = value;
            else this.garbage = line;
        }
        if (event.data !== undefined) this.events.push(event);
    }

    /// The first event of this name, once it is there.
    event(name, within = 5000) {
        return eventually(() => this.events.find(({ event }) => event === name), { within, what: `the event ${name}` });
    }
}

/// Asks for a stream over a connection of its own. What is no stream is read to its end: its text is there. tls: over HTTPS,
/// with what Node wants to know of it.
export function openEvents(port, { path = '/v1/events', token, headers = {}, agent = false, tls } = {}) {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
        const request = (tls ? https : http).get({ host: '127.0.0.1', port, path, agent, ...tls,
            headers: { accept: 'text/event-stream', ...authorization, ...headers } }, (response) => {
            const stream = new EventStream(response);
            if (stream.headers['content-type'] === 'text/event-stream') resolve(stream);
            else stream.closed.then(() => resolve(stream));
        });
        request.on('error', reject);
    });
}
