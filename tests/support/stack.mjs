// A whole Lynks through deploy/up, in a state folder and on ports of its own; any number side by side.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from './wait.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVICES = ['gateway', 'authsvc', 'roomsvc', 'janusbridge'];
// Bus and ops ports lie within this distance of the base.
const PORTS_PER_STACK = 200;
const FAULTS = /(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error: |Assertion .* failed|stack smashing|an array is full|corrupted|double free|(malloc|free|realloc)\(\): /;

// A program that is told to end, or that fails, takes its stacks with it.
const running = new Set();
function downAll() {
    for (const stack of running) execFileSync(join(ROOT, 'deploy', 'down'), { env: stack.env, stdio: 'ignore' });
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
process.on('exit', downAll);

function portIsFree(port) {
    return new Promise((resolve) => {
        const server = net.createServer();
        server.once('error', () => resolve(false));
        server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
}

// Below the range that the kernel draws from for outgoing connections, and none that tests beside this one look at.
export async function freeBlock() {
    for (let attempt = 0; attempt < 100; attempt += 1) {
        const block = 2 * Math.floor(Math.random() * 50) + (Number(process.env.TEST_SLOT ?? 0) % 2);
        const base = 10000 + PORTS_PER_STACK * block;
        const wanted = [0, 1, 2, 3, 11, 12, 13, 88, 98, 100, 101, 102, 103, 110, 111, 112, 113, 114, 115, 116].map((n) => base + n);
        if ((await Promise.all(wanted.map(portIsFree))).every(Boolean)) return base;
    }
    throw new Error('no free ports');
}

/// A response with what tests look at; of a stream of events its first piece.
async function answerOf(response) {
    const chunks = [];
    const isStream = response.headers['content-type'] === 'text/event-stream';
    for await (const chunk of response) {
        chunks.push(chunk);
        if (isStream) break; // which ends the connection
    }
    const text = Buffer.concat(chunks).toString();
    let json;
    try {
        json = JSON.parse(text);
    } catch {
        json = undefined;
    }
    return { status: response.statusCode, headers: response.headers, text, json };
}

export class Stack {
    /// under: a command, with its arguments, that deploy's scripts run under, such as prlimit.
    constructor(state, base, env, under = []) {
        this.state = state;
        this.under = under;
        this.base = base;
        this.ports = { http: base + 110, janusHttp: base + 111, janusWs: base + 112, mysql: base + 113,
            https: base + 114, redirect: base + 115, turn: base + 116, frontOps: base + 98 };
        this.env = {
            PATH: process.env.PATH,
            HOME: process.env.HOME,
            TMPDIR: tmpdir(),
            // Another build than release, say build/dev with its sanitizers.
            ...(process.env.LYNKS_BUILD ? { LYNKS_BUILD: process.env.LYNKS_BUILD } : {}),
            LYNKS_STATE: state,
            LYNKS_BASE_PORT: String(base),
            LYNKS_HTTP_PORT: String(this.ports.http),
            LYNKS_JANUS_HTTP_PORT: String(this.ports.janusHttp),
            LYNKS_JANUS_WS_PORT: String(this.ports.janusWs),
            LYNKS_MYSQL_PORT: String(this.ports.mysql),
            LYNKS_TLS_HOST: '127.0.0.1',
            LYNKS_TLS_PORT: String(this.ports.https),
            LYNKS_TLS_HTTP_PORT: String(this.ports.redirect),
            LYNKS_TURN_PORT: String(this.ports.turn),
            LYNKS_DEMO_USER: '1',
            LYNKS_WEB: '0', // few tests need the client, and building it takes time
            ...env,
        };
        this.agent = new http.Agent({ keepAlive: true });
        this.janusUrl = `http://127.0.0.1:${this.ports.janusHttp}/janus`;
        this.janusWsUrl = `ws://127.0.0.1:${this.ports.janusWs}`;
    }

    deploy(command, ...args) {
        const [program, ...rest] = [...this.under, join(ROOT, 'deploy', command), ...args];
        return run(program, rest, { env: this.env, cwd: ROOT, maxBuffer: 1 << 24 });
    }

    async up(env = {}) {
        Object.assign(this.env, env);
        running.add(this);
        await this.deploy('up', '--detach');
    }

    async down() {
        this.agent.destroy();
        await this.deploy('down');
        running.delete(this);
    }

    /// Stops everything and removes its state. Fails if a process has found a fault in itself: a crash
    /// that the supervisor mended in time would go unseen otherwise.
    async remove() {
        await this.down();
        const faults = [...(await this.logs())].filter(([, text]) => FAULTS.test(text));
        await rm(this.state, { recursive: true, force: true });
        if (faults.length > 0) throw new Error(faults.map(([name, text]) => `${name}:\n${text.slice(-8000)}`).join('\n'));
    }

    /// One HTTP request. body: an object for JSON, or a string or Buffer to send as it is.
    request(path, { method = 'POST', body, token, headers = {}, port = this.ports.http, agent = this.agent,
        localAddress } = {}) {
        const payload = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
            ? body : JSON.stringify(body);
        const options = {
            host: '127.0.0.1', port, path, method, agent, localAddress,
            headers: {
                ...(payload === undefined ? {} : { 'content-type': 'application/json',
                    'content-length': Buffer.byteLength(payload) }),
                ...(token === undefined ? {} : { authorization: token }),
                ...headers,
            },
        };
        return new Promise((resolve, reject) => {
            const request = http.request(options, (response) => answerOf(response).then(resolve, reject));
            request.on('error', reject);
            request.end(payload);
        });
    }

    login(username = 'testuser', password = 'test123') {
        return this.request('/login', { body: { username, password } });
    }

    async token() {
        const answer = await this.login();
        if (answer.status !== 200) throw new Error(`login: ${answer.status} ${answer.text}`);
        return answer.json.token;
    }

    create(token, options = {}) {
        return this.request('/create', { body: {}, token, ...options });
    }

    list(token, room = 123456, options = {}) {
        return this.request('/list_participants', { body: { room_id: room }, token, ...options });
    }

    /// The ops listener of a service.
    ops(service, path) {
        const port = this.base + 100 + SERVICES.indexOf(service);
        return this.request(path, { method: 'GET', port, agent: undefined });
    }

    async pid(name) {
        return Number(await readFile(join(this.state, 'run', `${name}.pid`), 'utf8'));
    }

    async signal(name, signal) {
        const pid = await this.pid(name);
        process.kill(pid, signal);
        return pid;
    }

    /// Kills it as a crash would and waits until the supervisor has started another that answers.
    async crash(name) {
        const old = await this.signal(name, 'SIGKILL');
        await eventually(async () => (await this.pid(name)) !== old, { within: 5000, what: `${name} restarts` });
        if (SERVICES.includes(name)) {
            await eventually(async () => (await this.ops(name, '/readyz')).status === 200,
                { within: 10000, what: `${name} ready` });
        }
    }

    /// Every log file: name -> text.
    async logs() {
        const folder = join(this.state, 'log');
        const files = await readdir(folder);
        const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
        return new Map(files.map((file, i) => [file, texts[i]]));
    }

    /// Rows of a query on the stack's database, as arrays of strings.
    async sql(query) {
        const { stdout } = await run('mariadb', ['--no-defaults', '--batch', '--skip-column-names', '--host=127.0.0.1',
            `--port=${this.ports.mysql}`, '--user=lynks', 'lynks_db', '--execute', query],
        { maxBuffer: 1 << 28, env: { ...process.env, MYSQL_PWD: await this.secret('mysql-password') } });
        return stdout.split('\n').filter(Boolean).map((line) => line.split('\t'));
    }

    async secret(name) {
        return (await readFile(join(this.state, 'secrets', name), 'utf8')).trim();
    }

    /// A request to Janus' own API, as its clients make them.
    async janus(path, body) {
        const answer = await this.request(`/janus${path}`, { port: this.ports.janusHttp, agent: undefined,
            body: { transaction: Math.random().toString(36).slice(2), ...body } });
        return answer.json;
    }
}

/// Set by tests/compose/inside: the stack is then the one of deploy/compose.yaml, two of each stateless service.
export const inContainers = Boolean(process.env.LYNKS_TEST_CONTAINERS);

/// Starts a stack; env adds to or overrides what deploy/up gets. under: as above, and base: of its ports; neither in containers.
export async function startStack(env = {}, under = [], base = undefined) {
    if (inContainers) return (await import('../compose/compose.mjs')).startContainers(env);
    const state = await mkdtemp(join(tmpdir(), 'lynks-stack-'));
    const stack = new Stack(state, base ?? await freeBlock(), env, under);
    try {
        await stack.up();
    } catch (error) {
        await stack.remove().catch(() => {});
        throw new Error(`deploy/up: ${error.stderr || error.stdout || error.message}`);
    }
    return stack;
}
