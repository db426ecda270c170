// Opens connections, each with one request, from many addresses of 127/8.
import net from 'node:net';

const AT_A_TIME = 64;
const ADDRESSES = 250;
const PATIENCE_MS = 30000;

const requestOf = (token) => {
    const body = '{"room_id":123456}';
    return `POST /list_participants HTTP/1.1\r\nHost: x\r\nAuthorization: ${token}\r\nContent-Length: ${
        body.length}\r\n\r\n${body}`;
};

function connect(port, i, onConnect) {
    return net.connect({ host: '127.0.0.1', port, localAddress: `127.3.0.${1 + (i % ADDRESSES)}` }, onConnect);
}

// A reset leaves no TIME_WAIT, of which there would soon be too many.
const close = (socket) => socket.resetAndDestroy();

// The socket after its answer has come; an error if that is not 200.
function ask(port, request, i) {
    return new Promise((resolve, reject) => {
        const socket = connect(port, i, () => socket.write(request));
        let text = '';
        socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no answer')));
        socket.once('error', reject);
        socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(text.slice(0, 100))}`)));
        socket.on('data', (data) => {
            text += data;
            if (!text.endsWith('}')) return;
            socket.setTimeout(0);
            if (text.startsWith('HTTP/1.1 200 ')) resolve(socket);
            else close(socket);
        });
    });
}

async function inParallel(count, each) {
    let next = 0;
    const worker = async () => {
        while (next < count) {
            next += 1;
            await each(next);
        }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

/// How many of count connections got an answer other than 200, or none.
export async function openAndClose(port, token, count) {
    const request = requestOf(token);
    let refused = 0;
    await inParallel(count, (i) => ask(port, request, i).then(close, () => { refused += 1; }));
    return refused;
}

/// Opens count connections that stay after one answered request each.
export async function openIdle(port, token, count) {
    const request = requestOf(token);
    const sockets = [];
    await inParallel(count, async (i) => {
        const socket = await ask(port, request, i);
        socket.on('error', () => {});
        sockets.push(socket);
    });
    return { closed: () => sockets.filter((socket) => socket.destroyed).length, close: () => sockets.forEach(close) };
}
