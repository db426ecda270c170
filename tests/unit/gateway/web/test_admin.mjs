#!/usr/bin/env -S node --test-reporter=tap
// What an admin is warned of, when a list is read again, and what becomes of users and what they own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';
import { World, json } from './fakes.mjs';

const { warningsOf, PagedList, readPage, addUser, changeUser, removeUser } = await loadTypeScript('state/stats.ts', 'state/pages.ts', 'state/admin.ts');

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

/// A list of what `there` has, two a page; reads can be held until `answer`.
function listOf(there) {
    const asked = [];
    const held = { isHeld: false, answers: [] };
    const list = new PagedList(async (token = '0') => {
        const at = Number(token);
        asked.push(at);
        const page = { items: there.slice(at, at + 2), next: at + 2 < there.length ? String(at + 2) : undefined };
        if (held.isHeld) await new Promise((resolve) => held.answers.push(resolve));
        return page;
    });
    return { list, asked, held };
}

test('a list goes on page by page, and is read again as far as it was', async () => {
    const there = [1, 2, 3, 4, 5];
    const { list, asked } = listOf(there);
    assert.equal(list.items.value, undefined);
    await list.begin();
    assert.deepEqual([list.items.value, list.next.value], [[1, 2], '2']);
    await list.more();
    assert.deepEqual([list.items.value, list.next.value], [[1, 2, 3, 4], '4']);
    asked.length = 0;
    await list.reload();
    assert.deepEqual([list.items.value, asked], [[1, 2, 3, 4], [0, 2]]);
    await list.more();
    await list.more();
    assert.deepEqual([list.items.value, list.next.value], [[1, 2, 3, 4, 5], undefined]);
});

test('one who came and one who went between two looks are seen, though there are as many', async () => {
    const there = ['ana', 'ben'];
    const { list } = listOf(there);
    await list.begin();
    there.splice(0, 2, 'ben', 'carol');
    await list.refresh();
    assert.deepEqual(list.items.value, ['ben', 'carol']);
});

test('the list that was asked for last is shown, and nobody looks while somebody reads', async () => {
    const there = ['first'];
    const { list, asked, held } = listOf(there);
    held.isHeld = true;
    const early = list.begin();
    there[0] = 'second';
    await list.refresh();
    assert.deepEqual(asked, [0]);
    const late = list.begin();
    held.answers.reverse().forEach((answer) => answer());
    await Promise.all([early, late]);
    assert.deepEqual(list.items.value, ['second']);
    held.isHeld = false;
    await list.refresh();
    assert.equal(asked.length, 3);
});

test('a list that cannot be read once stays, says so, and is read with the next look', async () => {
    let isAway = false;
    const list = new PagedList(async () => {
        if (isAway) throw new Error('away');
        return { items: [1], next: undefined };
    });
    await list.begin();
    isAway = true;
    await list.refresh();
    assert.deepEqual([list.items.value, list.error.value?.message], [[1], 'away']);
    isAway = false;
    await list.refresh();
    assert.deepEqual([list.items.value, list.error.value], [[1], undefined]);
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
