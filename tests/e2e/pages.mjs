// Serves the test pages and what they load, from this folder and the client's core only, on a free port.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const FILES = {
    '/': ['page/index.html', 'text/html'],
    '/meeting.js': ['page/meeting.js', 'text/javascript'],
    '/people': ['page/people.html', 'text/html'],
    '/people.js': ['page/people.js', 'text/javascript'],
    '/whip': ['page/whip.html', 'text/html'],
    '/whip.js': ['page/whip.js', 'text/javascript'],
    '/whip-whep/whip.js': ['node_modules/whip-whep/whip.js', 'text/javascript'],
    '/whip-whep/whep.js': ['node_modules/whip-whep/whep.js', 'text/javascript'],
    '/janus.js': ['node_modules/janus-gateway/npm/dist/janus.es.js', 'text/javascript'],
    '/adapter.js': ['node_modules/webrtc-adapter/out/adapter.js', 'text/javascript'],
};
const CORE = /^\/core\/((?:[a-z]+\/)*[a-z_]+\.js)$/;

function fileOf(url) {
    const core = CORE.exec(url)?.[1];
    return core === undefined ? FILES[url] : [`../../gateway/web/core/${core}`, 'text/javascript'];
}

async function serve(request, response) {
    const [file, type] = fileOf(request.url) ?? [];
    if (!file) return response.writeHead(404).end();
    const content = await readFile(new URL(file, import.meta.url));
    return response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(content);
}

export async function servePages() {
    const server = createServer(serve);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        url: `http://127.0.0.1:${server.address().port}/`,
        close: () => new Promise((resolve) => {
            server.close(resolve);
            server.closeAllConnections();
        }),
    };
}
