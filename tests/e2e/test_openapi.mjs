#!/usr/bin/env -S node --test-reporter=tap
// The API's document against the API: the document is valid OpenAPI 3.1, and every operation in it is walked. Whatever
// an operation answers, to a good request and to bad ones, must be what the document says of it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import { startStack } from '../support/stack.mjs';
import { drawToken, tokenKeyOf } from '../support/tokens.mjs';
import { webTypes } from './web-types.mjs';

const WEB_TYPES = new URL('../../gateway/web/core/api_types.d.ts', import.meta.url);
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const FOREIGN_TOKEN = 'ab'.repeat(32); // no gateway has drawn it
const TOO_LARGE = 'x'.repeat(192 * 1024 + 1); // for any of them
// A good value for each member of a body and each parameter of a path.
const PASSWORD = 'open sesame';
const VALUES = { username: 'testuser', password: PASSWORD, current_password: PASSWORD, new_password: PASSWORD, room_id: 123456,
    code: 'no_such_room', name: 'Tea', role: 'viewer', participants: [], sources: ['audio'], by: ['device'], text: 'Hello',
    label: 'Door', use: 'publish', connection: 'ab'.repeat(16), sdp: 'v=0\r\n', seq: 1, wanted: [], muted: [] };

let stack;
let token;
let tokenKey;
let answered;
let document;
let ajv;
let added = 0; // users
let shown; // the room, and who is in it, that are looked at
let waited; // the last room with a lobby, and who waited before it

// ---- what the document says ----

const escaped = (text) => text.replaceAll('~', '~0').replaceAll('/', '~1');
const isOriginal = (path) => !path.startsWith('/v1/') && !path.startsWith('/problems/');

const isStream = (operation) => operation.responses[200]?.content?.['text/event-stream'] !== undefined;

const isOpenToNobody = ({ security }) => security.length === 0 || security.some((scheme) => Object.keys(scheme).length === 0);
// Only who has a peer that speaks WebRTC gets a good answer.
const needsPeer = (path) => /\/(publish|watch|whip|whep|rtc)(\/|$)/.test(path);
const isOnlyForParticipants = ({ security }) => security.length > 0 && security.every((scheme) => 'participant' in scheme || 'stream_key' in scheme);

// What the document calls a success of the operation.
const goodStatus = (operation) => Number(Object.keys(operation.responses).find((status) => status.startsWith('2')));

function* operations() {
    for (const [path, item] of Object.entries(document.paths)) {
        for (const method of METHODS.filter((name) => item[name])) {
            yield { path, method, operation: item[method], name: `${method} ${path}`, good: goodStatus(item[method]),
                needsPeer: needsPeer(path), isSecured: item[method].security.length > 0, needsToken: !isOpenToNobody(item[method]), schema: item[method].requestBody?.content['application/json']?.schema };
        }
    }
}

// What the schema of a body requires; names that the client chooses are those of parts of an SDP.
const goodBody = (schema) => Object.fromEntries(schema.required.map((name) =>
    [name, schema.properties[name].type === 'object' ? { 0: 'audio' } : VALUES[name]]));

function mediaType(answer) {
    return (answer.headers['content-type'] ?? '').split(';')[0];
}

function assertMatches(pointer, value, what) {
    const validate = ajv.compile({ $ref: `api#${pointer}` });
    assert.ok(validate(value), `${what}: ${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`);
}

/// The answer has this status, the document knows it of the operation, and its body is as described there.
function assertDescribed({ path, method, operation, name }, answer, status, what) {
    assert.equal(answer.status, status, `${name}, ${what}: ${answer.text}`);
    const response = operation.responses[status];
    assert.ok(response, `${name}, ${what}: ${status} is not described`);
    assert.match(answer.headers['x-request-id'], /^[0-9a-f]{16}$/);
    const type = mediaType(answer);
    const types = Object.keys(response.content ?? {});
    assert.ok(type === '' ? types.length === 0 : types.includes(type), `${name}, ${what}: ${type} is none of ${types}`);
    if (type === '') {
        assert.equal(answer.text, '', `${name}, ${what}`);
        return;
    }
    const pointer = `/paths/${escaped(path)}/${method}/responses/${status}/content/${escaped(type)}/schema`;
    assertMatches(pointer, type.endsWith('json') ? answer.json : answer.text, `${name}, ${what}`);
    if (status >= 400) assert.equal(answer.json.request_id, answer.headers['x-request-id']);
}

// ---- requests ----

