// What is done to a stack under load, and the verdict on what its clients saw meanwhile.
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { startStack } from '../support/stack.mjs';
import { eventually, sleep } from '../support/wait.mjs';
import { Load } from './load.mjs';
import { reconcile } from './reconcile.mjs';

// Of load in all, shared by the scenarios of all files; the full form is 420: a minute for each.
const SECONDS = Number(process.env.LYNKS_CHAOS_SECONDS ?? 20);
const SCENARIOS = 7;
const KILL_EVERY_MS = 2000;
const KILL_EVERY_MIN_MS = 1000; // of the short form
const BRIDGES = ['janusbridge', 'janusbridge-2'];
/// How long each scenario lasts at least.
export const SCENARIO_MS = Math.max(4000, (SECONDS * 1000) / SCENARIOS);
// A dependency counts as away until this long after its return.
const RECOVERY_MS = 2000;
// The supervisor waits longer after each kill, so it is away for about three times as long.
const AWAY_MS = 500;
// Longer than the recovery may take, so that all is seen to be well again, and than the supervisor needs to
// trust the process again.
const BETWEEN_OUTAGES_MS = RECOVERY_MS + 1500;
const SHOWN_FAILURES = 8;
// A run that fails while the load itself waited this long for a processor tells nothing: it is done again, so often.
const STARVED_MS = 250;
const ATTEMPTS = 4;
const SETTLE_MS = 5000;

/// A stack with a load on it.
export class Chaos {
    static async start({ replicas = 1, standardRoom = 123456, env = {} } = {}) {
        const stack = await startStack({
            ...(replicas > 1 ? { LYNKS_REPLICAS: String(replicas) } : {}),
            LYNKS_STANDARD_ROOM: String(standardRoom),
            // All clients have one address and one name here, and what is reconciled must not expire.
            LYNKS_LOGIN_ADDRESS_BURST: '1000000',
            LYNKS_LOGIN_NAME_BURST: '1000000',
            LYNKS_CREATE_BURST: '1000000',
            LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX: '0',
            LYNKS_SESSIONS_PER_USER_MAX: '100000',
            LYNKS_SESSION_IDLE_S: '3600',
            ...env,
        });
        const chaos = new Chaos(stack, new Load(stack, { standardRoom }));
        await chaos.load.begin();
        return chaos;
    }

    constructor(stack, load) {
        this.stack = stack;
        this.load = load;
        this.done = [];
    }

    // LYNKS_CHAOS_LOGS: a folder to copy the logs to, for who looks into a failure.
    async end() {
        this.load.end();
        if (process.env.LYNKS_CHAOS_LOGS) {
            await cp(join(this.stack.state, 'log'), process.env.LYNKS_CHAOS_LOGS, { recursive: true });
        }
        await this.stack.remove();
    }

    note(text) {
        this.done.push({ at: performance.now(), text });
    }

    /// Runs action under load, for SCENARIO_MS at least, and judges. action gives the times for which refusals
    /// are right, if any: [{ from, to, kinds }]. t: the test, which is told what was done and seen.
    async scenario(t, action) {
        for (let attempt = 1; ; attempt += 1) {
            const { records, failed } = await this.#attempt(t, action);
            if (failed.length === 0) return records;
            if (attempt === ATTEMPTS || this.load.starvedMs < STARVED_MS) {
                assert.fail(`${failed.length} of ${records.length} requests failed`);
            }
            t.diagnostic('so it tells nothing, and is done again');
            await sleep(SETTLE_MS);
        }
    }

