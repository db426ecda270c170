// Clients of the front of a stack: requests over HTTPS, over HTTP/2, and what is seen of its certificate.
import http2 from 'node:http2';
import https from 'node:https';
import tls from 'node:tls';

/// One request on a connection of its own, unless the agent has one. tls: of Node: ca, servername.
export function ask(port, path, { method = 'GET', body, token, headers = {}, tls: secure = {}, agent = false, localAddress } = {}) {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const options = {
        host: '127.0.0.1', port, path, method, agent, localAddress, ...secure,
        headers: {
            host: secure.servername,
            ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...headers,
        },
    };
    return new Promise((resolve, reject) => {
        const request = https.request(options, async (response) => {
            let text = '';
            response.setEncoding('utf8');
            for await (const piece of response) text += piece;
            resolve({ status: response.statusCode, headers: response.headers, text,
                json: /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(text) : undefined });
        });
        request.on('error', reject);
        request.end(payload);
    });
}

/// GET over HTTP/2: the headers, with ':status'.
export async function askByHttp2(port, path, { ca, servername }) {
    const session = http2.connect(`https://${servername}:${port}`, { ca, servername, host: '127.0.0.1',
        createConnection: () => tls.connect({ host: '127.0.0.1', port, ca, servername, ALPNProtocols: ['h2'] }) });
    try {
        return await new Promise((resolve, reject) => {
            session.on('error', reject);
            const stream = session.request({ ':path': path });
            stream.on('error', reject);
            stream.on('response', (headers) => {
                stream.resume();
                stream.on('end', () => resolve(headers));
            });
            stream.end();
        });
    } finally {
        session.close();
    }
}

/// The certificate that is served now, and whether this authority stands for it.
export function servedCertificate(port, { ca, servername }) {
    return new Promise((resolve, reject) => {
        const socket = tls.connect({ host: '127.0.0.1', port, ca, servername, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] }, () => {
            const certificate = socket.getPeerCertificate();
            resolve({ ...certificate, isTrusted: socket.authorized, why: socket.authorizationError, protocol: socket.alpnProtocol });
            socket.destroy();
        });
        socket.on('error', reject);
    });
}
