#!/usr/bin/env node
// The house as it is built: every folder is a library, it includes only what it links, and nothing goes in a circle.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));

const SERVICES = ['gateway', 'authsvc', 'roomsvc', 'janusbridge'];
const PRODUCT = ['proto', ...SERVICES, 'sql', 'deploy'];

function tracked(...patterns) {
    const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', ...patterns], { encoding: 'utf8' });
    return listed.split('\n').filter((file) => file !== '' && existsSync(file));
}

const sources = tracked(...PRODUCT.flatMap((top) => [`${top}/*.c`, `${top}/*.h`, `${top}/*.def`]));

// ---- what is linked: from the CMakeLists.txt of each folder ----

// folder -> { name, links: Set of libraries }, library -> folder
const folders = new Map();
const folderOf = new Map();

function readFolder(file) {
    const folder = dirname(file);
    const text = readFileSync(file, 'utf8').replace(/^\s*#.*$/gm, '');
    const entry = { name: undefined, links: new Set() };
    for (const [, kind, words] of text.matchAll(/lynks_(library|service|tool)\s*\(([^)]*)\)/g)) {
        const [name, ...rest] = words.trim().split(/\s+/);
        const at = rest.indexOf('LINKS');
        const links = (at < 0 ? [] : rest.slice(at + 1)).filter((link) => !link.includes('::'));
        if (kind !== 'tool') entry.name = kind === 'service' ? `${name}_core` : name;
        if (kind === 'service') links.push('proto_process');
        links.forEach((link) => entry.links.add(link));
    }
    entry.links.delete(entry.name); // a tool beside its own library
    folders.set(folder, entry);
    if (entry.name !== undefined) folderOf.set(entry.name, folder);
}

tracked(...PRODUCT.map((top) => `${top}/*CMakeLists.txt`)).forEach(readFolder);

function linkedFolders(folder) {
    return [...folders.get(folder).links].map((link) => folderOf.get(link) ?? assert.fail(`${folder} links ${link}, which no folder is`));
}

function reachable(start, next) {
    const seen = new Set();
    const todo = [start];
    while (todo.length > 0) {
        for (const other of next(todo.pop())) {
            if (!seen.has(other)) {
                seen.add(other);
                todo.push(other);
            }
        }
    }
    return seen;
}

// A way from a node back to itself, if there is one.
function circle(nodes, next) {
    const done = new Set();
    const walk = (node, path) => {
        if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
        if (done.has(node)) return undefined;
        for (const other of next(node)) {
            const found = walk(other, [...path, node]);
            if (found) return found;
        }
        done.add(node);
        return undefined;
    };
    for (const node of nodes) {
        const found = walk(node, []);
        if (found) return found.join(' -> ');
    }
    return undefined;
}

// ---- what is included ----

const includes = new Map(
    sources.map((file) => [file, [...readFileSync(file, 'utf8').matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].map((match) => match[1])]),
);

// A .c and its .h are one module.
const moduleOf = (file) => join(dirname(file), basename(file).replace(/\.[ch]$/, ''));

test('every folder with code is a library of its own, and says in a head comment what lives there', () => {
    const bad = [];
    for (const folder of new Set(sources.map(dirname))) {
        const list = join(folder, 'CMakeLists.txt');
        if (!folders.has(folder)) bad.push(`${folder}: no CMakeLists.txt`);
        else if (!readFileSync(list, 'utf8').startsWith('# ')) bad.push(`${list}: does not begin with a comment`);
    }
    assert.deepEqual(bad, []);
});

test('an include names an existing file by its whole path', () => {
    const bad = [];
    for (const [file, wanted] of includes) for (const other of wanted) if (!existsSync(other)) bad.push(`${file}: ${other}`);
    assert.deepEqual(bad, []);
});

test('a folder includes only what it links', () => {
    const bad = [];
    for (const [file, wanted] of includes) {
        const own = dirname(file);
        const may = reachable(own, linkedFolders);
        for (const other of wanted) {
            if (dirname(other) !== own && !may.has(dirname(other))) bad.push(`${file} includes ${other}, but ${own} does not link ${dirname(other)}`);
        }
    }
    assert.deepEqual(bad, []);
});

test('a library links nothing that none of its files includes', () => {
    const bad = [];
    for (const [folder, { links }] of folders) {
        const used = new Set(sources.filter((file) => dirname(file) === folder).flatMap((file) => includes.get(file).map(dirname)));
        for (const link of links) if (folderOf.get(link) !== folder && !used.has(folderOf.get(link))) bad.push(`${folder}: ${link}`);
    }
    assert.deepEqual(bad, []);
});

test('folders go in no circle', () => {
    assert.equal(circle(folders.keys(), linkedFolders), undefined);
});

test('files go in no circle', () => {
    const next = new Map();
    for (const [file, wanted] of includes) {
        const own = moduleOf(file);
        next.set(own, [...(next.get(own) ?? []), ...wanted.map(moduleOf).filter((other) => other !== own)]);
    }
    assert.equal(
        circle(next.keys(), (node) => next.get(node) ?? []),
        undefined,
    );
});

test('a service includes proto and itself, proto and the tools include no service', () => {
    const bad = [];
    for (const [file, wanted] of includes) {
        const own = file.split('/')[0];
        for (const other of wanted) {
            const top = other.split('/')[0];
            if (top !== own && top !== 'proto') bad.push(`${file}: ${other}`);
        }
    }
    assert.deepEqual(bad, []);
});

// A backtrace names functions, not files.
test('a static function has a name that no other file gives to one', () => {
    const places = new Map();
    for (const file of sources.filter((name) => name.endsWith('.c'))) {
        const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
        for (const [, name] of text.matchAll(/^static (?!const\b)[^;=(){}]*?\b(\w+)\([^;{]*\)\n\{/gm)) {
            places.set(name, [...(places.get(name) ?? []), file]);
        }
    }
    const shared = [...places].filter(([, files]) => new Set(files).size > 1).map(([name, files]) => `${name}: ${files.join(' ')}`);
    assert.deepEqual(shared.sort(), []);
});
