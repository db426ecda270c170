#!/usr/bin/env -S node --test-reporter=tap
// An own nginx in front, with the lines that OPERATING.md has for it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeAuthority } from '../../support/certificates.mjs';
import { openEvents } from '../../support/event-stream.mjs';
import { ask, askByHttp2 } from '../../support/https-client.mjs';
import { freeBlock, startStack } from '../../support/stack.mjs';
import { eventually } from '../../support/wait.mjs';

const NAME = 'meet.example.test';

let folder;
let stack;
let nginx;
let tls;
let port;

/// The lines as they stand, but for name, files and ports.
async function documented(files) {
    const [, lines] = /```nginx\n(.*?)```/s.exec(await readFile('deploy/OPERATING.md', 'utf8'));
    return lines.replace('listen 443 ', `listen 127.0.0.1:${port} `).replace('meet.example.org', NAME)
        .replace('/etc/ssl/meet.pem', files.pem).replace('/etc/ssl/meet.key', files.key).replace('127.0.0.1:60000', `127.0.0.1:${stack.ports.http}`);
}

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lynks-nginx-'));
    const authority = await makeAuthority(folder);
    const files = await authority.issue(NAME, 'site');
    tls = { ca: authority.pem, servername: NAME };
    const base = await freeBlock();
    port = base + 190;
    stack = await startStack({ LYNKS_TLS: 'off', LYNKS_PUBLIC_URL: `https://${NAME}:${port}`, LYNKS_TRUSTED_PROXIES: '127.0.0.1' }, [], base);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n');
    const file = join(folder, 'nginx.conf');
    await writeFile(file, `user root; daemon off; pid ${folder}/pid; error_log stderr; events {}\nhttp { access_log off; ${temporary}\n${await documented(files)} }\n`);
    nginx = spawn('/usr/sbin/nginx', ['-c', file, '-p', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    await eventually(async () => (await ask(port, '/v1/info', { tls })).status === 200, { what: 'nginx answers' });
});
after(async () => {
    if (nginx?.exitCode === null && nginx.signalCode === null) {
        nginx.kill();
        await once(nginx, 'exit');
    }
    await stack?.remove();
    await rm(folder, { recursive: true, force: true });
});

test('HTTP/2 is spoken, people sign in, and each has his own address', async () => {
    assert.equal((await askByHttp2(port, '/v1/info', tls))[':status'], 200);
    const answer = await ask(port, '/v1/sessions', { method: 'POST', tls, headers: { origin: `https://${NAME}:${port}`, 'x-forwarded-for': '203.0.113.9' },
        body: { username: 'testuser', password: 'test123', cookie: true } });
    assert.equal(answer.status, 201, answer.text);
    assert.match(answer.headers['set-cookie'][0], /^__Host-lynks=/);
    const token = await stack.token();
    const { json } = await ask(port, '/v1/sessions', { tls, token });
    assert.ok(json.items.every(({ address }) => address === '127.0.0.1'), JSON.stringify(json.items));
    const status = (await stack.deploy('status')).stdout;
    assert.doesNotMatch(status, /passes on what others ask/);
});

test('streams of events come through, and end when they have to', async () => {
    const token = await stack.token();
    const stream = await openEvents(port, { token, tls });
    await stream.event('snapshot');
    assert.equal((await ask(port, '/v1/sessions/current', { method: 'DELETE', tls, token })).status, 204);
    assert.deepEqual((await stream.event('end')).data, { reason: 'session_ended' });
    await stream.closed;
});
