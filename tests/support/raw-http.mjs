// HTTP by hand, for what no well-behaved client sends.
import net from 'node:net';

const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map((m) => Number(m[1]));

/// Connects, sends the parts as they are, and collects what comes until the peer closes, so many `answers` are there,
/// or `ms` are over.
export function exchange(port, parts, { ms = 15000, answers = Infinity, localAddress, halfClose = false } = {}) {
    return new Promise((resolve) => {
        const socket = net.connect({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true });
        const begin = performance.now();
        let text = '';
        let timer;
        const finish = (closed) => {
            clearTimeout(timer);
            socket.destroy();
            resolve({ closed, text, ms: performance.now() - begin,
                statuses: statuses(text) });
        };
        timer = setTimeout(finish, ms, false);
        socket.on('data', (data) => {
            text += data.toString('latin1');
            if (statuses(text).length >= answers) finish(false);
        });
        socket.on('end', () => finish(true));
        socket.on('error', () => finish(true));
        socket.on('connect', () => {
            for (const part of parts) socket.write(part);
            if (halfClose) socket.end();
        });
    });
}

/// Opens a connection and leaves it to the caller; null if it is refused.
export function open(port, localAddress) {
    return new Promise((resolve) => {
        const socket = net.connect({ host: '127.0.0.1', port, localAddress });
        socket.once('connect', () => resolve(socket));
        socket.on('error', () => resolve(null));
    });
}