// Each session that is shown or ended is one that was opened for it, likewise each room was made for it, and each user who is removed was
// added for it; who ends the session that he asks with needs another.
// A body may be a function, for what is only known when the room is there.
async function send({ path, method, operation, isSecured, schema }, { headers = {}, isInTheSameRoom = false, body: given, ...options } = {}) {
    const needsMatch = operation?.parameters?.some(({ $ref }) => /\/IfMatch(OrFree)?$/.test($ref));
    // Two looks are at one room: ids have no fixed length.
    if (isSecured && path.includes('{room}') && !isInTheSameRoom) {
        const isForOneWhoWaits = /\/(admit|deny)$/.test(path);
        const room = method === 'get' ? await shownRoom() : isForOneWhoWaits ? await newRoomWithWaiter() : await newRoom();
        Object.assign(VALUES, { room: room.id, participant: room.participant.id });
        VALUES.token = room.token;
        if (path.includes('{invitation}')) VALUES.invitation = room.invitation ??= await newInRoom('invitations', { role: VALUES.role });
        if (path.includes('{key}')) VALUES.key = room.key ??= await newInRoom('stream-keys', { label: VALUES.label, use: VALUES.use });
        if (path.includes('{ban}')) VALUES.ban = room.ban ??= await newInRoom('bans', { participant: await newGuest(), by: VALUES.by });
    }
    const body = typeof given === 'function' ? given() : given ?? (schema && goodBody(schema));
    if (given === undefined && ['addUser', 'register'].includes(operation?.operationId)) body.username = `user ${added += 1}`;
    if (given === undefined && operation?.operationId === 'getJoinInfo') body.room = (await shownRoom()).code;
    if (isSecured && path.includes('{session}')) VALUES.session = (await openSession(path.includes('{user}') ? 'member' : VALUES.username)).id;
    const values = operation?.operationId === 'removeUser' ? { ...VALUES, user: await newUser() } : VALUES;
    const url = path.replace(/\{(\w+)\}/g, (_, name) => values[name]);
    const answer = await stack.request(url, { method: method.toUpperCase(), body,
        token: !isSecured ? undefined : operation && isOnlyForParticipants(operation) ? VALUES.token : token,
        // A stream begins on a fresh connection only.
        agent: operation && isStream(operation) ? false : undefined, headers: { ...(needsMatch ? { 'if-match': '*' } : {}), ...headers }, ...options });
    if (isSecured && method === 'delete' && answer.status === 204) token = await newToken();
    return answer;
}

async function newToken() {
    const { username, password } = VALUES;
    return (await stack.login(username, password)).json.token;
}

async function newUser() {
    const username = `user ${added += 1}`;
    await stack.sql(`INSERT INTO users (username, password) VALUES ('${username}', 'x')`);
    return (await stack.sql(`SELECT id FROM users WHERE username = '${username}'`))[0][0];
}

// With a member, and a guest who is in, or waits if it has a lobby.
async function newRoom(more = {}) {
    const made = await stack.request('/v1/rooms', { token, body: { name: 'Tea', guests_wait: false, ...more } });
    assert.equal(made.status, 201, made.text);
    const member = await stack.request(`/v1/rooms/${made.json.id}/members/${VALUES.user}`, { method: 'PUT', token, body: { role: 'viewer' } });
    assert.equal(member.status, 200, member.text);
    const joined = await stack.request(`/v1/rooms/${made.json.code}/participants`, { body: { name: 'Gus', device: 'laptop' } });
    assert.equal(joined.status, more.lobby ? 202 : 201, joined.text);
    return { id: made.json.id, code: made.json.code, participant: joined.json.participant, token: joined.json.token };
}

// Its guest has no stream, so he is away after half a minute: he comes back.
async function shownRoom() {
    shown ??= await newRoom();
    const back = await stack.request(`/v1/rooms/${shown.id}/participants`, { token: shown.token, body: {} });
    assert.equal(back.status, 201, back.text);
    return shown;
}

// Few of one address may wait at a time: who has waited last leaves.
async function newRoomWithWaiter() {
    if (waited) await stack.request(`/v1/rooms/${waited.id}/participants/${waited.participant.id}`, { method: 'DELETE', token: waited.token });
    return waited = await newRoom({ lobby: true });
}

// Somebody else who comes into the room of VALUES: his id.
async function newGuest() {
    const { json: room } = await stack.request(`/v1/rooms/${VALUES.room}`, { method: 'GET', token });
    const joined = await stack.request(`/v1/rooms/${room.code}/participants`, { body: { name: 'Bob', device: 'phone' } });
    assert.equal(joined.status, 201, joined.text);
    return joined.json.participant.id;
}

