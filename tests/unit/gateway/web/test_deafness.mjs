#!/usr/bin/env -S node --test-reporter=tap
// Sound that is due and does not come, although the connection is alive: when another connection is made for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';

const { Deafness } = await loadTypeScript('state/deafness.ts');

/// How many looks it takes; Infinity: none of so many.
function looksUntil(deafness, due, comes, most = 200) {
    for (let look = 1; look <= most; look += 1) if (deafness.take(due, new Set(comes))) return look;
    return Infinity;
}

test('sound that is due and does not come for six looks is worth another connection, and then not for a minute', () => {
    const deafness = new Deafness();
    assert.equal(looksUntil(deafness, ['0', '2'], ['1', '2']), 6);
    assert.equal(looksUntil(deafness, ['0', '2'], ['1', '2']), 60);
});

test('what comes now and then, what is not due, and a connection by which nothing comes at all are not', () => {
    const deafness = new Deafness();
    for (let round = 0; round < 10; round += 1) {
        assert.equal(looksUntil(deafness, ['0'], ['1'], 5), Infinity);
        assert.equal(deafness.take(['0'], new Set(['0', '1'])), false);
    }
    assert.equal(looksUntil(deafness, [], ['1']), Infinity);
    assert.equal(looksUntil(deafness, ['0'], []), Infinity);
});

test('a part that is another one begins anew', () => {
    const deafness = new Deafness();
    assert.equal(looksUntil(deafness, ['0'], ['1'], 5), Infinity);
    assert.equal(looksUntil(deafness, ['2'], ['1']), 6);
});
