// The stack of deploy/compose.yaml on the engine that DOCKER_HOST names.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Stack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOG = join(process.env.LYNKS_ENGINE, 'compose.log');
// What the stack runs with that is up now.
const RUNNING_WITH = join(process.env.LYNKS_ENGINE, 'running-with.json');
// The gateway answers within 4.
const REQUEST_MS = 10000;
const BACK_MS = 60000;
const OPS_PORTS = { gateway: 5800, authsvc: 5801, roomsvc: 5802, janusbridge: 5803 };

export const STATELESS = ['authsvc', 'roomsvc', 'gateway'];
export const IMAGES = ['secrets', 'migrate', 'mysql', 'janus', 'authsvc', 'roomsvc', 'janusbridge', 'gateway', 'proxy', 'admin'];

const run = (command, args) => promisify(execFile)(command, args, { cwd: ROOT, maxBuffer: 1 << 26 });

export const docker = async (...args) => (await run('docker', args)).stdout;

export const serviceOf = (name) => name.split('_')[0];

// Runs the health check of a container now; fails if that does. The engine runs it every few seconds only, and what it
// says may be older than what a test has just done to another container.
const askHealth = ({ Id, Config }) => docker('exec', Id, ...Config.Healthcheck.Test.slice(1));

/// env: what the user sets; nothing of what the tests were started with but the engine's. files: what compose is given.
export class Containers extends Stack {
    #files;

