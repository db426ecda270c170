#!/usr/bin/env -S node --test-reporter=tap
// A gateway that serves a small web client of this test's own: which paths, with which headers. All of its services are away.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { exchange } from '../../support/raw-http.mjs';
import { eventually } from '../../support/wait.mjs';

const BIN = join(process.env.LYNKS_BUILD ?? 'build/release', 'bin');
const PAGE = '<!doctype html><title>Lynks</title>';
const SCRIPT = 'console.log("x");\n'.repeat(40000); // more than a socket takes at once
const POLICY = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
    "media-src 'self' blob: mediastream:", "connect-src 'self'", "manifest-src 'self'", "form-action 'self'", "base-uri 'none'",
    "object-src 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"];

const port = {};
let folder;
let root;
let env;
let gateway;

async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: free } = server.address();
    await new Promise((resolve) => { server.close(resolve); });
    return free;
}

function request(path, { method = 'GET', headers = {}, agent } = {}) {
    return new Promise((resolve, reject) => {
        http.request({ host: '127.0.0.1', port: port.http, path, method, headers, agent }, async (response) => {
            const chunks = [];
            for await (const chunk of response) chunks.push(chunk);
            resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) });
        }).on('error', reject).end();
    });
}

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'web-files-'));
    root = join(folder, 'web');
    await mkdir(join(root, 'assets'), { recursive: true });
    await writeFile(join(root, 'index.html'), PAGE);
    await writeFile(join(root, 'index.html.gz'), gzipSync(PAGE));
    await writeFile(join(root, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    await writeFile(join(root, 'assets/app-1.js'), SCRIPT);
    await writeFile(join(root, 'assets/app-1.js.gz'), gzipSync(SCRIPT));
    await promisify(execFile)(join(BIN, 'lynks-keygen'), [folder, 'gateway', 'authsvc', 'roomsvc', 'janusbridge']);
    for (const name of ['http', 'ops', 'authsvc', 'roomsvc', 'janusbridge']) port[name] = await freePort();
    env = { PATH: process.env.PATH,
        LYNKS_BUS_SECRET_KEY_FILE: join(folder, 'gateway.secret'),
        LYNKS_BUS_PUBLIC_KEYS_FILE: join(folder, 'public'),
        LYNKS_TOKEN_KEY: 'k'.repeat(32),
        LYNKS_HTTP_PORT: String(port.http), LYNKS_OPS_PORT: String(port.ops),
        LYNKS_AUTHSVC_ADDRESS: `127.0.0.1:${port.authsvc}`, LYNKS_ROOMSVC_ADDRESS: `127.0.0.1:${port.roomsvc}`,
        LYNKS_JANUSBRIDGE_ADDRESS: `127.0.0.1:${port.janusbridge}`, LYNKS_WEB_ROOT: root };
    gateway = spawn(join(BIN, 'lynks-gateway'), [], { stdio: ['ignore', 'ignore', 'ignore'], env });
    await eventually(() => request('/').then(() => true, () => false), { what: 'the gateway is there' });
});
after(async () => {
    if (gateway?.exitCode === null && gateway.signalCode === null) {
        gateway.kill();
        await once(gateway, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
});

/// What --check says of a folder, or of other variables.
async function check(more) {
    const child = spawn(join(BIN, 'lynks-gateway'), ['--check'], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...env, ...more } });
    let text = '';
    child.stderr.on('data', (data) => { text += data; });
    const [code] = await once(child, 'close');
    return { code, text };
}

test('the page has the headers that keep it apart', async () => {
    const { status, headers, body } = await request('/');
    assert.equal(status, 200);
    assert.equal(body.toString(), PAGE);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.deepEqual(headers['content-security-policy'].split('; ').sort(), [...POLICY, "frame-ancestors 'none'"].sort());
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
    assert.match(headers['permissions-policy'], /camera=\(self\), microphone=\(self\), .*geolocation=\(\)/);
    assert.equal(headers['cache-control'], 'no-cache');
    assert.equal(headers.vary, 'Accept-Encoding');
    assert.match(headers['x-request-id'], /^[0-9a-f]{16}$/);
    assert.ok(!('set-cookie' in headers) && !('access-control-allow-origin' in headers));
});

for (const path of ['/', '/test', '/profile', '/admin', '/admin/users', '/rooms/5', '/abc-defg-hij', '/?x=1', '/abc-defg-hij?pin=1']) {
    test(`${path} is the page`, async () => assert.equal((await request(path)).body.toString(), PAGE));
}

