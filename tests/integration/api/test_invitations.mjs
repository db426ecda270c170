#!/usr/bin/env -S node --test-reporter=tap
// Invitations through a whole Lynks: what lets people in is told once, and is nowhere else to be found.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startOwnGateway } from '../../support/own-gateway.mjs';
import { startStack } from '../../support/stack.mjs';

const PIN = '31415926535897932384';

let stack;
let second; // gateway
let token;
let room;
let made; // the invitation
const told = []; // all answers but those that give the secret
const key = randomUUID();

const keep = (answer) => {
    told.push(answer);
    return answer;
};
const fails = (answer, status, code) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.code, code);
};
const of = (path) => `/v1/rooms/${room.id}${path}`;
const ask = async (path, options) => keep(await stack.request(path, options));
const joinBy = (name, invitation, more = {}) => ask(`/v1/rooms/${room.code}/participants`, { body: { name, invitation, ...more } });

before(async () => {
    stack = await startStack({ LYNKS_LOG_LEVEL: 'debug' });
    second = await startOwnGateway(stack, 0, { LYNKS_LOG_LEVEL: 'debug', LYNKS_PUBLIC_URL: `http://127.0.0.1:${stack.ports.http}` });
    token = await stack.token();
    const added = await stack.request('/v1/rooms', { token, body: { name: 'Tea', guests_wait: false, pin: PIN } });
    assert.equal(added.status, 201, added.text);
    room = added.json;
});
after(async () => {
    await second?.end();
    await stack?.remove();
});

test('an invitation is made once for its key, and whichever gateway is asked again tells the same link', async () => {
    const body = { role: 'participant', label: 'Crew', max_uses: 2 };
    const answers = [];
    for (const port of [stack.ports.http, second.port]) {
        answers.push(await stack.request(of('/invitations'), { token, body, port, headers: { 'idempotency-key': key } }));
    }
    made = answers[0].json;
    assert.equal(answers[0].status, 201, answers[0].text);
    assert.equal(answers[0].headers.location, of(`/invitations/${made.id}`));
    assert.match(made.secret, /^li_[0-9a-f]{64}$/);
    assert.equal(made.url, `http://127.0.0.1:${stack.ports.http}/${room.code}#${made.secret}`);
    assert.deepEqual(answers[1].json, made);
    const { secret, url, ...shown } = made;
    const list = await ask(of('/invitations'), { method: 'GET', token });
    assert.deepEqual(list.json.items, [shown]);
});

test('whoever has it is told what he will find, comes in without the PIN, and counts once', async () => {
    const info = await ask('/v1/join-info', { body: { invitation: made.secret } });
    assert.deepEqual(info.json, { name: 'Tea', code: room.code, begun: false, pin: false, lobby: false, waits: false, locked: false, role: 'participant' });
    fails(await joinBy('Gus', undefined), 403, 'wrong_pin');
    const joined = await joinBy('Gus', made.secret);
    assert.equal(joined.status, 201, joined.text);
    const { participant } = joined.json;
    assert.deepEqual([participant.state, participant.muted, participant.guest], ['joined', [], true]);
    const back = await ask(`/v1/rooms/${room.code}/participants`, { token: joined.json.token, body: {} });
    assert.equal(back.json.participant.id, participant.id);
    const seen = await ask(of(`/invitations/${made.id}`), { method: 'GET', token });
    assert.equal(seen.json.uses, 1);
});

test('one that is none lets in nobody, and one of another room neither', async () => {
    const last = made.secret.at(-1) === '0' ? '1' : '0';
    const wrong = made.secret.slice(0, -1) + last;
    fails(await joinBy('Eve', wrong), 404, 'no_such_invitation');
    fails(await ask('/v1/join-info', { body: { invitation: wrong } }), 404, 'no_such_invitation');
    const other = await stack.request('/v1/rooms', { token, body: { name: 'Coffee', guests_wait: false } });
    fails(await ask(`/v1/rooms/${other.json.code}/participants`, { body: { name: 'Eve', invitation: made.secret } }), 404, 'no_such_invitation');
});

test('one that was changed, used up or taken back says so', async () => {
    const change = (body) => ask(of(`/invitations/${made.id}`), { method: 'PATCH', token, body });
    assert.equal((await change({ not_before: '2100-01-01T00:00:00Z' })).status, 200);
    fails(await joinBy('Hal', made.secret), 403, 'invitation_early');
    assert.equal((await change({ not_before: null, expires_at: '2100-01-01T00:00:00Z' })).status, 200);
    await stack.sql(`UPDATE invitations SET expires_unix_ms = 1 WHERE invitation_id = ${made.id}`);
    fails(await joinBy('Hal', made.secret), 410, 'invitation_expired');
    assert.equal((await change({ expires_at: null, max_uses: 1 })).status, 200);
    fails(await joinBy('Hal', made.secret), 410, 'invitation_used_up');
    const cleared = await change({ max_uses: null, label: null });
    assert.deepEqual([cleared.json.max_uses, cleared.json.label, cleared.json.expires_at], [null, undefined, null]);
    const gone = await ask(of(`/invitations/${made.id}?participants=remove`), { method: 'DELETE', token });
    assert.equal(gone.status, 204, gone.text);
    fails(await joinBy('Hal', made.secret), 410, 'invitation_revoked');
    const left = await ask(of('/participants'), { method: 'GET', token });
    assert.deepEqual(left.json.items, []);
});

test('neither an answer nor a log nor the database has the secret or the PIN', async () => {
    const logs = [...(await stack.logs()).values()].join('\n') + await second.end();
    assert.match(logs, /path=\/v1\/join-info/);
    const rows = JSON.stringify([await stack.sql('SELECT * FROM invitations'), await stack.sql('SELECT * FROM participants')]);
    for (const text of [...told.map((answer) => answer.text + JSON.stringify(answer.headers)), logs, rows]) {
        assert.ok(!text.includes(made.secret.slice(3, 51)), 'the secret');
        assert.ok(!text.includes(PIN), 'the PIN');
    }
});
