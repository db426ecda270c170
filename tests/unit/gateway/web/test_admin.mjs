#!/usr/bin/env -S node --test-reporter=tap
// What an admin is warned of, when a list is read again, and what becomes of users and what they own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';
import { World, json } from './fakes.mjs';

const { warningsOf, ListWatch, readPage, readAsFar, addUser, changeUser, removeUser } = await loadTypeScript('state/stats.ts', 'state/admin.ts');

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

test('a list is read again as far as it was', async () => {
    const pages = { start: { items: [1, 2], next: 'b' }, b: { items: [3, 4], next: 'c' }, c: { items: [5], next: undefined } };
    const read = async (token = 'start') => pages[token];
    assert.deepEqual(await readAsFar(read, 0), { items: [1, 2], next: 'b' });
    assert.deepEqual(await readAsFar(read, 2), { items: [1, 2], next: 'b' });
    assert.deepEqual(await readAsFar(read, 3), { items: [1, 2, 3, 4], next: 'c' });
    assert.deepEqual(await readAsFar(read, 9), { items: [1, 2, 3, 4, 5], next: undefined });
});

/// A watch of a list, and what is counted of it.
function watched(list, stats) {
    const world = new World();
    const told = { stats, isRead: true, reads: 0 };
    world.on('GET /v1/stats', () => json(told.stats));
    const watch = new ListWatch(world.api, list, async () => {
        told.reads += 1;
        return told.isRead;
    });
    const readsAt = async (counts) => {
        told.stats = { ...well, ...counts };
        const before = told.reads;
        await watch.look();
        return told.reads - before;
    };
    return { world, watch, told, readsAt };
}

test('a list is read again when there are more or fewer, and once after it was read first', async () => {
    const { readsAt } = watched('rooms');
    const reads = [];
    for (const total of [3, 3, 4, 4, 3]) reads.push(await readsAt({ rooms: { total, with_people: reads.length } }));
    assert.deepEqual(reads, [1, 0, 1, 0, 1]);
});

test('users are read again when somebody is disabled, not when somebody signs in', async () => {
    const { readsAt } = watched('users');
    const reads = [];
    for (const [disabled, sessions] of [[0, 1], [0, 2], [1, 1]]) reads.push(await readsAt({ users: { total: 2, disabled, sessions } }));
    assert.deepEqual(reads, [1, 0, 1]);
});

test('a list that could not be read is read with the next look; where nothing was counted nothing is read', async () => {
    const { readsAt, told, world } = watched('rooms');
    told.isRead = false;
    assert.equal(await readsAt({ rooms: { total: 1 } }), 1);
    told.isRead = true;
    assert.equal(await readsAt({}), 0);
    world.on('GET /v1/stats', () => json({ code: 'unavailable' }, 503));
    assert.equal(await readsAt({}), 0);
    world.on('GET /v1/stats', () => json(told.stats));
    assert.equal(await readsAt({ rooms: { total: 1 } }), 1);
    assert.equal(await readsAt({ rooms: { total: 1 } }), 0);
});

test('who looks while he looks already looks once', async () => {
    const { watch, world } = watched('rooms', { ...well, rooms: { total: 1 } });
    await Promise.all([watch.look(), watch.look()]);
    assert.equal(world.asked('GET /v1/stats').length, 1);
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