    async #attempt(t, action) {
        this.done = [];
        this.load.start();
        const end = performance.now() + SCENARIO_MS;
        let away = [];
        let records;
        try {
            away = (await action(end)) ?? [];
            await sleep(end - performance.now());
        } finally {
            records = await this.load.stop();
        }
        const failed = records.filter((record) => !isRight(record, away));
        this.#tell(t, records, failed);
        await this.#explain(t, failed);
        await reconcile(this.stack, this.load);
        return { records, failed };
    }

    #tell(t, records, failed) {
        const delays = records.map((record) => record.ms).sort((a, b) => a - b);
        const at = (part) => delays[Math.min(delays.length - 1, Math.floor(delays.length * part))].toFixed(0);
        const refused = records.filter((record) => record.refused).length;
        const second = (when) => ((when - this.load.began) / 1000).toFixed(1);
        for (const { at: when, text } of this.done) t.diagnostic(`${second(when)} s: ${text}`);
        t.diagnostic(`${records.length} requests, ${failed.length} failed, ${refused} refused; longest delay ${at(1)} ms, `
            + `99.9 % within ${at(0.999)} ms, half within ${at(0.5)} ms`);
        t.diagnostic(`the load itself waited for a processor up to ${this.load.starvedMs.toFixed(0)} ms`);
        const bySecond = new Map();
        for (const { at: when } of failed) {
            const key = Math.floor((when - this.load.began) / 1000);
            bySecond.set(key, (bySecond.get(key) ?? 0) + 1);
        }
        for (const [key, count] of [...bySecond].sort(([a], [b]) => a - b)) {
            t.diagnostic(`second ${key}: ${count} failed`);
        }
    }

    // The first failures, with what the logs say about each.
    async #explain(t, failed) {
        if (failed.length === 0) return;
        const counts = new Map();
        for (const record of failed) {
            const what = (record.why ?? record.text).replace(/,?"request_id".*/, '');
            const key = `${record.kind}: ${record.status ?? 'no answer'}: ${what}`;
            counts.set(key, [...(counts.get(key) ?? []), record]);
        }
        const logs = [...(await this.stack.logs())];
        for (const [key, [first, ...more]] of [...counts].slice(0, SHOWN_FAILURES)) {
            t.diagnostic(`${1 + more.length} x ${key}; the first due at ${
                ((first.at - this.load.began) / 1000).toFixed(3)} s after ${first.ms.toFixed(0)} ms`);
            const id = /"request_id":"([^"]+)"/.exec(first.text ?? '')?.[1];
            if (!id) continue;
            for (const [name, text] of logs) {
                for (const line of text.split('\n')) {
                    if (line.includes(id)) t.diagnostic(`  ${name}: ${line}`);
                }
            }
        }
    }

    /// A process that runs: its pid file is renewed when the supervisor has started it again.
    async #living(name) {
        return eventually(async () => {
            const pid = await this.stack.pid(name);
            process.kill(pid, 0);
            return pid;
        }, { within: 10000, what: `${name} runs` });
    }

    async signal(name, signal) {
        process.kill(await this.#living(name), signal);
        this.note(`${signal} ${name}`);
    }

    /// Signals one after the other, each at least once, until the end. A victim is a name or what finds one.
    async signalInTurn(victims, signal, end) {
        const pause = Math.max(KILL_EVERY_MIN_MS, Math.min(KILL_EVERY_MS, SCENARIO_MS / (victims.length + 0.5)));
        for (let turn = 0; turn < victims.length || performance.now() + pause / 2 < end; turn += 1) {
            await this.signal(await this.#nameOf(victims[turn % victims.length]), signal);
            await sleep(pause);
        }
    }

    async #nameOf(victim) {
        return typeof victim === 'string' ? victim : victim();
    }

    /// The bridge that holds the lease of Janus: the other one stands by.
    async activeBridge() {
        return eventually(async () => {
            for (const [i, bridge] of BRIDGES.entries()) {
                const metrics = await this.stack.request('/metrics',
                    { method: 'GET', port: this.stack.base + 103 + 20 * i, agent: undefined }).catch(() => undefined);
                if (/^lynks_janusbridge_lease_held 1$/m.test(metrics?.text)) return bridge;
            }
            return undefined;
        }, { within: 10000, what: 'a bridge holds the lease' });
    }

    async standbyBridge() {
        const active = await this.activeBridge();
        return BRIDGES.find((bridge) => bridge !== active);
    }

    /// Kills it again and again, AWAY_MS long each time, until the end. Gives the times when it was away.
    async keepAway(name, answers, kinds, end) {
        const times = [];
        do {
            times.push(await this.#keepAwayOnce(name, answers, kinds));
            await sleep(BETWEEN_OUTAGES_MS);
        } while (performance.now() + 2 * BETWEEN_OUTAGES_MS < end);
        return times;
    }

    // The supervisor starts it, this kills it.
    async #keepAwayOnce(name, answers, kinds) {
        const from = performance.now();
        let kills = 0;
        do {
            process.kill(await this.#living(name), 'SIGKILL');
            kills += 1;
            await sleep(50);
        } while (performance.now() < from + AWAY_MS);
        await eventually(answers, { within: 20000, what: `${name} answers again` });
        const back = performance.now();
        this.note(`${name} answers again; killed ${kills} times, away for ${(back - from).toFixed(0)} ms`);
        return { from, to: back + RECOVERY_MS, kinds };
    }

    async pause(victim, ms) {
        const name = await this.#nameOf(victim);
        const pid = await this.#living(name);
        process.kill(pid, 'SIGSTOP');
        this.note(`SIGSTOP ${name}`);
        try {
            await sleep(ms);
        } finally {
            process.kill(pid, 'SIGCONT');
            this.note(`SIGCONT ${name}`);
        }
    }

    /// Once, and again until the end.
    async restartAll(end) {
        do {
            const begin = performance.now();
            await this.stack.deploy('restart');
            this.note(`deploy/restart is through, after ${(performance.now() - begin).toFixed(0)} ms`);
        } while (performance.now() < end);
    }

    async janusAnswers() {
        return (await this.stack.janus('', { janus: 'ping' })).janus === 'pong';
    }

    // Its greeting is enough, and costs nothing.
    mysqlAnswers() {
        return new Promise((resolve) => {
            const socket = net.connect({ host: '127.0.0.1', port: this.stack.ports.mysql, timeout: 1000 });
            const finish = (answer) => {
                socket.destroy();
                resolve(answer);
            };
            socket.once('data', () => finish(true));
            for (const event of ['error', 'end', 'timeout']) socket.once(event, () => finish(false));
        });
    }
}

// Answered in full; or refused while what it needs was away.
function isRight(record, away) {
    if (record.why) return false;
    if (!record.refused) return true;
    const answeredAt = record.at + record.ms;
    return away.some(({ from, to, kinds }) => kinds.includes(record.kind) && answeredAt >= from && answeredAt <= to);
}
