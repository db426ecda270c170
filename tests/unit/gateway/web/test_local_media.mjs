#!/usr/bin/env -S node --test-reporter=tap
// The own microphone and camera: on, off, refused, unplugged and back, changed while the answer to an older wish is on its way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';
import { deferred, settle } from './fakes.mjs';

const { LocalMedia, DeviceError } = await loadTypeScript('state/local_media.ts', 'core/devices.js');

class FakeTrack extends EventTarget {
    constructor(kind, deviceId, isSmall) {
        super();
        Object.assign(this, { kind, deviceId, isSmall, isStopped: false });
    }

    stop() { this.isStopped = true; }

    unplug() { this.dispatchEvent(new Event('ended')); }
}

/// Devices that give a track at once, or as `answer` says.
class FakeDevices {
    opened = [];
    lists = { microphones: [], cameras: [], speakers: [] };
    answer = (kind, deviceId, isSmall) => new FakeTrack(kind, deviceId, isSmall);

    async open(kind, deviceId, isSmall) {
        const track = await this.answer(kind, deviceId, isSmall);
        this.opened.push(track);
        return track;
    }

    async list() { return this.lists; }

    onChange(call) {
        this.changed = call;
        return () => { this.changed = undefined; };
    }
}

function world(remembered = {}) {
    const store = new Map(Object.entries(remembered));
    const devices = new FakeDevices();
    const memory = { read: (name) => store.get(name), write: (name, value) => { if (value === undefined) store.delete(name); else store.set(name, value); } };
    return { store, devices, media: new LocalMedia(devices, memory) };
}

test('what is wanted is opened, what was switched off last time is not', async () => {
    const { media, devices } = world({ 'wanted.video': 'no' });
    await media.openWanted();
    assert.deepEqual(devices.opened.map(({ kind }) => kind), ['audio']);
    assert.equal(media.camera.track.value, null);
});

test('off means that its light is off, and it is remembered; leaving is not', async () => {
    const { media, store } = world();
    await media.openWanted();
    const [microphone, camera] = [media.microphone.track.value, media.camera.track.value];
    media.microphone.close();
    assert.equal(microphone.isStopped, true);
    assert.equal(store.get('wanted.audio'), 'no');
    media.release();
    assert.equal(camera.isStopped, true);
    assert.equal(store.get('wanted.video'), undefined);
});

test('why there is none is told, and gone when it is there', async () => {
    const { media, devices } = world();
    const { answer } = devices;
    devices.answer = () => Promise.reject(new DeviceError('denied'));
    assert.equal(await media.camera.open(), null);
    assert.equal(media.camera.fault.value, 'denied');
    devices.answer = () => Promise.reject(new Error('something else'));
    await media.camera.open();
    assert.equal(media.camera.fault.value, 'busy');
    devices.answer = answer;
    await media.camera.open();
    assert.equal(media.camera.fault.value, undefined);
});

test('another device takes the place of the one before, which is stopped', async () => {
    const { media, store } = world();
    const first = await media.microphone.open();
    const second = await media.microphone.choose('usb');
    assert.deepEqual([first.isStopped, second.isStopped, second.deviceId, media.microphone.track.value === second], [true, false, 'usb', true]);
    assert.equal(store.get('device.audio'), 'usb');
});

test('a small picture is asked for at once, remembered, and not while the camera is off', async () => {
    const { media, store, devices } = world();
    assert.equal(await media.camera.setSmall(true), null);
    assert.equal((await media.camera.open()).isSmall, true);
    assert.equal(store.get('small.video'), 'yes');
    assert.equal((await media.camera.setSmall(false)).isSmall, false);
    assert.deepEqual(devices.opened.map(({ isStopped }) => isStopped), [true, false]);
    assert.equal(store.get('small.video'), undefined);
});

test('a device that is chosen while it is off stays off', async () => {
    const { media, devices } = world({ 'wanted.audio': 'no' });
    assert.equal(await media.microphone.choose('usb'), null);
    assert.deepEqual(devices.opened, []);
});

test('a track that comes when nobody wants it any more is stopped', async () => {
    const { media, devices } = world();
    const answer = deferred();
    devices.answer = () => answer.promise;
    const opening = media.camera.open();
    media.camera.close();
    const track = new FakeTrack('video');
    answer.resolve(track);
    assert.equal(await opening, null);
    assert.deepEqual([track.isStopped, media.camera.track.value], [true, null]);
});

test('of two wishes the later one counts, whichever answer comes last', async () => {
    const { media, devices } = world();
    const answers = { slow: deferred(), quick: deferred() };
    devices.answer = (kind, deviceId) => answers[deviceId].promise;
    const slow = media.camera.choose('slow');
    const quick = media.camera.choose('quick');
    answers.quick.resolve(new FakeTrack('video', 'quick'));
    await quick;
    answers.slow.resolve(new FakeTrack('video', 'slow'));
    await slow;
    assert.equal(media.camera.track.value.deviceId, 'quick');
    assert.deepEqual(devices.opened.map(({ deviceId, isStopped }) => [deviceId, isStopped]), [['quick', false], ['slow', true]]);
});

test('one that was unplugged is told so, and used again when there is one', async () => {
    const { media, devices } = world();
    await media.openWanted();
    const gone = [];
    const stop = media.camera.track.subscribe((track) => { if (track === null) gone.push(media.camera.fault.value); });
    media.camera.track.value.unplug();
    stop();
    assert.deepEqual(gone, ['unplugged']); // whoever hears that it is gone can tell why
    assert.deepEqual([media.camera.track.value, media.camera.fault.value], [null, 'unplugged']);
    devices.changed();
    await settle();
    assert.equal(media.camera.track.value, null);
    devices.lists = { microphones: [], cameras: [{ deviceId: 'c' }], speakers: [] };
    devices.changed();
    await settle();
    assert.ok(media.camera.track.value !== null);
    assert.equal(media.camera.fault.value, undefined);
});

test('after it was left, devices that come and go change nothing', async () => {
    const { media, devices } = world();
    await media.openWanted();
    media.release();
    assert.equal(devices.changed, undefined);
});
