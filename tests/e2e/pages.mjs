// Serves the test page and the client libraries it loads, from this folder only, on a free port.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const FILES = {
    '/': ['page/index.html', 'text/html'],
    '/meeting.js': ['page/meeting.js', 'text/javascript'],
    '/janus.js': ['node_modules/janus-gateway/npm/dist/janus.es.js', 'text/javascript'],
    '/adapter.js': ['node_modules/webrtc-adapter/out/adapter.js', 'text/javascript'],
};

async function serve(request, response) {
    const [file, type] = FILES[request.url] ?? [];
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
