#!/usr/bin/env -S node --test-reporter=tap
// The three original endpoints against the real stack: their exact wire format, and every answer to bad
// input that can be seen from outside.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startStack } from '../../support/stack.mjs';
import { drawToken, tokenKeyOf } from '../../support/tokens.mjs';
import { eventually } from '../../support/wait.mjs';

const MAX_ROOM = 2 ** 53 - 1;
const FOREIGN_TOKEN = 'ab'.repeat(32); // no gateway has drawn it

let stack;
let token;
let unusedToken; // a gateway may have drawn it, but it is of no session

before(async () => {
    stack = await startStack({ LYNKS_LOG_LEVEL: 'debug', LYNKS_LOGIN_ADDRESS_BURST: '1000',
        LYNKS_LOGIN_NAME_BURST: '1000' });
    token = await stack.token();
    unusedToken = drawToken(await tokenKeyOf(stack));
});
after(() => stack?.remove());

function assertFailed(answer, status, code) {
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.headers['content-type'], /^application\/json/);
    assert.deepEqual(Object.keys(answer.json).sort(), ['action', 'error', 'request_id']);
    assert.equal(answer.json.action, 'failed');
    assert.deepEqual(Object.keys(answer.json.error).sort(), ['code', 'message']);
    if (code) assert.equal(answer.json.error.code, code);
    assert.ok(answer.json.error.message.length > 0);
    assert.equal(answer.headers['x-request-id'], answer.json.request_id);
}

test('login answers with a fresh token', async () => {
    const answer = await stack.login();
    assert.equal(answer.status, 200);
    assert.match(answer.headers['content-type'], /^application\/json/);
    assert.match(answer.text, /^\{"action": ?"succesful", ?"token": ?"[0-9a-f]{64}"\}\s*$/);
    assert.notEqual(answer.json.token, token);
});

test('create answers with the standard room, as often as it is asked', async () => {
    for (let i = 0; i < 3; i += 1) {
        const answer = await stack.create(token);
        assert.equal(answer.status, 200, answer.text);
        assert.match(answer.text, /^\{"action": ?"success", ?"room_id": ?123456\}\s*$/);
    }
    assert.deepEqual(await stack.sql('SELECT COUNT(*) FROM rooms WHERE closed_unix_ms IS NULL'), [['1']]);
});

test('list_participants answers with nobody in an empty room', async () => {
    await stack.create(token);
    const answer = await stack.list(token);
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.text, /^\{"action": ?"success", ?"room_id": ?123456, ?"publishers": ?\[\]\}\s*$/);
});

