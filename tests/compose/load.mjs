// A steady load of clients with a time-out who never retry, and what became of every request.
import { sleep } from '../support/wait.mjs';

const TOKEN = /^[0-9a-f]{64}$/;

export class Load {
    /// stack: Containers; expected: the publishers that every list must show.
    constructor(stack, expected) {
        this.stack = stack;
        this.expected = JSON.stringify(expected);
        this.count = 0;
        this.longestMs = 0;
        this.failures = [];
        this.stopped = false;
        this.during = 'nothing';
    }

    async #one(what, call, isRight) {
        const begin = performance.now();
        const { during } = this;
        this.count += 1;
        let problem;
        try {
            const answer = await this.stack.patient(call);
            if (answer.status !== 200 || !isRight(answer.json)) problem = `${answer.status} ${answer.text}`;
            return answer.json;
        } catch (error) {
            problem = error.message;
        } finally {
            const ms = Math.round(performance.now() - begin);
            this.longestMs = Math.max(this.longestMs, ms);
            if (problem) this.failures.push(`${what} while ${during}, after ${ms} ms: ${problem}`);
        }
        return undefined;
    }

    login() {
        return this.#one('login', () => this.stack.login(), (json) => TOKEN.test(json.token));
    }

    create() {
        return this.#one('create', () => this.stack.create(this.token), (json) => json.room_id === 123456);
    }

    list() {
        return this.#one('list', () => this.stack.list(this.token),
            (json) => JSON.stringify(json.publishers) === this.expected);
    }

    async #repeat(pauseMs, work) {
        while (!this.stopped) {
            await Promise.all([work(), sleep(pauseMs)]);
        }
    }

    /// 4 logins, 10 creates and some 300 lists a second, while answers are quick: when a process dies, something is
    /// on its way through it.
    start(token) {
        this.token = token;
        this.clients = [
            this.#repeat(250, async () => {
                const json = await this.login();
                if (json?.token) this.token = json.token;
            }),
            this.#repeat(100, () => this.create()),
            ...Array.from({ length: 8 }, () => this.#repeat(20, () => this.list())),
        ];
    }

    async stop() {
        this.stopped = true;
        await Promise.all(this.clients);
    }
}
