#!/usr/bin/env -S node --test-reporter=tap
// The room of the client's core: what a snapshot and events make of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyRoom, meIn, othersNextTracks, othersTracks, reduceRoom } from '../../../../gateway/web/core/room.js';

const person = (id, more = {}) => ({ id, name: id, role: 'participant', state: 'joined', kind: 'person', guest: false, muted: [], tracks: [], ...more });
const about = (event, data, id = 'g1.2') => ({ id, event, data: { type: event, time: 't', room: '1', data } });
const snapshot = (more = {}) => ({ id: 'g1.1', event: 'snapshot',
    data: { room: { name: 'Tea' }, participants: [person('ann'), person('bob')], me: { can: ['publish'] }, ...more } });
const after = (...events) => events.reduce(reduceRoom, emptyRoom('ann'));
const ids = (people) => [...people.keys()];

test('nothing is known before the snapshot', () => {
    const state = emptyRoom('ann');
    assert.equal(state.isKnown, false);
    assert.equal(meIn(state), undefined);
    assert.deepEqual(othersTracks(state), []);
});

test('a snapshot is the whole', () => {
    const state = after(snapshot(), snapshot({ participants: [person('ann')], waiting: [person('eve', { state: 'waiting' })] }));
    assert.equal(state.isKnown, true);
    assert.equal(state.room.name, 'Tea');
    assert.deepEqual(ids(state.participants), ['ann']);
    assert.deepEqual(ids(state.waiting), ['eve']);
    assert.deepEqual(state.me, { id: 'ann', can: ['publish'] });
    assert.equal(meIn(state).name, 'ann');
});

test('who waits sees himself among those who wait', () => {
    const state = after({ id: 'g1.1', event: 'snapshot',
        data: { room: { name: 'Tea' }, participants: [person('ann', { state: 'waiting' })], me: {} } });
    assert.deepEqual(ids(state.participants), []);
    assert.equal(meIn(state).state, 'waiting');
    assert.deepEqual(state.me.can, []);
});

test('people come, change, wait, are let in and go, each by his state', () => {
    const cases = [
        ['participant.joined', person('cid'), ['ann', 'bob', 'cid'], []],
        ['participant.updated', person('bob', { name: 'Bobby' }), ['ann', 'bob'], []],
        ['participant.waiting', person('cid', { state: 'waiting' }), ['ann', 'bob'], ['eve', 'cid']],
        ['participant.admitted', person('eve'), ['ann', 'bob', 'eve'], []],
        ['participant.denied', person('eve', { state: 'denied' }), ['ann', 'bob'], []],
        ['participant.left', person('bob', { state: 'left' }), ['ann'], []],
        ['participant.removed', person('bob', { state: 'removed' }), ['ann'], []],
        ['participant.banned', person('bob', { state: 'removed' }), ['ann'], []],
        ['hand.raised', person('bob', { hand_raised_at: 't' }), ['ann', 'bob'], []],
        ['participant.muted', person('bob', { muted: ['audio'] }), ['ann', 'bob'], []],
        ['track.published', person('bob', { tracks: [{ source: 'audio', muted: false, media: 'flowing' }] }), ['ann', 'bob'], []],
    ];
    for (const [name, participant, here, waiting] of cases) {
        const others = waiting.includes('eve') || participant.id === 'eve' ? [person('eve', { state: 'waiting' })] : [];
        const state = after(snapshot({ waiting: others }), about(name, { participant }));
        assert.deepEqual(ids(state.participants), here, name);
        assert.deepEqual(ids(state.waiting), waiting, name);
        if (participant.state === 'joined') assert.deepEqual(state.participants.get(participant.id), participant, name);
    }
});

test('what the others send is listed, and what oneself sends is not', () => {
    const audio = { source: 'audio', muted: false, media: 'flowing' };
    const screen = { source: 'screen', muted: false, media: 'lost' };
    const state = after(snapshot(), about('track.published', { participant: person('ann', { tracks: [audio] }) }),
        about('track.muted', { participant: person('bob', { tracks: [audio, screen] }) }));
    assert.deepEqual(othersTracks(state), [{ ...audio, participant: 'bob' }, { ...screen, participant: 'bob' }]);
});

test('who sends anything, or has, may send sound and picture next, and what else he has sent, until he leaves', () => {
    const track = (source) => ({ source, muted: false, media: 'flowing' });
    const sends = (...sources) => about('track.published', { participant: person('bob', { tracks: sources.map(track) }) });
    const next = (...events) => othersNextTracks(after(snapshot(), ...events)).map(({ participant, source }) => `${participant}/${source}`);
    assert.deepEqual(next(), []);
    assert.deepEqual(next(sends('audio')), ['bob/video']);
    assert.deepEqual(next(sends('audio', 'video')), []);
    assert.deepEqual(next(sends('screen'), sends()), ['bob/audio', 'bob/video', 'bob/screen']);
    assert.deepEqual(next(sends('audio'), snapshot()), ['bob/audio', 'bob/video']);
    const gone = about('participant.left', { participant: person('bob', { state: 'left' }) });
    assert.deepEqual(next(sends('audio'), gone, about('participant.joined', { participant: person('bob') })), []);
    assert.deepEqual(next(sends('audio'), snapshot({ participants: [person('ann')] }), snapshot()), []);
});

test('the room changes, and what one may', () => {
    const state = after(snapshot(), about('room.updated', { room: { name: 'Coffee', locked: true } }),
        { event: 'me', data: { me: { can: ['mute'] } } });
    assert.equal(state.room.name, 'Coffee');
    assert.deepEqual(state.me, { id: 'ann', can: ['mute'] });
});

test('each message is there once, and of many the last', () => {
    const message = (n) => about('message.created', { message: { id: String(n), seq: n, text: 'hello' } });
    assert.deepEqual(after(snapshot(), message(1), message(2), message(1)).messages.map(({ seq }) => seq), [1, 2]);
    const many = after(snapshot(), ...Array.from({ length: 600 }, (_, n) => message(n)));
    assert.deepEqual([many.messages.length, many.messages[0].seq, many.messages.at(-1).seq], [500, 100, 599]);
});

test('after a reset it is not known until the next snapshot, and shows what it was', () => {
    const state = after(snapshot(), { event: 'reset', data: {} });
    assert.equal(state.isKnown, false);
    assert.deepEqual(ids(state.participants), ['ann', 'bob']);
    assert.equal(reduceRoom(state, snapshot()).isKnown, true);
});

test('the end of the meeting leaves nobody, and the end of all says why', () => {
    for (const name of ['meeting.ended', 'room.ended']) {
        assert.deepEqual(ids(after(snapshot(), about(name, { reason: 'meeting_ended' })).participants), []);
    }
    assert.deepEqual(after(snapshot(), { event: 'end', data: { reason: 'removed' } }).over, { reason: 'removed' });
});

test('a state that was given is never changed, and what means nothing makes no other one', () => {
    const before = after(snapshot());
    const copy = structuredClone(before);
    reduceRoom(before, about('participant.left', { participant: person('bob', { state: 'left' }) }));
    reduceRoom(before, about('message.created', { message: { id: '1', seq: 1, text: '' } }));
    assert.deepEqual(before, copy);
    assert.equal(reduceRoom(before, { event: 'something.else', data: {} }), before);
});
