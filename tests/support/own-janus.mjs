// A Janus apart from any stack (tests/support/janus), for tests that stand between it and the bridge.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TOOL = fileURLToPath(new URL('janus', import.meta.url));

function freePort() {
    return new Promise((resolve) => {
        const server = net.createServer().listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

export async function startOwnJanus() {
    const folder = await mkdtemp(join(tmpdir(), 'lynks-janus-'));
    const [httpPort, wsPort] = [await freePort(), await freePort()];
    const remove = () => rm(folder, { recursive: true, force: true });
    try {
        const { stdout } = await run(TOOL, ['start', folder, String(httpPort)],
            { env: { ...process.env, JANUS_WS_PORT: String(wsPort) } });
        return {
            httpPort,
            wsPort,
            adminKey: /^LYNKS_JANUS_ADMIN_KEY=(.*)$/m.exec(stdout)[1],
            async stop() {
                await run(TOOL, ['stop', folder]);
                await remove();
            },
        };
    } catch (error) {
        await remove();
        throw error;
    }
}
