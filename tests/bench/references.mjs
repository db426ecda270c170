// What Lynks is measured against in the same run: nginx that answers 200 at once, Janus asked directly, and what a user
// would write instead: a small Node server on janode (janode/server.mjs).
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/wait.mjs';
import { atExit } from './cleanup.mjs';

const NGINX_WORKERS = 2;
const JANUS_HANDLES = 8;
const JANODE = fileURLToPath(new URL('janode/server.mjs', import.meta.url));

function connects(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
        socket.on('error', () => resolve(false));
    });
}

export async function startNginx(folder, port) {
    const home = join(folder, 'nginx');
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'nginx.conf'), `
        daemon off; pid nginx.pid; error_log error.log; worker_processes ${NGINX_WORKERS};
        events { worker_connections 2048; }
        http {
            access_log off; keepalive_requests 100000000;
            client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
            server { listen 127.0.0.1:${port}; location / { return 200 "ok"; } }
        }`);
    return startServer('nginx', ['-p', home, '-c', 'nginx.conf'], port);
}

/// The Node server, on the WebSocket of the stack's Janus.
export function startJanode(stack, port) {
    return startServer(process.execPath, [JANODE, String(port), `${stack.janusWsUrl}/`, String(JANUS_HANDLES)], port);
}

async function startServer(command, args, port) {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    let failure;
    child.once('error', (error) => { failure = error; });
    child.once('exit', (code) => { failure = new Error(`${command} ended with ${code}`); });
    const forget = atExit(() => child.kill('SIGTERM'));
    await eventually(() => {
        if (failure) throw failure;
        return connects(port);
    }, { what: command });
    return {
        port,
        pid: child.pid,
        stop: () => new Promise((resolve) => {
            forget();
            if (child.exitCode !== null) resolve();
            child.once('exit', resolve);
            child.kill('SIGTERM');
        }),
    };
}

/// A session with handles to send requests on; the paths go to the file "paths".
export async function openJanusHandles(stack, folder) {
    const session = (await stack.janus('', { janus: 'create' })).data.id;
    const paths = [];
    for (let i = 0; i < JANUS_HANDLES; i += 1) {
        const handle = (await stack.janus(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
        paths.push(`/janus/${session}/${handle}`);
    }
    await writeFile(join(folder, 'paths'), `${paths.join('\n')}\n`);
    return () => stack.janus(`/${session}`, { janus: 'destroy' });
}
