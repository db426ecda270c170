// How loud a track is, several times a second: for a meter, for who speaks while he is mute, and for a microphone that gives nothing.

const LOOK_MS = 100;

/** @typedef {import('./env.js').Env} Env */

/**
 * @param {Env} env
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} onLevel 0 to 1, the loudest of a tenth of a second
 * @returns {() => void} stops it
 */
export function watchLoudness(env, track, onLevel) {
    // A copy: who listens hears it although the one that is sent is switched off.
    const copy = track.clone();
    copy.enabled = true;
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 2048 });
    context.createMediaStreamSource(new MediaStream([copy])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let cancel = () => {};
    const look = () => {
        if (context.state === 'suspended') context.resume().catch(() => {});
        analyser.getFloatTimeDomainData(samples);
        onLevel(samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
        cancel = env.after(LOOK_MS, look);
    };
    look();
    return () => {
        cancel();
        copy.stop();
        context.close().catch(() => {});
    };
}

const TONE_MS = 1200;

/**
 * A short, soft tone: to hear whether the speaker works, and to tell of who waits.
 * @param {Env} env
 * @param {string} [sinkId] the speaker; the system's own if it is not there
 */
export async function playTone(env, sinkId) {
    const context = new AudioContext();
    if (sinkId !== undefined && 'setSinkId' in context) await /** @type {any} */ (context).setSinkId(sinkId).catch(() => {});
    const gain = new GainNode(context, { gain: 0 });
    gain.connect(context.destination);
    const { currentTime: start } = context;
    for (const [index, frequency] of [523.25, 659.25, 783.99].entries()) {
        const tone = new OscillatorNode(context, { frequency });
        tone.connect(gain);
        tone.start(start + index * 0.16);
        tone.stop(start + index * 0.16 + 0.15);
    }
    gain.gain.setTargetAtTime(0.16, start, 0.02);
    gain.gain.setTargetAtTime(0, start + 0.42, 0.06);
    env.after(TONE_MS, () => { context.close().catch(() => {}); });
}
