// A way to Janus on which requests can be held up: what a bridge asks is then under way for as long as a test wants.
import http from 'node:http';

const readAll = async (message) => {
    const pieces = [];
    for await (const piece of message) pieces.push(piece);
    return Buffer.concat(pieces);
};

/// holdRequests(text), holdAnswers(text): those that have text in their body wait, before Janus has them or after. release() lets go what
/// waits, and all to come. What is held of who has gone meanwhile is thrown away.
export async function startHoldProxy(janusPort) {
    let held; // { text, isRequest }
    let waiting = [];
    let count = 0;
    const agent = new http.Agent({ keepAlive: true });

    const wait = async (body, isRequest) => {
        if (held === undefined || held.isRequest !== isRequest || !body.includes(held.text)) return;
        count += 1;
        await new Promise((resolve) => { waiting.push(resolve); });
    };
    const ask = ({ method, url, headers }, body) => new Promise((resolve, reject) => {
        http.request({ host: '127.0.0.1', port: janusPort, method, path: url, headers, agent }, resolve).on('error', reject).end(body);
    });
    const server = http.createServer(async (request, response) => {
        try {
            const body = await readAll(request);
            await wait(body, true);
            if (response.destroyed) return;
            const answer = await ask(request, body);
            const text = await readAll(answer);
            await wait(body, false);
            response.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] ?? 'application/json', 'content-length': text.length });
            response.end(text);
        } catch {
            response.destroy(); // who asked has gone, or Janus has
        }
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const hold = (text, isRequest) => {
        held = { text, isRequest };
        count = 0;
    };
    return {
        port: server.address().port,
        holdRequests: (text) => hold(text, true),
        holdAnswers: (text) => hold(text, false),
        held: () => count,
        release() {
            held = undefined;
            for (const go of waiting) go();
            waiting = [];
        },
        close() {
            this.release();
            agent.destroy();
            server.closeAllConnections();
            return new Promise((resolve) => { server.close(resolve); });
        },
    };
}