// What the room of VALUES is given, by its owner: its id.
async function newInRoom(what, body) {
    const answer = await stack.request(`/v1/rooms/${VALUES.room}/${what}`, { token, body });
    assert.equal(answer.status, 201, answer.text);
    return answer.json.id;
}

async function openSession(username) {
    const answer = await stack.request('/v1/sessions', { body: { username, password: PASSWORD } });
    assert.equal(answer.status, 201, answer.text);
    return answer.json;
}

before(async () => {
    stack = await startStack({ LYNKS_LOGIN_ADDRESS_BURST: '1000', LYNKS_LOGIN_NAME_BURST: '1000', LYNKS_REGISTRATION: 'open',
        LYNKS_REGISTER_BURST: '1000', LYNKS_CREATE_BURST: '10000', LYNKS_MEMBER_BURST: '10000', LYNKS_USER_ROOMS_MAX: '10000',
        LYNKS_ADDRESS_PARTICIPANTS_MAX: '10000' });
    // The demo user's own password is shorter than any that may be chosen.
    const changed = await stack.request('/v1/users/me/password', { method: 'PUT', token: await stack.token(),
        body: { current_password: 'test123', new_password: PASSWORD } });
    assert.equal(changed.status, 204, changed.text);
    // Who may do everything.
    await stack.sql("UPDATE users SET role = 2 WHERE username = 'testuser'");
    await stack.sql("INSERT INTO users (username, password) SELECT 'member', password FROM users WHERE username = 'testuser'");
    await stack.sql("INSERT INTO users (username, password) SELECT 'disabled', password FROM users WHERE username = 'testuser'");
    VALUES.user = (await stack.sql("SELECT id FROM users WHERE username = 'member'"))[0][0];
    token = await newToken();
    tokenKey = await tokenKeyOf(stack);
    await stack.create(token);
    answered = await stack.request('/v1/openapi.json', { method: 'GET' });
    document = answered.json;
    ajv = new Ajv2020({ strict: false, allErrors: true });
    ajv.addFormat('date-time', (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && !Number.isNaN(Date.parse(text)));
    ajv.addSchema(document, 'api');
});
after(() => stack?.remove());

// ---- the document itself ----

test('the document is valid OpenAPI 3.1', async () => {
    assert.equal(answered.status, 200);
    assert.equal(mediaType(answered), 'application/json');
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors, null, 1));
    assert.equal(validator.version, '3.1');
});

test('the document names the public URL, and each operation once', () => {
    assert.deepEqual(document.servers, [{ url: `http://127.0.0.1:${stack.ports.http}` }]);
    const names = [...operations()].map(({ operation }) => operation.operationId);
    assert.equal(new Set(names).size, names.length);
    for (const path of ['/login', '/create', '/list_participants', '/v1/info', '/v1/openapi.json', '/v1/sessions']) {
        assert.ok(document.paths[path], path);
    }
});

test('the document is sent again only when it has changed', async () => {
    const { etag } = answered.headers;
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const answer = await stack.request('/v1/openapi.json', { method: 'GET', headers: { 'if-none-match': known } });
        assert.equal(answer.status, 304, known);
        assert.equal(answer.text, '');
        assert.equal(answer.headers.etag, etag);
    }
    const other = await stack.request('/v1/openapi.json', { method: 'GET', headers: { 'if-none-match': '"x"' } });
    assert.equal(other.status, 200);
    assert.equal(other.text, answered.text);
});

// ---- every operation ----

test('a good request is answered as described', async () => {
    for (const row of operations()) if (!row.needsPeer) assertDescribed(row, await send(row), row.good, 'good');
});

test('what comes in several forms comes as the one that is asked for', async () => {
    let several = 0;
    for (const row of operations()) {
        if (row.needsPeer) continue;
        const types = Object.keys(row.operation.responses[row.good].content ?? {});
        if (types.length < 2) continue;
        several += 1;
        for (const accept of types) {
            const answer = await send(row, { headers: { accept } });
            assertDescribed(row, answer, row.good, accept);
            assert.equal(mediaType(answer), accept, row.name);
        }
    }
    assert.ok(several > 0);
});

