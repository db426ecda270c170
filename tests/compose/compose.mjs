// The stack of deploy/compose.yaml on the engine that DOCKER_HOST names.
import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Stack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOG = join(process.env.LYNKS_ENGINE, 'compose.log');
const REQUEST_MS = 5000;

export const STATELESS = ['authsvc', 'roomsvc', 'gateway'];
export const IMAGES = ['secrets', 'migrate', 'mysql', 'janus', 'authsvc', 'roomsvc', 'janusbridge', 'gateway', 'proxy'];

async function run(command, args, env = {}) {
    const { stdout } = await promisify(execFile)(command, args,
        { cwd: ROOT, env: { ...process.env, ...env }, maxBuffer: 1 << 26 });
    return stdout;
}

export const docker = (...args) => run('docker', args);

/// env: what the user sets; nothing of what the tests were started with but the engine's.
export class Containers extends Stack {
    constructor(env) {
        super(process.env.LYNKS_ENGINE, 0, {});
        const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('LYNKS_'));
        this.env = { ...Object.fromEntries(ours), ...env };
        this.ports = { http: 60000, janusHttp: 8088, janusWs: 8188, mysql: 3307 };
        this.janusUrl = 'http://127.0.0.1:8088/janus';
        this.janusWsUrl = 'ws://127.0.0.1:8188';
    }

    /// What it prints goes to a log, whose end is the error when it fails.
    async compose(...args) {
        const log = createWriteStream(LOG, { flags: 'a' });
        await new Promise((resolve) => log.on('open', resolve));
        const child = spawn('docker-compose', ['-f', 'deploy/compose.yaml', ...args],
            { cwd: ROOT, env: this.env, stdio: ['ignore', log, log] });
        const code = await new Promise((resolve) => child.on('exit', resolve));
        log.close();
        if (code !== 0) {
            const text = await readFile(LOG, 'utf8');
            throw new Error(`docker-compose ${args.join(' ')}: ${text.slice(-3000)}`);
        }
    }

    /// As a user starts it, with two of each stateless service.
    start() {
        return this.compose('up', '--build', '--detach', ...STATELESS.flatMap((name) => ['--scale', `${name}=2`]));
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

    async allHealthy(within = 60000) {
        await eventually(async () => {
            for (const [name, one] of await this.running()) {
                if (one.State.Health.Status !== 'healthy') throw new Error(`${name} is ${one.State.Health.Status}`);
            }
            return true;
        }, { within, what: 'all containers are healthy' });
    }

    /// Kills the process of a container as a crash would; the restart policy brings it back.
    async crash(name) {
        const { State: { Pid, StartedAt } } = (await this.containers()).get(name);
        process.kill(Pid, 'SIGKILL');
        await eventually(async () => {
            const { State } = (await this.containers()).get(name);
            return State.StartedAt !== StartedAt && State.Health.Status === 'healthy';
        }, { within: 30000, what: `${name} is back` });
    }

    /// Kills the process that the first one of a container has started.
    async crashChild(name) {
        const { State: { Pid } } = (await this.containers()).get(name);
        const children = await readFile(`/proc/${Pid}/task/${Pid}/children`, 'utf8');
        process.kill(Number(children.trim().split(' ')[0]), 'SIGKILL');
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
