#!/usr/bin/env -S node --test-reporter=tap
// The words of the web client: each language has all of them, with the same places for names and numbers and a text for each of its
// plural forms; what the views ask for is there, and nothing is there that no view asks for.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('../../../../gateway/web/', import.meta.url));
const wordsOf = (language) => JSON.parse(readFileSync(join(web, 'lang', `${language}.json`), 'utf8'));
const languages = readdirSync(join(web, 'lang')).map((name) => name.replace('.json', ''));
const english = wordsOf('en');
const others = languages.filter((language) => language !== 'en');

const formsOf = (text) => (typeof text === 'string' ? [text] : Object.values(text));
const placesIn = (text) => [...new Set(formsOf(text).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

/// Those that the language has for as many as are counted here.
function pluralsOf(language) {
    const rules = new Intl.PluralRules(language);
    return [...new Set(Array.from({ length: 1001 }, (_, count) => rules.select(count)))].sort();
}

function sources(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return sources(path);
        return /\.tsx?$/.test(entry.name) ? [readFileSync(path, 'utf8')] : [];
    });
}

const views = sources(join(web, 'ui')).join('\n');

/// `over.${reason}.title` may be any key that is like it.
function patternOf(template) {
    const parts = template.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^$()[\]{}|\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('\\w+')}$`);
}

const literals = new Set([...views.matchAll(/'([\w.]+)'/g)].map(([, text]) => text));
const templates = [...new Set([...views.matchAll(/`([a-z]\w*\.[\w.]*\$\{[^`]*)`/gi)].map(([, text]) => text))];
const isKeyTemplate = (template) => Object.keys(english).some((key) => patternOf(template).test(key));

for (const language of others) {
    test(`${language} has the words that English has, and no others`, () => {
        assert.deepEqual(Object.keys(wordsOf(language)), Object.keys(english));
    });

    test(`${language} names what English names`, () => {
        const words = wordsOf(language);
        for (const [key, text] of Object.entries(english)) assert.deepEqual(placesIn(words[key]), placesIn(text), key);
    });

    test(`${language} is a translation`, () => {
        const words = wordsOf(language);
        const isSentence = (text) => formsOf(text)[0].split(' ').length > 3;
        assert.deepEqual(Object.keys(english).filter((key) => isSentence(english[key]) && words[key] === english[key]), []);
    });
}

for (const language of languages) {
    test(`${language} has a text for each of its plural forms, and no empty one`, () => {
        for (const [key, text] of Object.entries(wordsOf(language))) {
            if (typeof text !== 'string') assert.deepEqual(Object.keys(text).sort(), pluralsOf(language), key);
            for (const form of formsOf(text)) assert.notEqual(form.trim(), '', key);
        }
    });
}

test('a text has plural forms in all languages or in none', () => {
    for (const language of others) {
        const words = wordsOf(language);
        for (const [key, text] of Object.entries(english)) assert.equal(typeof words[key], typeof text, `${language}: ${key}`);
    }
});

test('what the views ask for is there', () => {
    const asked = [...views.matchAll(/\bt\('([^']+)'/g)].map(([, key]) => key);
    assert.ok(asked.length > 100);
    assert.deepEqual(asked.filter((key) => !(key in english)), []);
    const said = [...views.matchAll(/\bt\(`([^`]+)`/g)].map(([, template]) => template);
    assert.ok(said.length > 3);
    assert.deepEqual(said.filter((template) => !isKeyTemplate(template)), []);
});

test('what is there is asked for', () => {
    const patterns = templates.filter(isKeyTemplate).map(patternOf);
    const unused = Object.keys(english).filter((key) => !literals.has(key) && !patterns.some((pattern) => pattern.test(key)));
    assert.deepEqual(unused, []);
});
