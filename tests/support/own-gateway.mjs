// One more gateway beside those of a stack, with an environment of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './wait.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/// number: of its two ports in what is free of the stack's block; each gateway of a test has another one.
export async function startOwnGateway(stack, number, env) {
    const [httpPort, opsPort] = [0, 1].map((n) => stack.base + 160 + 2 * number + n);
    const bin = join(ROOT, process.env.LYNKS_BUILD ?? 'build/release', 'bin', 'lynks-gateway');
    const child = spawn(bin, [], { stdio: ['ignore', 'ignore', 'pipe'], env: {
        PATH: process.env.PATH,
        LYNKS_OPS_PORT: String(opsPort),
        LYNKS_HTTP_PORT: String(httpPort),
        LYNKS_BUS_SECRET_KEY_FILE: join(stack.state, 'secrets', 'bus', 'gateway.secret'),
        LYNKS_BUS_PUBLIC_KEYS_FILE: join(stack.state, 'secrets', 'bus', 'public'),
        LYNKS_TOKEN_KEY_FILE: join(stack.state, 'secrets', 'token-key'),
        LYNKS_AUTHSVC_ADDRESS: `127.0.0.1:${stack.base + 1}`,
        LYNKS_AUTHSVC_EVENTS: `127.0.0.1:${stack.base + 11}`,
        LYNKS_ROOMSVC_ADDRESS: `127.0.0.1:${stack.base + 2}`,
        LYNKS_ROOMSVC_EVENTS: `127.0.0.1:${stack.base + 12}`,
        LYNKS_JANUSBRIDGE_ADDRESS: `127.0.0.1:${stack.base + 3}`,
        LYNKS_JANUSBRIDGE_EVENTS: `127.0.0.1:${stack.base + 13}`,
        ...env,
    } });
    let log = '';
    child.stderr.on('data', (data) => { log += data; });
    const ready = () => stack.request('/readyz', { method: 'GET', port: opsPort, agent: undefined }).catch(() => ({}));
    await eventually(async () => (await ready()).status === 200, { within: 20000, what: 'the gateway is ready' });
    return {
        port: httpPort,
        opsPort,
        child,
        /// Ends it as an operator would, unless it has ended; what it logged.
        async end() {
            if (child.exitCode === null && child.signalCode === null) {
                child.kill('SIGCONT');
                child.kill('SIGTERM');
                await once(child, 'exit');
            }
            assert.equal(child.exitCode, 0, log.slice(-4000));
            return log;
        },
    };
}