test('who joined without publishing is not listed', async () => {
    await stack.create(token);
    const session = (await stack.janus('', { janus: 'create' })).data.id;
    const handle = (await stack.janus(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
    await stack.janus(`/${session}/${handle}`, { janus: 'message',
        body: { request: 'join', ptype: 'publisher', room: 123456, id: 4711 } });
    const joined = await stack.request(`/janus/${session}`, { method: 'GET', port: stack.ports.janusHttp });
    assert.equal(joined.json.plugindata.data.videoroom, 'joined', joined.text);
    assert.deepEqual((await stack.list(token)).json.publishers, []);
    await stack.janus(`/${session}`, { janus: 'destroy' });
});

test('unknown JSON members are ignored', async () => {
    const login = await stack.request('/login', { body: { username: 'testuser', password: 'test123', extra: [1] } });
    assert.equal(login.status, 200, login.text);
    assert.equal((await stack.create(token, { body: { extra: { a: null } } })).status, 200);
    const list = await stack.request('/list_participants', { token, body: { room_id: 123456, x: 1.5 } });
    assert.equal(list.status, 200, list.text);
});

test('a token may come with Bearer in front', async () => {
    for (const scheme of ['Bearer', 'bearer']) {
        assert.equal((await stack.create(`${scheme} ${token}`)).status, 200, scheme);
    }
});

test('wrong password and unknown user get the same answer', async () => {
    const wrong = await stack.login('testuser', 'wrong');
    const unknown = await stack.login('nobody', 'test123');
    assertFailed(wrong, 400, 'bad_credentials');
    assertFailed(unknown, 400, 'bad_credentials');
    assert.equal(wrong.json.error.message, unknown.json.error.message);
});

test('user names compare exactly', async () => {
    for (const name of ['TestUser', 'testuser ', 'téstuser']) assertFailed(await stack.login(name), 400);
});

test('missing, malformed and unknown tokens get 401', async () => {
    const tokens = [undefined, '', 'x', 'Bearer', 'Bearer ', `Basic ${token}`, token.slice(1), `${token}0`,
        `${token.slice(1)}g`, FOREIGN_TOKEN, unusedToken, `Bearer  ${token} x`];
    for (const bad of tokens) {
        assertFailed(await stack.create(bad), 401, 'unauthorized');
        assertFailed(await stack.list(bad), 401, 'unauthorized');
    }
});

test('an unknown room gets 404', async () => {
    assertFailed(await stack.list(token, 654321), 404, 'no_such_room');
    assertFailed(await stack.list(token, MAX_ROOM), 404, 'no_such_room');
});

const NOT_JSON_OBJECTS = {
    'malformed': '{"username":"testuser",',
    'blank': '  \n',
    'a list': '[]',
    'a string': '"x"',
    'a number': '1',
    'null': 'null',
    'trailing bytes': '{"username":"testuser","password":"test123","room_id":123456} x',
    'two objects': '{"username":"testuser","password":"test123","room_id":123456}{}',
    'duplicate keys': '{"username":"testuser","username":"testuser","password":"test123","room_id":1,"room_id":123456}',
    'invalid UTF-8': Buffer.concat([Buffer.from('{"username":"testuser","password":"test123","room_id":123456,"x":"'),
        Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    'a lone surrogate': '{"username":"testuser","password":"test123","room_id":123456,"x":"\\ud800"}',
    '30,000 levels deep': '['.repeat(30000),
    '30,000 levels deep, closed': `{"username":"testuser","password":"test123","room_id":123456,"x":${
        '['.repeat(30000)}${']'.repeat(30000)}}`,
};

for (const [name, body] of Object.entries(NOT_JSON_OBJECTS)) {
    test(`a body that is ${name} gets 400 everywhere`, async () => {
        for (const path of ['/login', '/create', '/list_participants']) {
            assertFailed(await stack.request(path, { body, token }), 400, 'bad_request');
        }
    });
}

test('an empty body stands for {} where nothing is asked for, and gets 400 elsewhere', async () => {
    const created = await stack.request('/create', { body: '', token });
    assert.equal(created.status, 200, created.text);
    assert.equal(created.json.room_id, 123456);
    for (const path of ['/login', '/list_participants']) {
        assertFailed(await stack.request(path, { body: '', token }), 400, 'bad_request');
    }
});

const LOGIN_BODIES = [
    {}, { username: 'testuser' }, { password: 'test123' }, { username: 1, password: 'test123' },
    { username: 'testuser', password: null }, { username: ['testuser'], password: 'test123' },
    { username: '', password: 'test123' }, { username: 'testuser', password: '' },
    { username: 'testuser\0', password: 'test123' }, { username: 'testuser', password: 'test123\0x' },
    { username: 'u'.repeat(257), password: 'test123' }, { username: 'testuser', password: 'p'.repeat(1025) },
];

test('a login body with missing, wrong, NUL or over-long members gets 400', async () => {
    for (const body of LOGIN_BODIES) assertFailed(await stack.request('/login', { body }), 400, 'bad_request');
});

test('a room_id that is not an integer in 1..2^53-1 gets 400', async () => {
    const bad = ['0', '-1', '1.5', '123456.5', '"123456"', 'null', 'true', '[]', '{}', '9007199254740992',
        '18446744073709551616', '1e400', '-0'];
    for (const id of bad) {
        assertFailed(await stack.request('/list_participants', { body: `{"room_id":${id}}`, token }), 400);
    }
    assertFailed(await stack.request('/list_participants', { body: {}, token }), 400);
});

test('the token is judged before the room', async () => {
    assertFailed(await stack.list(unusedToken, 654321), 401);
});

test('wrong methods get 405 with Allow, unknown paths 404', async () => {
    for (const path of ['/login', '/create', '/list_participants']) {
        for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
            const answer = await stack.request(path, { method, token });
            assertFailed(answer, 405, 'method_not_allowed');
            assert.match(answer.headers.allow, /\bPOST\b/);
        }
        assert.equal((await stack.request(path, { method: 'HEAD', token })).status, 405);
    }
    // "/" is not among them: it is a page where the web client is served.
    for (const path of ['/Login', '/login/', '/login/x', '//login', '/create%00', '/x'.repeat(500)]) {
        assertFailed(await stack.request(path, { body: {}, token }), 404, 'not_found');
    }
});

test('a query string does not hide the path', async () => {
    assert.equal((await stack.request('/create?x=1', { body: {}, token })).status, 200);
});

test('a request id is in every answer and in the log of every process it passed', async () => {
    const answer = await stack.create(token); // a list may come from the memory of roomsvc
    const id = answer.headers['x-request-id'];
    assert.match(id, /^\S{8,}$/);
    // Lines are written beside the answers, so they may come a moment after it.
    for (const service of ['gateway', 'authsvc', 'roomsvc', 'janusbridge']) {
        await eventually(async () => (await stack.logs()).get(`${service}.log`).includes(id), { within: 5000, what: `${service} logs ${id}` });
    }
});

test('no log has a token, a password or a key in it', async () => {
    const keyed = await stack.janus('', { janus: 'ping' });
    assert.equal(keyed.janus, 'pong');
    await stack.login('testuser', 'my-wrong-password');
    const [[hash]] = await stack.sql("SELECT password FROM users WHERE username = 'testuser'");
    for (const [name, text] of await stack.logs()) {
        for (const secret of [token, FOREIGN_TOKEN, unusedToken, 'test123', 'my-wrong-password', hash]) {
            assert.ok(!text.includes(secret), `${name} has "${secret}"`);
        }
    }
});

test('the table of sessions holds no token, the table of users no bare hash', async () => {
    const sessions = await stack.sql('SELECT HEX(token_hash) FROM sessions');
    assert.ok(sessions.length > 0);
    assert.ok(!sessions.some(([hash]) => hash.toLowerCase() === token));
    for (const [hash] of await stack.sql('SELECT password FROM users')) assert.match(hash, /^(sha256:)?\$argon2id\$/);
});

test('ops listeners tell health, readiness and metrics', async () => {
    const dependencies = { gateway: ['authsvc', 'roomsvc', 'janusbridge'], authsvc: ['mysql'], roomsvc: ['mysql', 'janusbridge'], janusbridge: ['janus'] };
    for (const [service, names] of Object.entries(dependencies)) {
        assert.equal((await stack.ops(service, '/healthz')).status, 200);
        const ready = await stack.ops(service, '/readyz');
        assert.equal(ready.status, 200, `${service}: ${ready.text}`);
        assert.equal(ready.json.ready, true);
        for (const name of names) assert.equal(ready.json.dependencies[name]?.ready, true, `${service}: ${ready.text}`);
        const metrics = await stack.ops(service, '/metrics');
        assert.match(metrics.headers['content-type'], /^text\/plain; version=0\.0\.4/);
        assert.match(metrics.text, /^# TYPE lynks_\S+ (counter|gauge|histogram)$/m);
    }
    assert.match((await stack.ops('gateway', '/metrics')).text, /^lynks_http_requests_total\{.*status="?200"?.*\} [1-9]/m);
});
