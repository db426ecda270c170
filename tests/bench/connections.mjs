// Opens and closes connections, each with one request, from many addresses of 127/8.
import http from 'node:http';

const AT_A_TIME = 64;
const ADDRESSES = 250;

function once(port, token, i) {
    return new Promise((resolve, reject) => {
        const body = '{"room_id":123456}';
        const request = http.request({
            host: '127.0.0.1', port, path: '/list_participants', method: 'POST', agent: false,
            localAddress: `127.3.0.${1 + (i % ADDRESSES)}`,
            headers: { authorization: token, 'content-length': body.length },
        }, (response) => {
            response.resume();
            response.on('end', () => {
                // A reset leaves no TIME_WAIT, of which there would soon be too many.
                request.socket.resetAndDestroy();
                resolve(response.statusCode);
            });
        });
        request.on('error', reject);
        request.end(body);
    });
}

/// How many of count connections got an answer other than 200.
export async function openAndClose(port, token, count) {
    let next = 0;
    let refused = 0;
    const worker = async () => {
        while (next < count) {
            next += 1;
            if (await once(port, token, next) !== 200) refused += 1;
        }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    return refused;
}
