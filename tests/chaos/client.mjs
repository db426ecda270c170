// A keep-alive HTTP client that never sends a request twice. Node's own agent would do, but for the race that
// every such client has: the server may close a connection that lies idle just when a request goes out on it.
// Here the connection that has lain longest is used first, so that none lies for long, and the choice is made
// right after the loop has read all that had arrived: a connection that was closed before the first byte of the
// request goes out is not used. What fails after that byte is an error and stays one.
import net from 'node:net';

const HEAD_END = '\r\n\r\n';
const IDLE_MAX = 64;

export class Client {
    constructor(port, { timeoutMs = 5000 } = {}) {
        this.port = port;
        this.timeoutMs = timeoutMs;
        this.idle = [];
        this.open = new Set();
        this.opened = 0;
    }

    /// Gives { status, headers, text }, or fails with an Error that says how far it came.
    post(path, body, token) {
        return this.request('POST', path, body, token);
    }

    /// The same with another method. body: in ASCII.
    request(method, path, body, token) {
        return new Promise((resolve, reject) => {
            setImmediate(() => this.#send(head(method, path, body, token) + body, resolve, reject));
        });
    }

    close() {
        for (const connection of this.open) connection.socket.destroy();
    }

    #send(text, resolve, reject) {
        const connection = this.idle.shift() ?? this.#connect();
        const timer = setTimeout(() => this.#fail(connection, `no answer in ${this.timeoutMs} ms`), this.timeoutMs);
        connection.call = { resolve, reject, timer };
        connection.input = '';
        connection.used += 1;
        connection.socket.write(text, 'latin1');
    }

    #connect() {
        const socket = net.connect({ host: '127.0.0.1', port: this.port, noDelay: true });
        const connection = { socket, call: null, input: '', used: 0 };
        this.open.add(connection);
        this.opened += 1;
        socket.setEncoding('latin1');
        socket.on('data', (text) => this.#take(connection, text));
        socket.on('end', () => this.#fail(connection, 'closed without an answer'));
        socket.on('error', (error) => this.#fail(connection, error.message));
        socket.on('close', () => this.#fail(connection, 'closed without an answer'));
        return connection;
    }

    #fail(connection, why) {
        const { call, input, used } = connection;
        this.#leave(connection);
        if (!call) return;
        connection.call = null;
        clearTimeout(call.timer);
        call.reject(new Error(`${why}; request ${used} of its connection, ${input.length} bytes of the answer`));
    }

    #leave(connection) {
        connection.socket.destroy();
        this.open.delete(connection);
        const at = this.idle.indexOf(connection);
        if (at >= 0) this.idle.splice(at, 1);
    }

    #take(connection, text) {
        if (!connection.call) {
            this.#leave(connection);
            return;
        }
        connection.input += text;
        const answer = parse(connection.input);
        if (!answer) return;
        const { call } = connection;
        connection.call = null;
        clearTimeout(call.timer);
        if (/close/i.test(answer.headers.connection ?? '') || this.idle.length >= IDLE_MAX) {
            this.#leave(connection);
        } else {
            this.idle.push(connection);
        }
        call.resolve(answer);
    }
}

function head(method, path, body, token) {
    const authorization = token === undefined ? '' : `authorization: ${token}\r\n`;
    return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${authorization}`
        + `content-length: ${body.length}${HEAD_END}`;
}

// null until it is whole. Lynks answers with Content-Length always, but for a 204; all of it is ASCII here.
function parse(input) {
    const end = input.indexOf(HEAD_END);
    if (end < 0) return null;
    const [first, ...lines] = input.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const text = input.slice(end + HEAD_END.length);
    const length = Number(headers['content-length'] ?? 0);
    if (text.length < length) return null;
    return { status: Number(first.split(' ')[1]), headers, text };
}
