#!/usr/bin/env -S node --test-reporter=tap
// Links of the pages lead to files, and to headings, that are there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
const withoutCode = (text) => text.replace(/^```[^]*?^```$/gm, '');

/// As GitHub names headings; the second of one name has -1 behind it.
function anchors(text) {
    const seen = new Map();
    return new Set([...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
        const name = heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
        const count = seen.get(name) ?? 0;
        seen.set(name, count + 1);
        return count ? `${name}-${count}` : name;
    }));
}

function linkIsBroken(page, target) {
    const [path, anchor] = target.split('#');
    const file = path ? normalize(join(dirname(page), path)) : page;
    if (!existsSync(join(ROOT, file))) return true;
    return anchor !== undefined && file.endsWith('.md') && !anchors(readFileSync(join(ROOT, file), 'utf8')).has(anchor);
}

test('links between pages lead somewhere', () => {
    const links = pages.flatMap((page) => [...withoutCode(readFileSync(join(ROOT, page), 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => ({ page, target })).filter(({ target }) => !/^[a-z]+:/.test(target)));
    assert.ok(links.length > 50);
    assert.deepEqual(links.filter(({ page, target }) => linkIsBroken(page, target)), []);
});
