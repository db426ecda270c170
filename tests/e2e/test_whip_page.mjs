#!/usr/bin/env -S node --test-reporter=tap
// gateway/api/WHIP.md as a stranger follows it: its commands in the shell, each answered as the words behind it say, and its program for a
// camera, which here is a picture that ffmpeg's library draws and a tone.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { endPeers, Sender, Watcher } from '../support/rtp-peer.mjs';
import { startStack } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';

const run = promisify(execFile);
const DRAWN = 'testsrc=size=320x240:rate=15 [out0]; sine=frequency=440:sample_rate=48000 [out1]';

let stack;
let folder;
let blocks; // { sh: [text], python: [text] }
let room;
let camera; // the program of the page
const env = {}; // the variables that the page names

// A block of commands as { command, statuses }.
const commandsOf = (block) => block.replaceAll('\\\n', ' ').split('\n').filter(Boolean)
    .map((line) => ({ command: line.replace(/\s# .*/, ''), statuses: /\s# (.*)/.exec(line)?.[1].match(/\b[245]\d\d\b/g) ?? [] }));

async function says({ command, statuses }) {
    const { stdout } = await run('bash', ['-c', command], { cwd: folder, env: { PATH: process.env.PATH, ...env } });
    const [, status, head, body] = /^HTTP\/1\.1 (\d+)[^\r]*\r\n([^]*?)\r\n\r\n([^]*)$/.exec(stdout) ?? [undefined, '200', '', stdout];
    assert.ok(statuses.length === 0 || statuses.includes(status), `${command}: ${stdout}`);
    const session = /^location: .*\/(\w+)$/im.exec(head)?.[1];
    if (session) env.SESSION = session;
    return { status, body };
}

before(async () => {
    const page = await readFile(new URL('../../gateway/api/WHIP.md', import.meta.url), 'utf8');
    const all = (kind) => [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text);
    blocks = { sh: all('sh'), python: all('python') };
    folder = await mkdtemp(join(tmpdir(), 'lynks-page-'));
    stack = await startStack();
    env.LYNKS = `http://127.0.0.1:${stack.ports.http}`;
    env.TOKEN = await stack.token();
    room = (await stack.request('/v1/rooms', { token: env.TOKEN, body: { name: 'Tea', guests_wait: false } })).json;
    env.ROOM = room.code;
});
after(async () => {
    camera?.kill('SIGKILL');
    endPeers();
    await stack?.remove();
    if (folder) await rm(folder, { recursive: true, force: true });
});

test('a key is made', async () => {
    const [command] = commandsOf(blocks.sh[0]);
    const made = JSON.parse((await says(command)).body);
    assert.equal(made.url, `${env.LYNKS}/v1/rooms/${room.id}/whip`);
    env.KEY = made.key;
});

test('an offer is sent, and what was made ends', async () => {
    const sender = new Sender();
    await writeFile(join(folder, 'offer.sdp'), await sender.describe('offer'));
    for (const command of commandsOf(blocks.sh[1])) await says(command);
    await sender.close();
});

test('the program sends what a camera gives, until it is told to end', async () => {
    await writeFile(join(folder, 'camera.py'), blocks.python[0]);
    camera = spawn('/usr/bin/python3', ['camera.py', `${env.LYNKS}/v1/rooms/${env.ROOM}/whip`, env.KEY, DRAWN, 'lavfi'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    camera.stderr.on('data', (text) => { errors += text; });
    env.PARTICIPANT = await eventually(async () => {
        assert.equal(camera.exitCode, null, errors);
        const { json: { items } } = await stack.request(`/v1/rooms/${room.id}/participants`, { method: 'GET', token: env.TOKEN });
        return items.find(({ kind, tracks }) => kind === 'stream' && tracks.filter(({ media }) => media === 'flowing').length === 2)?.id;
    }, { within: 8000, what: 'sound and picture arrive' });
});

test('somebody watches it', async () => {
    const made = await stack.request(`/v1/rooms/${room.id}/stream-keys`, { token: env.TOKEN, body: { label: 'screen', use: 'watch' } });
    const sendsKey = env.KEY;
    env.KEY = made.json.key;
    const [wish, peer] = [new Watcher(), new Watcher()];
    await writeFile(join(folder, 'wish.sdp'), await wish.wish()); // in H264, and the program sends VP8
    const [post, patch, end] = commandsOf(blocks.sh[2]);
    const offer = await says(post);
    assert.equal(offer.status, '406');
    await peer.take('offer', offer.body);
    await writeFile(join(folder, 'answer.sdp'), await peer.describe('answer'));
    await says(patch);
    await says(end);
    env.KEY = sendsKey;
});

test('it ends as it is to', async () => {
    camera.kill('SIGTERM');
    await eventually(() => camera.exitCode !== null, { what: 'its end' });
    assert.equal(camera.exitCode, 0);
    await eventually(async () => (await stack.sql('SELECT connection FROM rtc_connections WHERE kind = 1')).length === 0, { what: 'nothing is sent' });
});
