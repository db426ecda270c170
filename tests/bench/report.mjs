// What was measured: as tables on the terminal, as JSON, as Markdown for the page, as a chart.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { costsMarkdown } from './costs.mjs';
import { CONNECTIONS, TARGETS } from './speed.mjs';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GNUPLOT_PATIENCE_MS = 30000;

export const TITLES = { nginx: 'nginx return 200', janus: 'Janus directly', janode: 'a Node server on janode', login: '/login', create: '/create',
    list: '/list_participants' };

const mib = (kib) => (kib / 1024).toFixed(1);
const percent = (part) => `${(100 * part).toFixed(1)} %`;

export function print(title, head, rows) {
    const all = [head, ...rows].map((row) => row.map(String));
    const widths = head.map((_, i) => Math.max(...all.map((row) => row[i].length)));
    console.log(`\n${title}`);
    for (const row of all) {
        console.log(row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ').trimEnd());
    }
}

const speedRow = (name, connections, r) => [name, connections, r.rate.toFixed(0), r.p50.toFixed(2), r.p99.toFixed(2),
    r.cpu.toFixed(1), percent(r.bad)];

function printSpeed(speed) {
    print('speed', ['requests', 'connections', 'requests/s', 'p50 ms', 'p99 ms', 'CPU us/request', 'refused'],
        TARGETS.flatMap((target) => CONNECTIONS.map((connections) =>
            speedRow(TITLES[target], connections, speed.get(`${target} ${connections}`)))));
}

function printShares({ speed }) {
    const targets = TARGETS.filter((target) => !['nginx', 'janode'].includes(target));
    const names = Object.keys(speed.get('list 64').by);
    print('CPU us/request at 64 connections, by process', ['requests', ...names], targets.map((target) =>
        [TITLES[target], ...names.map((name) => speed.get(`${target} 64`).by[name]?.toFixed(1) ?? '')]));
}

function printHash({ hash, beside }) {
    const logins = hash.cores / (hash.aloneUs / 1e6);
    console.log(`\none password hash: ${(hash.aloneUs / 1000).toFixed(1)} ms alone, ${(hash.togetherUs / 1000).toFixed(1)
    } ms with ${hash.cores} at a time; cores / time of one: ${logins.toFixed(0)}/s`);
    print('/list_participants beside logins', ['', 'connections', 'requests/s', 'p50 ms', 'p99 ms', 'CPU us/request', 'refused'],
        [speedRow('alone', beside.connections, beside.alone),
            speedRow(`with ${beside.otherRate.toFixed(0)} logins/s`, beside.connections, beside.beside)]);
}

function printPeople({ people: { nginx, me, login, session, users, count, strangers } }) {
    print('people', ['requests', 'connections', 'requests/s', 'p50 ms', 'p99 ms', 'CPU us/request', 'refused'], [
        speedRow('nginx return 200', 64, nginx), speedRow('GET /v1/users/me', 64, me), speedRow('/login', 64, login),
        speedRow('POST /v1/sessions', 64, session), speedRow(`100 of ${count} users`, 1, users),
        speedRow('/list_participants', strangers.connections, strangers.alone),
        speedRow(`with ${strangers.otherRate.toFixed(0)} strangers/s`, strangers.connections, strangers.beside)]);
}

function printGrowth({ growth: { small, rooms, sessions, idle }, connections, steady }) {
    print('cost over rooms, 64 connections',
        ['rooms', 'requests/s', 'p99 ms', 'CPU us/request', 'Janus directly: requests/s', 'CPU us/request'],
        rooms.rows.map(({ rooms: n, list, janus }) => [n, list.rate.toFixed(0), list.p99.toFixed(2), list.cpu.toFixed(1),
            janus.rate.toFixed(0), janus.cpu.toFixed(1)]));
    const row = (name, { before, after }) => [name, before.rate.toFixed(0), after.rate.toFixed(0), before.p99.toFixed(2),
        after.p99.toFixed(2)];
    print('/list_participants, 64 connections', ['grown', 'requests/s before', 'after', 'p99 ms before', 'after'], [
        row(`${small.sessions} to ${sessions.sessions} sessions`, sessions),
        row(`${small.idle} to ${idle.idle} idle connections`, idle)]);
    const parts = ({ by }) => Object.entries(by).map(([name, kib]) => `${name} ${kib}`).join(', ');
    console.log(`\nKiB after ${connections.opened} connections opened and closed (${connections.refused} refused): ${
        parts(connections)}`);
    console.log(`KiB after ${steady.seconds} s of full load (${steady.requests} requests), first ${steady.warmSeconds
    } s not counted: ${parts(steady)}`);
}

function printStreams({ streams: s }) {
    console.log(`\n${s.streams} event streams: ${s.rate}/s without them, ${s.rate_beside}/s beside them; the last of ${
        s.readers} readers has an event after ${s.last_ms} ms`);
}

export function printRooms({ rooms: { joins: { alone, byInvitation, many, bare }, delivery, replay, memory, rate } }) {
    const row = (name, { rate: each, p50, p99 }) => [name, each.toFixed(0), p50.toFixed(2), p99.toFixed(2)];
    print('joins', ['connections', 'requests/s', 'p50 ms', 'p99 ms'], [
        row(alone.connections, alone), row(`${byInvitation.connections}, by invitation`, byInvitation), row(many.connections, many),
        [`${bare.connections} to the database, bare`, bare.rate.toFixed(0), '', '']]);
    print('from the answer to the event', ['streams', 'commands/s', 'p50 ms', 'p99 ms', 'the last one, p50', 'p99', 'answers, p50', 'p99'],
        [delivery.hundred, delivery.thousand, rate].map((row) => [row.streams, row.rate.toFixed(0), ...[row.p50, row.p99, row.last_p50, row.last_p99,
            row.answer_p50, row.answer_p99].map((ms) => ms.toFixed(2))]));
    console.log(`\n${replay.events} events again: ${replay.tail.toFixed(1)} ms from the gateway's memory, ${replay.journal.toFixed(1)} ms from the journal; ${
        memory.streams} streams of ${memory.rooms} rooms take ${memory.bytesEach.toFixed(0)} bytes each`);
}

export function printMedia({ media: { publish: { ours, theirs }, lists, memory, telling } }) {
    const row = (name, { p50, p99 }) => [name, p50.toFixed(2), p99.toFixed(2)];
    print('to be let in with media', ['1 connection', 'p50 ms', 'p99 ms'], [row('POST …/publish', ours), row('Janus directly', theirs)]);
    console.log(`\nlists of another room, 1 connection: p99 ${lists.alone.toFixed(2)} ms, beside ${lists.joins} joins one after the other ${
        lists.beside.toFixed(2)} ms, in ${lists.seconds} s ${lists.besideSome.toFixed(2)} ms`);
    console.log(`a connection up to the event at ${telling.listeners} others: p50 ${telling.p50.toFixed(0)} ms, p99 ${telling.p99.toFixed(0)} ms; ${
        memory.count} connections take ${memory.kibEach.toFixed(1)} KiB each in the bridge`);
}

export function printCrowd({ crowd: { people, wanted, found, again, failures, publish, coming, steady, kibEach } }) {
    const of = (key) => `${found[key]} of ${wanted[key]} ${key}`;
    console.log(`\n${people} who send and watch: ${of('publishers')} and ${of('watchers')} are connected, ${of('streams')} carry packets; ${
        again} connections were made again, ${failures.length} requests refused or failed${failures.length > 0 ? `: ${[...new Set(failures)].join(', ')}` : ''}`);
    console.log(`POST …/publish while they come: p50 ${publish.p50.toFixed(1)} ms, p99 ${publish.p99.toFixed(1)} ms, mean ${publish.mean.toFixed(1)} ms, of which ${
        publish.atGateway.mean.toFixed(1)} ms at the gateway (99 % within ${publish.atGateway.within} ms there); a connection takes ${kibEach.toFixed(1)} KiB in the bridge`);
    const names = Object.keys(coming.servers);
    const row = (name, key, { load, servers }) => [name, ...[load, ...names.map((each) => servers[each])].map((one) => percent(one[key]))];
    print('of a core', ['', 'the load', ...names], [row(`${coming.seconds.toFixed(0)} s of coming`, 'used', coming), row('waited for it', 'waited', coming),
        row(`${steady.seconds.toFixed(0)} s after that`, 'used', steady), row('waited for it', 'waited', steady)]);
    console.log(`the load's own loops were late by up to ${coming.lag.most.toFixed(0)} ms while they came, p99 ${coming.lag.p99.toFixed(0)} ms`);
}

export function printGuesses({ guesses: { pins, invitations } }) {
    const row = (name, { rate, p50, p99 }) => [name, rate.toFixed(0), p50.toFixed(2), p99.toFixed(2)];
    print(`joins of ${pins.alone.connections} connections`, ['', 'requests/s', 'p50 ms', 'p99 ms'], [
        row('with a PIN', pins.alone), row('beside wrong PINs', pins.beside), row('those', pins.guesses),
        row('by invitation', invitations.alone), row('beside wrong invitations', invitations.beside), row('those', invitations.guesses)]);
}

function printMemory({ idle, loaded }, services) {
    const row = (name, a, b) => [name, mib(a.rss), mib(a.pss), mib(b.rss), mib(b.pss)];
    const total = (memory) => ({ rss: services.reduce((n, name) => n + memory[name].rss, 0),
        pss: services.reduce((n, name) => n + memory[name].pss, 0) });
    print('memory, MiB', ['process', 'idle RSS', 'PSS', 'after the load RSS', 'PSS'], [
        ...Object.keys(idle).map((name) => row(name, idle[name], loaded[name])),
        row('the four', total(idle), total(loaded))]);
}

export function printMarks(marks) {
    print('marks', ['mark', 'figure', 'asked', ''], marks.map((m) => [m.name, m.found, m.asked, m.passed ? 'pass ' : 'SHORT']));
    console.log(`\n${marks.filter((m) => m.passed).length} of ${marks.length} marks reached`);
}

export function printAll(results, services) {
    printSpeed(results.speed);
    printShares(results);
    printHash(results);
    printPeople(results);
    printGrowth(results);
    printStreams(results);
    printRooms(results);
    printGuesses(results);
    printMedia(results);
    printCrowd(results);
    printMemory(results, services);
}

/// What the machine and the revision are, without any name of them.
export async function circumstances() {
    const { stdout } = await run('git', ['-C', ROOT, 'describe', '--always', '--dirty']).catch(() => ({ stdout: '' }));
    return { date: new Date().toISOString(), revision: stdout.trim() || 'unknown', cores: cpus().length,
        processor: cpus()[0]?.model ?? 'unknown', memoryGib: Math.round(totalmem() / 2 ** 30), kernel: release() };
}

const marksMarkdown = (marks) => ['| mark | asked | measured | |', '| --- | --- | --- | --- |',
    ...marks.map((m) => `| ${m.name} | ${m.asked} | ${m.found} | ${m.passed ? 'pass' : '**short**'} |`)].join('\n');

const speedMarkdown = (speed) => ['| requests | connections | requests/s | p50 ms | p99 ms | CPU µs/request |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...TARGETS.flatMap((target) => CONNECTIONS.map((connections) =>
        `| ${speedRow(TITLES[target], connections, speed.get(`${target} ${connections}`)).slice(0, -1).join(' | ')} |`)),
].join('\n');

