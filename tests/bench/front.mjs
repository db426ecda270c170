#!/usr/bin/env node
// What the front costs: the same requests by HTTPS through HAProxy, as deploy/up starts it with a domain (TURN at the same port), and in turn
// straight to the gateway by HTTP; and how much later an event comes by it.
//
//   tests/bench/front.mjs [ROUNDS [SECONDS]]     7 rounds of 2 s
//
// Prints medians of the rounds: requests/s, p50, p99, and CPU microseconds per request of the front and of all else that answers. Events:
// one at a time, each heard by a stream through the front and by one without, from when it was asked for.
import { rmSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuthority } from '../support/certificates.mjs';
import { openEvents } from '../support/event-stream.mjs';
import { eventually } from '../support/wait.mjs';
import { atExit } from './cleanup.mjs';
import { median, quantile } from './quantile.mjs';
import { fillWorld, OPEN_FOLDER, PROCESSES, startWorld } from './world.mjs';
import { load } from './wrk.mjs';

const [ROUNDS, SECONDS] = [7, 2].map((usual, i) => Number(process.argv[2 + i] ?? usual));
const NAME = 'meet.example.test';
const CONNECTIONS = [1, 16, 64, 256];
const [SESSIONS, ROOMS] = [1000, 100];
const EVENTS = 500;

const sum = (values) => values.reduce((a, b) => a + b, 0);

async function startFronted(folder) {
    const authority = await makeAuthority(folder);
    const files = await authority.issue(NAME, 'site');
    const world = await startWorld(join(folder, 'world'), { env: { LYNKS_DOMAIN: NAME, LYNKS_TLS_CERT_FILE: files.pem, LYNKS_TLS_KEY_FILE: files.key,
        LYNKS_JANUS_DIRECT: '1' } });
    await fillWorld(world, { rooms: ROOMS, sessions: SESSIONS });
    return { world, tls: { ca: authority.pem, servername: NAME } };
}

async function ask(world, way, connections) {
    const { stack, folder } = world;
    const cpu = async () => [await world.cpu(['front']), await world.cpu(PROCESSES)].map(sum);
    const before = await cpu();
    const result = await load({ ...(way === 'front' ? { scheme: 'https', port: stack.ports.https } : { port: stack.ports.http }), kind: 'list', folder, connections,
        seconds: SECONDS, tokens: SESSIONS, rooms: ROOMS });
    const after = await cpu();
    await world.idle();
    if (result.refused + result.broken > 0) throw new Error(`${way}: ${result.refused} refused, ${result.broken} broken`);
    const [ofFront, ofRest] = after.map((used, i) => (used - before[i]) / result.requests);
    return { rate: result.requests / result.seconds, p50: result.p50, p99: result.p99, ofFront, ofRest };
}

async function measureRequests(world) {
    const all = new Map();
    for (let round = 0; round < ROUNDS; round += 1) {
        for (const connections of CONNECTIONS) {
            for (const way of round % 2 === 0 ? ['direct', 'front'] : ['front', 'direct']) {
                const key = `${way} ${connections}`;
                all.set(key, [...all.get(key) ?? [], await ask(world, way, connections)]);
            }
        }
    }
    return all;
}

async function measureEvents({ stack }, tls) {
    const token = `Bearer ${await stack.token()}`;
    const room = (await stack.request('/v1/rooms', { token, body: { name: 'Bench', guests_wait: false } })).json;
    const { participant, token: own } = (await stack.request(`/v1/rooms/${room.code}/participants`, { body: { name: 'Ann' } })).json;
    const path = `/v1/rooms/${room.id}/events`;
    const streams = { direct: await openEvents(stack.ports.http, { path, token: own }), front: await openEvents(stack.ports.https, { path, token: own, tls }) };
    for (const stream of Object.values(streams)) await stream.event('snapshot');
    const delays = { direct: [], front: [] };
    for (let i = 0; i < EVENTS; i += 1) {
        const seen = Object.entries(streams).map(([way, stream]) => [way, stream, stream.events.length]);
        const begin = performance.now();
        const answer = await stack.request(`/v1/rooms/${room.id}/participants/${participant.id}`, { method: 'PATCH', token: `Bearer ${own}`, body: { hand: i % 2 === 0 } });
        if (answer.status !== 200) throw new Error(answer.text);
        for (const [way, stream, count] of seen) {
            await eventually(() => stream.events.length > count, { what: 'the event' });
            delays[way].push(stream.events[count].at - begin);
        }
    }
    for (const stream of Object.values(streams)) await stream.end();
    return delays;
}

function print(requests, delays) {
    console.log('| /list_participants | connections | requests/s | p50 ms | p99 ms | CPU µs/request | of the front |');
    console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
    for (const [key, rounds] of requests) {
        const [way, connections] = key.split(' ');
        const of = (what, digits) => median(rounds.map((one) => one[what])).toFixed(digits);
        console.log(`| ${way === 'front' ? 'through the front, HTTPS' : 'straight to the gateway'} | ${connections} | ${of('rate', 0)} | ${of('p50', 2)} | ${of('p99', 2)} | ${
            of('ofRest', 1)} | ${way === 'front' ? of('ofFront', 1) : '-'} |`);
    }
    for (const [way, all] of Object.entries(delays)) {
        console.log(`an event, ${way}: p50 ${median(all).toFixed(2)} ms, p99 ${quantile(all, 0.99).toFixed(2)} ms (${all.length})`);
    }
}

const folder = await mkdtemp(join(tmpdir(), 'lynks-bench-'));
await chmod(folder, OPEN_FOLDER);
atExit(() => rmSync(folder, { recursive: true, force: true }));
const { world, tls } = await startFronted(folder);
try {
    print(await measureRequests(world), await measureEvents(world, tls));
} finally {
    await world.remove();
}
