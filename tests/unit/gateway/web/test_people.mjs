#!/usr/bin/env -S node --test-reporter=tap
// People of a meeting as they are shown: tiles, the list, who may do what to whom, who speaks, and what was said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';

const { tilesOf, inPeopleOrder, mayActOn, initialsOf, hueOf, isSent, Speakers, sameOr, merged, linked } =
    await loadTypeScript('state/people.ts', 'state/speakers.ts', 'state/chat.ts');

const person = (id, more = {}) => ({ id, name: id, role: 'participant', state: 'joined', kind: 'person', guest: false, muted: [], tracks: [], ...more });
const flowing = (source, more = {}) => ({ source, muted: false, media: 'flowing', ...more });
const roomOf = (people, can = []) => ({ participants: new Map(people.map((one) => [one.id, one])), me: { id: 'me', can } });

test('screens come first, then people as they came, oneself last', () => {
    const room = roomOf([person('me'), person('ana'), person('ben', { tracks: [flowing('screen')] })]);
    assert.deepEqual(tilesOf(room).map(({ key, isMine }) => [key, isMine]), [['ben/screen', false], ['ana/video', false], ['ben/video', false], ['me/video', true]]);
});

test('the own screen is no tile', () => {
    assert.deepEqual(tilesOf(roomOf([person('me', { tracks: [flowing('screen')] })])).map(({ key }) => key), ['me/video']);
});

test('what is muted or lost is not sent', () => {
    const tracks = [flowing('audio', { muted: true }), flowing('video', { media: 'lost' }), flowing('screen')];
    assert.deepEqual(['audio', 'video', 'screen'].map((source) => isSent(person('a', { tracks }), source)), [false, false, true]);
    assert.equal(isSent(undefined, 'audio'), false);
});

test('the list begins with hands as they were raised, then goes by role, then by name as the language has it', () => {
    const room = roomOf([person('zoe'), person('Émile'), person('eva', { role: 'owner' }), person('10'), person('9'),
        person('first', { hand_raised_at: '2026-01-01T00:00:09Z' }), person('second', { hand_raised_at: '2026-01-01T00:00:01Z' })]);
    assert.deepEqual(inPeopleOrder(room, 'fr').map(({ id }) => id), ['second', 'first', 'eva', '9', '10', 'Émile', 'zoe']);
});

test('one acts on those whose role is lower, never on oneself, and only as one may', () => {
    const people = [person('me', { role: 'moderator' }), person('ana', { role: 'owner' }), person('ben', { role: 'moderator' }), person('cem')];
    const may = (can) => people.filter((one) => mayActOn(roomOf(people, can), 'mute', one)).map(({ id }) => id);
    assert.deepEqual(may(['mute']), ['cem']);
    assert.deepEqual(may(['remove']), []);
});

test('initials are of the first and the last word, whole letters', () => {
    assert.deepEqual(['Ana', 'ana maria lópez', ' ben ', '😀 x', ''].map(initialsOf), ['A', 'AL', 'B', '😀X', '']);
});

test('a hue follows from the name', () => {
    assert.equal(hueOf('Ana'), hueOf('Ana'));
    assert.notEqual(hueOf('Ana'), hueOf('Ben'));
    for (const name of ['', 'Ana', '😀']) assert.ok(hueOf(name) >= 0 && hueOf(name) < 360);
});

test('who is loud speaks at once, and on through a pause for breath', () => {
    const speakers = new Speakers();
    const at = (now, levels) => [...speakers.take(new Map(Object.entries(levels)), now)];
    assert.deepEqual(at(0, { ana: 0.2, ben: 0.01 }), ['ana']);
    assert.deepEqual(at(800, { ana: 0, ben: 0.3 }), ['ana', 'ben']);
    assert.deepEqual(at(1000, { ana: 0, ben: 0.3 }), ['ben']);
    assert.deepEqual(at(1200, {}), []);
});

test('who has spoken for long is named first', () => {
    const speakers = new Speakers();
    speakers.take(new Map([['ana', 0.2]]), 0);
    speakers.take(new Map([['ana', 0.2], ['ben', 0.2]]), 800);
    assert.deepEqual(speakers.speakingFor(500, 1000), ['ana']);
    assert.deepEqual(speakers.speakingFor(200, 1000), ['ana', 'ben']);
});

test('a set with the same in it is the same set', () => {
    const before = new Set(['a', 'b']);
    assert.equal(sameOr(before, new Set(['b', 'a'])), before);
    const after = new Set(['a', 'c']);
    assert.equal(sameOr(before, after), after);
});

test('what was said before and since is there once, in order', () => {
    const say = (seq) => ({ id: `m${seq}`, seq, text: String(seq) });
    assert.deepEqual(merged([say(1), say(3)], [say(3), say(2)]).map(({ seq }) => seq), [1, 2, 3]);
});

test('links of the chat are http and https only, without what ends the sentence', () => {
    assert.deepEqual(linked('See https://a.example/x?y=1, or (http://b.example).'), [
        { text: 'See ' },
        { text: 'https://a.example/x?y=1', href: 'https://a.example/x?y=1' },
        { text: ', or (' },
        { text: 'http://b.example', href: 'http://b.example/' },
        { text: ').' },
    ]);
    for (const text of ['javascript:alert(1)', 'data:text/html,x', 'ftp://a.example', 'https://', '<b>']) assert.deepEqual(linked(text), [{ text }]);
});

test('nothing of a text is lost when it is cut into links', () => {
    for (const text of ['', 'a', 'https://a.example', 'x https://a.example.. y http://[ z', '"https://a.example/"\nhttps://b.example/)']) {
        assert.equal(linked(text).map((piece) => piece.text).join(''), text);
    }
});