test('other paths are what they were', async () => {
    for (const path of ['/nothing', '/assets', '/assets/', '/assets/nothing.js', '/assets/app-1.js.gz', '/admin/a/b', '/rooms', '/problems',
        '/assets/../index.html', '/assets/%2e%2e/index.html', '/..%2f..%2fetc/passwd', '/%2e%2e/web/index.html', '//etc/passwd',
        '/assets//app-1.js', '/rooms/..']) {
        const { statuses, text } = await exchange(port.http, [`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`], { answers: 1 });
        assert.deepEqual(statuses, [404], path);
        assert.match(text, /"code":"not_found"/, path);
    }
    assert.equal((await request('/login')).status, 405);
    assert.equal((await request('/v1/info')).status, 200);
    assert.equal((await request('/problems/not_found')).status, 200);
    assert.equal((await request('/v1/nothing')).headers['content-type'], 'application/problem+json');
    assert.doesNotMatch((await request('/v1/openapi.json')).body.toString(), /assets|"\/test"/);
});

test('what has a hash in its name is kept for ever, compressed or not', async () => {
    const plain = await request('/assets/app-1.js');
    const packed = await request('/assets/app-1.js', { headers: { 'accept-encoding': 'gzip, deflate, br' } });
    assert.equal(plain.body.toString(), SCRIPT);
    assert.equal(gunzipSync(packed.body).toString(), SCRIPT);
    assert.deepEqual([plain.headers['content-encoding'], packed.headers['content-encoding']], [undefined, 'gzip']);
    for (const { headers } of [plain, packed]) {
        assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
        assert.equal(headers['content-type'], 'text/javascript; charset=utf-8');
        assert.equal(headers.vary, 'Accept-Encoding');
    }
    assert.notEqual(plain.headers.etag, packed.headers.etag);
});

test('who has it gets 304, and HEAD gets the head', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    const whole = await request('/', { headers });
    const known = await request('/', { headers: { ...headers, 'if-none-match': `"x", ${whole.headers.etag}` } });
    assert.deepEqual([known.status, known.body.length, known.headers.etag], [304, 0, whole.headers.etag]);
    const other = await request('/', { headers: { 'if-none-match': whole.headers.etag } });
    assert.deepEqual([other.status, other.body.toString()], [200, PAGE]);
    const head = await request('/', { method: 'HEAD', headers });
    assert.deepEqual([head.status, head.body.length, head.headers['content-length'], head.headers.etag],
        [200, 0, String(whole.body.length), whole.headers.etag]);
});

test('many at a time, on connections that stay', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 6 });
    const answers = await Promise.all(Array.from({ length: 60 }, () => request('/assets/app-1.js', { agent })));
    agent.destroy();
    assert.ok(answers.every(({ body }) => body.equals(Buffer.from(SCRIPT))));
});

test('a client that leaves in the middle of a file leaves nothing behind', async () => {
    for (let i = 0; i < 20; i += 1) {
        const socket = net.connect(port.http, '127.0.0.1');
        socket.write('GET /assets/app-1.js HTTP/1.1\r\nHost: localhost\r\n\r\n');
        await once(socket, 'data');
        socket.resetAndDestroy();
    }
    assert.equal((await request('/assets/app-1.js')).body.toString(), SCRIPT);
});

test('a link opens it from anywhere, under its own name only', async () => {
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' },
        { cookie: `lynks-${port.http}=${'ab'.repeat(32)}`, 'sec-fetch-site': 'cross-site' }, { authorization: 'Bearer x' }]) {
        assert.equal((await request('/abc-defg-hij', { headers })).status, 200, JSON.stringify(headers));
    }
    assert.equal((await request('/', { headers: { host: 'evil.example' } })).status, 421);
});

test('it is only there to be read', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const { status, headers } = await request('/', { method });
        assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method);
    }
});

test('its requests are counted under one label', async () => {
    const { text } = await exchange(port.ops, ['GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n']);
    assert.match(text, /^lynks_http_requests_total\{path="files",status="200"\} [1-9]/m);
    assert.doesNotMatch(text, /path="\/assets/);
});

test('a folder or a frame that cannot be is told at start', async () => {
    assert.equal((await check({})).code, 0);
    assert.equal((await check({ LYNKS_WEB_ROOT: '' })).code, 0);
    assert.equal((await check({ LYNKS_FRAME_ANCESTORS: 'self, https://intranet.example' })).code, 0);
    const none = join(folder, 'none');
    await mkdir(none);
    for (const [more, text] of [
        [{ LYNKS_WEB_ROOT: none }, `LYNKS_WEB_ROOT: ${none}: there is no index.html`],
        [{ LYNKS_WEB_ROOT: join(folder, 'gone') }, `LYNKS_WEB_ROOT: ${join(folder, 'gone')}: No such file or directory`],
        [{ LYNKS_FRAME_ANCESTORS: 'https://a.example; script-src *' }, "LYNKS_FRAME_ANCESTORS: 'https://a.example; script-src *' is not"],
    ]) {
        const said = await check(more);
        assert.ok(said.code === 2 && said.text.includes(text), `${said.code} ${said.text}`);
    }
});
