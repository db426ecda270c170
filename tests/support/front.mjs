// What stands between a browser and a stack: a server that passes requests on as they are, and remembers them; and servers
// of pages that are not ours. Over HTTPS with a certificate that nobody trusts.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/// A key and a certificate of it.
export async function makeCertificate() {
    const folder = await mkdtemp(join(tmpdir(), 'lynks-certificate-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
        '-subj', '/CN=example.test', '-keyout', key, '-out', cert]);
    const pair = { key: await readFile(key), cert: await readFile(cert) };
    await rm(folder, { recursive: true });
    return pair;
}

async function listen(certificate, onRequest) {
    const server = certificate ? https.createServer(certificate, onRequest) : http.createServer(onRequest);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        port: server.address().port,
        close: () => new Promise((resolve) => {
            server.close(resolve);
            server.closeAllConnections();
        }),
    };
}

/// Passes requests on to target.port, which may be set later. seen: what came, and what the answer was.
export async function startFront(certificate) {
    const target = { port: 0 };
    const seen = [];
    const front = await listen(certificate, (request, response) => {
        const { method, url: path, headers, rawHeaders } = request;
        // A connection for each: a stream begins on none that had a request before.
        const options = { host: '127.0.0.1', port: target.port, method, path, headers: rawHeaders, agent: false };
        const forwarded = http.request(options, (answer) => {
            seen.push({ method, path, headers, status: answer.statusCode });
            response.writeHead(answer.statusCode, answer.rawHeaders);
            answer.pipe(response);
        });
        forwarded.on('error', () => response.destroy());
        request.pipe(forwarded);
    });
    return { ...front, target, seen };
}

/// Serves an empty page at any path, under any name.
export function servePage(certificate) {
    return listen(certificate, (request, response) => {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!DOCTYPE html><title>page</title>');
    });
}