export function markdown(results) {
    const { at } = results;
    return [`Revision ${at.revision}, ${at.date.slice(0, 10)}: ${at.cores} cores (${at.processor}), ${
        at.memoryGib} GiB, Linux ${at.kernel}; load generator on the same cores.`,
    marksMarkdown(results.marks), speedMarkdown(results.speed), costsMarkdown(results)].join('\n\n');
}

export const json = (results) => `${JSON.stringify({ ...results, speed: Object.fromEntries(results.speed) },
    (_, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value), 1)}\n`;

// Columns that gnuplot reads: x, then one for each series.
async function writeData(folder, { speed, growth }) {
    const table = (rows) => `${rows.map((row) => row.join(' ')).join('\n')}\n`;
    for (const kind of ['rate', 'p99']) {
        await writeFile(join(folder, kind), table(CONNECTIONS.map((n) =>
            [n, ...['nginx', 'janus', 'create', 'list'].map((target) => speed.get(`${target} ${n}`)[kind])])));
    }
    await writeFile(join(folder, 'rooms'), table(growth.rooms.rows.map(({ rooms, list, janus }) => [rooms, janus.cpu, list.cpu])));
}

/// Draws the chart as SVG.
export async function chart(results, file) {
    const folder = await mkdtemp(join(tmpdir(), 'lynks-chart-'));
    try {
        await writeData(folder, results);
        await run('gnuplot', ['-e', `data='${folder}'; out='${file}'`, join(HERE, 'chart.gp')], { timeout: GNUPLOT_PATIENCE_MS });
        // A line for each group is enough: gnuplot writes hundreds.
        await writeFile(file, (await readFile(file, 'utf8')).replace(/>\s+</g, '><').replace(/<g[ >]/g, '\n$&'));
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}

/// results.json, results.md and results.svg.
export async function writeFiles(results, folder) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'results.json'), json(results));
    await writeFile(join(folder, 'results.md'), `${markdown(results)}\n`);
    await chart(results, join(folder, 'results.svg'));
}

const BEGIN = '<!-- figures: tests/bench/run --keep writes what is between these two lines -->';
const END = '<!-- end of the figures -->';

/// The same beside the bench, for the page and the README to show.
export async function keep(results) {
    const page = join(HERE, 'README.md');
    const text = await readFile(page, 'utf8');
    const begin = text.indexOf(BEGIN);
    const end = text.indexOf(END);
    if (begin < 0 || end < begin) throw new Error(`${page}: no place for the figures`);
    await writeFile(page, `${text.slice(0, begin)}${BEGIN}\n\n${markdown(results)}\n\n${text.slice(end)}`);
    await writeFile(join(HERE, 'results.json'), json(results));
    await chart(results, join(HERE, 'results.svg'));
}
