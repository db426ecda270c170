// What the web client does when its page is loaded, with Janus' own client library and nothing between it and Janus: sends camera and
// microphone into a room, and shows what one feed there sends. The part of the address after # says where: { server, room, pin, feed, name }.
import Janus from 'janus-gateway';
import adapter from 'webrtc-adapter';
import { Devices } from '../../../gateway/web/core/devices.js';

const PLUGIN = 'janus.plugin.videoroom';
// As the web client sends a camera.
const LAYERS = [
    { rid: 'f', maxBitrate: 1000000 },
    { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 350000 },
    { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 120000 },
];

const { server, room, pin, feed, name } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const fail = (error) => { throw error instanceof Error ? error : new Error(String(error)); };

function initialise() {
    return new Promise((resolve) => { Janus.init({ debug: ['error'], dependencies: Janus.useDefaultDependencies({ adapter }), callback: resolve }); });
}

function connect() {
    return new Promise((resolve, reject) => {
        const janus = new Janus({ server, iceServers: [], success: () => resolve(janus), error: reject });
    });
}

function attach(janus, callbacks) {
    return new Promise((resolve, reject) => { janus.attach({ plugin: PLUGIN, ...callbacks, success: resolve, error: reject }); });
}

function describe(handle, how, options) {
    return new Promise((resolve, reject) => { handle[how]({ ...options, success: resolve, error: reject }); });
}

async function send(janus, [microphone, camera]) {
    const handle = await attach(janus, {
        onmessage: (message, jsep) => {
            if (message.error) fail(message.error);
            if (message.videoroom === 'joined') publish().catch(fail);
            if (jsep) handle.handleRemoteJsep({ jsep });
        },
    });
    const publish = async () => {
        const jsep = await describe(handle, 'createOffer', { tracks: [{ type: 'audio', capture: microphone, recv: false },
            { type: 'video', capture: camera, recv: false, simulcast: true, sendEncodings: LAYERS }] });
        handle.send({ message: { request: 'publish' }, jsep });
    };
    handle.send({ message: { request: 'join', ptype: 'publisher', room, pin, display: 'Ben' } });
}

async function watch(janus) {
    const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true, srcObject: new MediaStream() });
    video.setAttribute('aria-label', name);
    document.body.append(video);
    const handle = await attach(janus, {
        onmessage: async (message, jsep) => {
            if (message.error) fail(message.error);
            if (jsep) handle.send({ message: { request: 'start' }, jsep: await describe(handle, 'createAnswer', { jsep }) });
        },
        onremotetrack: (track, mid, isOn) => { if (isOn) video.srcObject.addTrack(track); },
    });
    window.askedAt = performance.now();
    handle.send({ message: { request: 'join', ptype: 'subscriber', room, pin, streams: [{ feed }] } });
}

const devices = new Devices(navigator.mediaDevices);
const tracks = Promise.all([devices.open('audio'), devices.open('video', undefined, true)]);
await initialise();
const janus = await connect();
await Promise.all([watch(janus), tracks.then((both) => send(janus, both))]);