test('an answer to HEAD is that to GET without its body', async () => {
    for (const row of operations()) {
        if (row.method !== 'get' || isStream(row.operation) || row.needsPeer) continue;
        const [got, head] = [await send(row), await send(row, { method: 'HEAD' })];
        assert.equal(head.status, 200, row.name);
        assert.equal(head.text, '');
        for (const name of ['content-type', 'content-length', 'etag']) {
            assert.equal(head.headers[name], got.headers[name], `${row.name}: ${name}`);
        }
    }
});

test('another method gets 405 and is told which there are', async () => {
    for (const [path, item] of Object.entries(document.paths)) {
        const own = METHODS.filter((name) => item[name]).map((name) => name.toUpperCase());
        if (own.includes('GET') && !isStream(item.get)) own.splice(1, 0, 'HEAD');
        if (!isOriginal(path)) own.push('OPTIONS');
        for (const method of [...METHODS.map((name) => name.toUpperCase()), 'HEAD', 'OPTIONS', 'TRACE', 'BREW']) {
            const answer = await send({ path, method }, {});
            if (own.includes(method) && method !== 'OPTIONS') continue;
            assert.equal(answer.status, own.includes(method) ? 204 : 405, `${method} ${path}`);
            assert.equal(answer.headers.allow, own.join(', '), `${method} ${path}`);
            if (answer.status === 405 && method !== 'HEAD') {
                const schema = isOriginal(path) ? 'OriginalError' : 'Problem';
                assertMatches(`/components/schemas/${schema}`, answer.json, `${method} ${path}`);
            }
        }
    }
});

test('no token, one that cannot be right and one that nobody has get 401', async () => {
    for (const row of operations()) {
        if (!row.isSecured) continue;
        const unknown = row.needsPeer ? [] : [drawToken(tokenKey), drawToken(tokenKey, 'participant')];
        for (const bad of [undefined, 'x', `Basic ${token}`, FOREIGN_TOKEN, `lp_${FOREIGN_TOKEN}`, ...unknown]) {
            if (bad === undefined && !row.needsToken) continue;
            const answer = await send(row, { token: bad });
            assertDescribed(row, answer, 401, `token ${bad}`);
            assert.equal(answer.headers['www-authenticate'], 'Bearer');
        }
    }
});

// What somebody may in a room is told by his role there: that is a table of its own (room_rules).
// Tokens are good for the principal that they were given to; the session of who is disabled ends with it.
test('each route lets in whom its row names, and nobody else', async () => {
    const tokenOf = async (username) => (await stack.login(username, PASSWORD)).json.token;
    const disabled = await tokenOf('disabled');
    const [[id]] = await stack.sql("SELECT id FROM users WHERE username = 'disabled'");
    const ended = await stack.request(`/v1/users/${id}`, { method: 'PATCH', token, body: { disabled: true }, headers: { 'if-match': '*' } });
    assert.equal(ended.status, 200, ended.text);
    const lets = { anybody: ['nobody', 'member', 'disabled', 'admin', 'participant'], user: ['member', 'admin'], admin: ['admin'],
        participant: ['participant'], participant_or_stream_key: ['participant'], user_or_participant: ['member', 'admin', 'participant'], user_or_nobody: ['nobody', 'member', 'admin'],
        user_participant_or_nobody: ['nobody', 'member', 'admin', 'participant'] };
    let refused = 0;
    for (const row of operations()) {
        const allowed = lets[row.operation['x-who']];
        const tokens = { nobody: undefined, member: await tokenOf('member'), disabled, admin: await tokenOf('testuser'), participant: (await newRoom()).token };
        for (const [who, theirs] of Object.entries(tokens)) {
            const { status } = await send(row, { token: theirs, ...(row.operation.operationId === 'changeMyPassword'
                ? { body: { current_password: 'not his own', new_password: PASSWORD } } : {}) });
            const wanted = allowed.includes(who) ? undefined : who === 'member' && row.operation['x-who'] === 'admin' ? 403 : 401;
            if (wanted) assert.equal(status, wanted, `${row.name} as ${who}`);
            else assert.ok((status !== 403 || row.path.includes('{room}')) && (status !== 401 || row.operation.operationId === 'changeMyPassword'), `${row.name} as ${who}: ${status}`);
            refused += wanted ? 1 : 0;
        }
        token = await newToken();
    }
    assert.ok(refused > 20);
});

test('a body that is no JSON object gets 400; where none is taken it is not looked at', async () => {
    for (const row of operations()) {
        if (row.needsPeer && !row.schema) continue;
        for (const body of ['x', '[]', '{"a":1,"a":2}', '{} {}']) {
            assertDescribed(row, await send(row, { body }), row.schema || isStream(row.operation) ? 400 : row.good, `body ${body}`);
        }
    }
});

