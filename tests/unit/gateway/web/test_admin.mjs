#!/usr/bin/env -S node --test-reporter=tap
// What an admin is warned of, and what becomes of users and what they own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';
import { World, json } from './fakes.mjs';

const { warningsOf, readPage, addUser, changeUser, removeUser } = await loadTypeScript('state/stats.ts', 'state/admin.ts');

const well = { time: '2026-01-01T00:00:00Z', services: [{ name: 'authsvc', ready: true }], nodes: [{ name: 'default', held: true, connections: 0, seen_at: null }], warnings: [] };

test('where all is well there is no warning', () => {
    assert.deepEqual(warningsOf(well), []);
    assert.deepEqual(warningsOf({ ...well, nodes: undefined }), []);
});

test('what is not ready, a media server without a bridge, and what was not counted are told; of others the words of the server', () => {
    assert.deepEqual(warningsOf({
        ...well,
        services: [...well.services, { name: 'roomsvc', ready: false, reason: 'silent' }, { name: 'database', ready: false }],
        nodes: [...well.nodes, { name: 'second', held: false, connections: 0, seen_at: null }],
        warnings: [{ code: 'not_ready', text: 'x' }, { code: 'not_counted', text: 'y' }, { code: 'not_counted', text: 'z' }, { code: 'disk_full', text: 'The disk is full.' }],
    }), [
        { kind: 'not_ready', name: 'roomsvc', reason: 'silent' },
        { kind: 'not_ready', name: 'database', reason: '' },
        { kind: 'node_without_bridge', name: 'second' },
        { kind: 'not_counted' },
        { kind: 'other', text: 'The disk is full.' },
    ]);
});

test('a page is asked for with what is searched, and the next by the token of the one before', async () => {
    const world = new World();
    world.on('GET /v1/users?search=ana&limit=25', () => json({ items: [1], next_page_token: 't' }));
    world.on('GET /v1/users?limit=25&page_token=t', () => json({ items: [2] }));
    assert.deepEqual(await readPage(world.api, '/v1/users', { search: 'ana' }), { items: [1], next: 't' });
    assert.deepEqual(await readPage(world.api, '/v1/users', { search: '' }, 't'), { items: [2], next: undefined });
});

test('who is added without a name to show gets none', async () => {
    const world = new World();
    world.on('POST /v1/users', () => json({ id: '3' }));
    await addUser(world.api, world.env, { username: 'ana', display_name: '', password: 'long enough', role: 'member' });
    assert.deepEqual(world.requests[0].body, { username: 'ana', password: 'long enough', role: 'member' });
});

test('a user is changed whatever he is like now', async () => {
    const world = new World();
    world.on('PATCH /v1/users/3', () => json({ id: '3' }));
    await changeUser(world.api, '3', { disabled: true });
    assert.deepEqual([world.requests[0].body, world.requests[0].headers['if-match']], [{ disabled: true }, '*']);
});

test('the meetings of who is removed end, or go to the one with exactly that user name', async () => {
    const world = new World();
    const gone = [];
    world.on('DELETE /v1/users/3?rooms=end', () => json(gone.push('end')));
    world.on('DELETE /v1/users/3?rooms=transfer:9', () => json(gone.push('transfer')));
    world.on('GET /v1/users?search=ana&limit=25', () => json({ items: [{ id: '8', username: 'anais', display_name: 'ana' }], next_page_token: 't' }));
    world.on('GET /v1/users?search=ana&limit=25&page_token=t', () => json({ items: [{ id: '9', username: 'ana' }] }));
    world.on('GET /v1/users?search=bob&limit=25', () => json({ items: [{ id: '7', username: 'bobby' }] }));
    await removeUser(world.api, '3', '');
    await removeUser(world.api, '3', 'ana');
    assert.deepEqual(gone, ['end', 'transfer']);
    const error = await removeUser(world.api, '3', 'bob').catch((caught) => caught);
    assert.equal(error.code, 'no_such_user');
    assert.equal(gone.length, 2);
});