    constructor(env, files = ['deploy/compose.yaml']) {
        super(process.env.LYNKS_ENGINE, 0, {});
        this.#files = files.flatMap((file) => ['-f', file]);
        const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('LYNKS_'));
        this.env = { ...Object.fromEntries(ours), ...env };
        this.ports = { http: 60000, janusHttp: 8088, janusWs: 8188, mysql: 3307 };
        this.janusUrl = 'http://127.0.0.1:8088/janus';
        this.janusWsUrl = 'ws://127.0.0.1:8188';
    }

    /// What it prints goes to a log.
    async #spawn(args) {
        const log = createWriteStream(LOG, { flags: 'a' });
        await once(log, 'open');
        const child = spawn('docker-compose', [...this.#files, ...args],
            { cwd: ROOT, env: this.env, stdio: ['ignore', log, log] });
        child.on('spawn', () => log.close());
        return child;
    }

    /// The end of the log is the error when it fails.
    async compose(...args) {
        const [code] = await once(await this.#spawn(args), 'exit');
        if (code !== 0) {
            const text = await readFile(LOG, 'utf8');
            throw new Error(`docker-compose ${args.join(' ')}: ${text.slice(-3000)}`);
        }
    }

    /// As if somebody pressed Ctrl-C when the first server runs.
    async interruptedStart() {
        const child = await this.#spawn(['up', '--detach']);
        const ended = once(child, 'exit');
        await eventually(async () => (await this.running()).size > 0, { within: BACK_MS, what: 'a container runs' });
        child.kill('SIGINT');
        await ended;
    }

    /// As a user starts it, with two of each stateless service.
    start(...options) {
        return this.compose('up', ...(options.length ? options : ['--build']), '--detach',
            ...STATELESS.flatMap((name) => ['--scale', `${name}=2`]));
    }

    /// Every container, also those that ended: what `docker inspect` says, by "service_number".
    async containers() {
        const ids = (await docker('ps', '--all', '--quiet', '--filter', 'label=com.docker.compose.project=lynks'))
            .split('\n').filter(Boolean);
        const all = ids.length ? JSON.parse(await docker('inspect', ...ids)) : [];
        return new Map(all.map((one) => {
            const labels = one.Config.Labels;
            const name = `${labels['com.docker.compose.service']}_${labels['com.docker.compose.container-number']}`;
            return [name, one];
        }).sort(([a], [b]) => a.localeCompare(b)));
    }

    async running() {
        return new Map([...await this.containers()].filter(([, one]) => one.State.Running));
    }

    async allHealthy(within = 2 * BACK_MS) {
        await eventually(async () => {
            for (const [name, one] of await this.running()) {
                if (one.State.Health.Status !== 'healthy') throw new Error(`${name} is ${one.State.Health.Status}`);
            }
            return true;
        }, { within, what: 'all containers are healthy' });
        await eventually(async () => {
            await Promise.all([...(await this.running()).values()].map(askHealth));
            return true;
        }, { within, what: 'all containers find themselves healthy' });
    }

    /// Kills as a crash would, and waits until what died is back by itself: one container ("authsvc_1"), all of a
    /// service at once ("authsvc"), or the process in the container of Janus ("janus").
    async crash(name) {
        if (name === 'janus') return this.#crashJanus();
        const died = [...await this.running()].filter(([one]) => one === name || serviceOf(one) === name);
        for (const [, { State }] of died) process.kill(State.Pid, 'SIGKILL');
        await eventually(async () => {
            const now = await this.containers();
            return (await Promise.all(died.map(([one, before]) => this.#isBack(now.get(one), before, one === name))))
                .every(Boolean);
        }, { within: BACK_MS, what: `${name} is back` });
        // The proxy has to find it, too.
        return eventually(async () => {
            const answer = await this.request('/login', { method: 'GET', agent: undefined });
            return answer.status === 405;
        }, { within: BACK_MS, what: 'a gateway is reached' });
    }

    /// settled: the engine has to know it, too.
    async #isBack(container, before, settled) {
        if (container.State.StartedAt === before.State.StartedAt || !container.State.Running) return false;
        if (settled) return container.State.Health.Status === 'healthy';
        await askHealth(container);
        return true;
    }

    async #crashJanus() {
        const old = await this.signal('janus', 'SIGKILL');
        await eventually(async () => await this.pid('janus') !== old, { within: BACK_MS, what: 'Janus restarts' });
    }

    /// The process id of the first replica; of Janus' container, the process that its first one has started.
    async pid(name) {
        const { State: { Pid } } = (await this.running()).get(`${name}_1`);
        if (name !== 'janus') return Pid;
        return Number((await readFile(`/proc/${Pid}/task/${Pid}/children`, 'utf8')).match(/^\d+/)[0]);
    }

    /// The ops listener of a container, or of the first replica of a service: on loopback, so asked from inside.
    async ops(name, path) {
        const { Id } = (await this.running()).get(name.includes('_') ? name : `${name}_1`);
        const text = await docker('exec', Id, 'bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${OPS_PORTS[serviceOf(name)]}
            printf 'GET ${path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3; cat <&3`);
        const [head, body] = text.split(/\r\n\r\n([^]*)/);
        const [first, ...lines] = head.split('\r\n');
        const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/))
            .map(([name, value]) => [name.toLowerCase(), value]));
        return { status: Number(first.split(' ')[1]), headers, text: body, json: /json/.test(headers['content-type'])
            ? JSON.parse(body) : undefined };
    }

    /// What each service has logged, all its replicas together, under the names that deploy/up gives its log files.
    async logs() {
        const texts = new Map();
        for (const [name, { Id }] of await this.containers()) {
            const { stdout, stderr } = await run('docker', ['logs', Id]);
            const file = `${serviceOf(name)}.log`;
            texts.set(file, (texts.get(file) ?? '') + stdout + stderr);
        }
        return texts;
    }

    /// Rows of a query on the stack's database, as arrays of strings.
    async sql(query) {
        return (await this.query(query, ['lynks_db'])).split('\n').filter(Boolean).map((line) => line.split('\t'));
    }

    async secret(name) {
        return (await this.volume('secrets')).get(name).trim();
    }

    /// It stays for the program that comes next; the engine's end takes everything away.
    async remove() {
        this.agent.destroy();
    }

    /// Rows of a query, as root inside the database's container or with a role's own account.
    async query(sql, account = []) {
        const { Id } = (await this.containers()).get('mysql_1');
        return docker('exec', Id, 'mariadb', '--batch', '--skip-column-names', ...account, '--execute', sql);
    }

    /// A volume's files: name -> text.
    async volume(name) {
        const [{ Mountpoint }] = JSON.parse(await docker('volume', 'inspect', `lynks_${name}`));
        const files = (await readdir(Mountpoint, { recursive: true, withFileTypes: true }))
            .filter((entry) => entry.isFile());
        return new Map(await Promise.all(files.map(async (entry) => [entry.name,
            await readFile(join(entry.parentPath ?? entry.path, entry.name), 'utf8')])));
    }

    /// A request as a client with a time-out makes it: the answer, or an error with what happened.
    async patient(call) {
        let timer;
        const late = new Promise((resolve, reject) => {
            timer = setTimeout(() => reject(new Error(`no answer within ${REQUEST_MS} ms`)), REQUEST_MS);
        });
        try {
            return await Promise.race([call(), late]);
        } finally {
            clearTimeout(timer);
        }
    }
}

/// For the tests that are written for any stack (tests/support/stack.mjs). One that runs with all that is asked for
/// serves several programs, which follow each other; otherwise it is started afresh.
export async function startContainers(env) {
    const stack = new Containers({ LYNKS_PUBLIC_IP: '127.0.0.1', ...env });
    const now = JSON.parse(await readFile(RUNNING_WITH, 'utf8').catch(() => 'null'));
    if (!now || Object.entries(env).some(([name, value]) => now[name] !== value)) {
        await stack.compose('down', '--volumes');
        await stack.start('--no-build');
        await writeFile(RUNNING_WITH, JSON.stringify(env));
    }
    await stack.allHealthy();
    return stack;
}