test('a member that is missing or wrong is refused, an unknown one only where the document is closed', async () => {
    for (const row of operations()) {
        if (!row.schema) continue;
        const isClosed = row.schema.additionalProperties === false;
        const good = goodBody(row.schema);
        for (const name of row.schema.required) {
            const { [name]: left, ...rest } = good;
            for (const body of [rest, { ...good, [name]: null }, { ...good, [name]: [left] }, { ...good, [name]: '' }]) {
                assertDescribed(row, await send(row, { body }), isClosed ? 422 : 400, JSON.stringify(body));
            }
        }
        assertDescribed(row, await send(row, { body: { ...good, unknown: 1 } }), isClosed ? 422 : 200, 'unknown member');
    }
});

test('a key of a request is taken where the document says so, for one body', async () => {
    let takers = 0;
    for (const row of operations()) {
        const takes = row.operation.parameters?.some(({ $ref }) => $ref?.endsWith('/IdempotencyKey'));
        if (!takes || row.needsPeer) continue;
        takers += 1;
        const key = `"${randomUUID()}"`;
        const names = row.schema.required;
        const own = names.includes('username') ? { username: `keyed ${takers}` } : {};
        const body = () => ({ ...Object.fromEntries(names.map((name) => [name, VALUES[name]])), ...own });
        const another = () => ({ ...body(), [names.at(-1) ?? 'name']: 'another one' });
        const options = { body, isInTheSameRoom: true, headers: { 'idempotency-key': key } };
        const first = await send(row, { ...options, isInTheSameRoom: false });
        assertDescribed(row, first, row.good, 'with a key');
        assert.deepEqual((await send(row, options)).json, first.json, row.name);
        if (row.isSecured) assertDescribed(row, await send(row, { ...options, body: another }), 422, 'another body');
        assertDescribed(row, await send(row, { ...options, headers: { 'idempotency-key': 'a b' } }), 400, 'a bad key');
    }
    assert.ok(takers > 0);
});

test('a body that is too large gets 413; a request for a stream has none at all', async () => {
    for (const row of operations()) {
        assertDescribed(row, await send(row, { body: TOO_LARGE }), isStream(row.operation) ? 400 : 413, 'too large');
    }
});

test('another media type than JSON gets 415, but from the original three', async () => {
    for (const row of operations()) {
        if (row.needsPeer && !row.schema) continue;
        const answer = await send(row, { headers: { 'content-type': 'text/plain' } });
        assertDescribed(row, answer, row.operation.responses[415] && !isOriginal(row.path) ? 415 : row.good, 'text/plain');
    }
});

test('a body that is compressed gets 415 where the document knows that', async () => {
    let known = 0;
    for (const row of operations()) {
        if (!row.operation.responses[415]) continue;
        assertDescribed(row, await send(row, { headers: { 'content-encoding': 'gzip' } }), 415, 'gzip');
        known += 1;
    }
    assert.ok(known > 0);
});

test('a Host that is not ours gets 421, but from the original three', async () => {
    for (const row of operations()) {
        const answer = await send(row, { headers: { host: 'evil.example' } });
        assertDescribed(row, answer, isOriginal(row.path) ? row.good : 421, 'evil.example');
        if (row.needsPeer) continue;
        for (const host of ['localhost', 'LOCALHOST:1', '[::1]:60000', '192.0.2.7']) {
            assertDescribed(row, await send(row, { headers: { host } }), row.good, host);
        }
    }
});

test('the types of the web client are those of the document', async () => {
    const types = await webTypes(document);
    if (process.env.LYNKS_KEEP_TYPES === '1') await writeFile(WEB_TYPES, types);
    assert.equal(await readFile(WEB_TYPES, 'utf8'), types);
});

test('each code that the document names has a page', async () => {
    const codes = new Set([...JSON.stringify(document).matchAll(/"code":\{"enum":\[([^\]]*)\]/g)].flatMap(([, list]) => JSON.parse(`[${list}]`)));
    assert.ok(codes.size > 10);
    for (const code of codes) {
        const page = await stack.request(`/problems/${code}`, { method: 'GET' });
        assert.equal(page.status, 200, code);
        assert.equal(mediaType(page), 'text/html');
    }
    const none = await stack.request('/problems/nothing', { method: 'GET' });
    assert.equal(none.status, 404);
    assertMatches('/components/schemas/Problem', none.json, 'no such code');
});
