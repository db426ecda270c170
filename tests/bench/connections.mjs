// Opens and closes connections, each with one request, from many addresses of 127/8.
import net from 'node:net';

const AT_A_TIME = 64;
const ADDRESSES = 250;

// True if it was answered with 200.
function once(port, request, i) {
    return new Promise((resolve, reject) => {
        const socket = net.connect({ host: '127.0.0.1', port, localAddress: `127.3.0.${1 + (i % ADDRESSES)}` },
            () => socket.write(request));
        let text = '';
        socket.on('error', reject);
        socket.on('close', () => resolve(text.startsWith('HTTP/1.1 200 ')));
        socket.on('data', (data) => {
            text += data;
            // A reset leaves no TIME_WAIT, of which there would soon be too many.
            if (text.endsWith('}')) socket.resetAndDestroy();
        });
    });
}

/// How many of count connections got an answer other than 200.
export async function openAndClose(port, token, count) {
    const body = '{"room_id":123456}';
    const request = `POST /list_participants HTTP/1.1\r\nHost: x\r\nAuthorization: ${token}\r\nContent-Length: ${
        body.length}\r\n\r\n${body}`;
    let next = 0;
    let refused = 0;
    const worker = async () => {
        while (next < count) {
            next += 1;
            if (!await once(port, request, next)) refused += 1;
        }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    return refused;
}
