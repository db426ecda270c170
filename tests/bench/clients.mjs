#!/usr/bin/env node
// The web client's own traffic, without media: many participants with the client's core under Node, who join, hear what happens, write,
// raise hands and leave.
//
//   tests/bench/clients.mjs [PARTICIPANTS [ROOMS [SECONDS [COMMANDS_PER_S]]]]     500 participants in 50 rooms, 30 s, 100 commands/s
//
// Prints requests/s, p50 and p99 of what one waits for an answer, and of what it takes from a message to each who hears it. The load
// generator is one process of Node beside the servers: on two cores its own share is in the figures.
import { Api } from '../../gateway/web/core/api.js';
import { ownEnv } from '../../gateway/web/core/env.js';
import { Meeting } from '../../gateway/web/core/meeting.js';
import { startStack } from '../support/stack.mjs';
import { eventually, sleep } from '../support/wait.mjs';
import { quantile } from './quantile.mjs';
import { ENV } from './rooms.mjs';

const JOIN_AT_A_TIME = 16;
const [PARTICIPANTS, ROOMS, SECONDS, COMMANDS_PER_S] = [500, 50, 30, 100].map((usual, i) => Number(process.argv[2 + i] ?? usual));

const answers = []; // ms from asking to the answer
const delays = []; // ms from a message's sender to each who hears it
let failures = 0;

// The environment of the core, with a watch on what is asked.
function watchedEnv() {
    const env = ownEnv();
    return { ...env, async fetch(input, init) {
        const begin = performance.now();
        const response = await env.fetch(input, init);
        if (!input.endsWith('/events')) answers.push(performance.now() - begin);
        if (response.status >= 400) failures += 1;
        return response;
    } };
}

const share = (list, part) => quantile(list, part).toFixed(1);

async function inTurns(count, make) {
    const made = [];
    let next = 0;
    await Promise.all(Array.from({ length: JOIN_AT_A_TIME }, async () => {
        while (next < count) {
            const i = next;
            next += 1;
            made[i] = await make(i);
        }
    }));
    return made;
}

function hear({ event, data }) {
    const said = event === 'message' || event.startsWith('message.') ? data.data?.message?.text : undefined;
    if (said?.startsWith('at ')) delays.push(performance.now() - Number(said.slice(3)));
}

async function command({ code, meeting, api }, number) {
    if (number % 4 === 0) {
        const isUp = meeting.state.participants.get(meeting.id)?.hand_raised_at !== undefined;
        await api.patch(`/v1/rooms/${code}/participants/${meeting.id}`, { hand: !isUp });
    } else {
        await api.post(`/v1/rooms/${code}/messages`, { text: `at ${performance.now()}` }, { key: ownEnv().randomId() });
    }
}

async function speak(people) {
    const begin = performance.now();
    const running = [];
    for (let number = 0; number < SECONDS * COMMANDS_PER_S; number += 1) {
        const late = begin + (number * 1000) / COMMANDS_PER_S - performance.now();
        if (late > 0) await sleep(late);
        const who = people[Math.floor(Math.random() * people.length)];
        running.push(command(who, number).catch(() => { failures += 1; }));
    }
    await Promise.all(running);
    return (performance.now() - begin) / 1000;
}

function tell(what, seconds, count) {
    console.log(`${what}: ${(count / seconds).toFixed(0)}/s, ${answers.length} requests, `
        + `p50 ${share(answers, 0.5)} ms, p99 ${share(answers, 0.99)} ms, ${failures} refused or failed`);
    answers.length = 0;
}

async function main() {
    const stack = await startStack({ ...ENV, LYNKS_LOG_LEVEL: 'warn' });
    try {
        const env = watchedEnv();
        const base = `http://127.0.0.1:${stack.ports.http}`;
        const { token } = await eventually(() => new Api(env, base).post('/v1/sessions', { username: 'testuser', password: 'test123' }), { what: 'signed in' });
        const owner = new Api(env, base, token);
        const rooms = await inTurns(ROOMS, (i) => owner.post('/v1/rooms', { name: `Load ${i}`, guests_wait: false }, { key: env.randomId() }));
        answers.length = 0;
        const begin = performance.now();
        const people = await inTurns(PARTICIPANTS, async (i) => {
            const { code } = rooms[i % ROOMS];
            const meeting = await Meeting.join(env, new Api(env, base), code, { name: `Guest ${i}` }, { onEvent: hear });
            return { code, meeting, api: new Api(env, base, meeting.token) };
        });
        await eventually(() => people.every(({ meeting }) => meeting.state.isKnown), { within: 30000, what: 'all hear' });
        tell(`${PARTICIPANTS} participants join ${ROOMS} rooms, until each has its stream`, (performance.now() - begin) / 1000, PARTICIPANTS);
        const seconds = await speak(people);
        tell('they write and raise hands', seconds, answers.length);
        console.log(`a message is heard ${delays.length} times: p50 ${share(delays, 0.5)} ms, p99 ${share(delays, 0.99)} ms after it was sent`);
        const left = performance.now();
        await inTurns(people.length, (i) => people[i].meeting.leave());
        tell('they leave', (performance.now() - left) / 1000, people.length);
    } finally {
        await stack.remove();
    }
}

await main();
