// What the own microphone gives: how loud one is, whether one talks although nobody hears it, and whether nothing comes at all.
import { signal } from '@preact/signals';
import type { Env } from '../core/env.js';
import { watchLoudness } from '../core/loudness.js';

const TALKING = 0.08;
const TALKS_MS = 500;
const SILENT_MS = 8000;
const SILENT = 0.0005;

export class OwnVoice {
    /** One talks although nobody hears it. */
    readonly talksMuted = signal(false);
    /** The microphone has given nothing at all for a while. */
    readonly isSilent = signal(false);

    #env;
    #stopLoudness = () => {};
    #heardTrack: MediaStreamTrack | null = null;
    #loudSince = 0;
    #soundAt = 0;
    #level = 0;

    constructor(env: Env) {
        this.#env = env;
    }

    get level() { return this.#level; }

    listenTo(track: MediaStreamTrack | null): void {
        if (track === this.#heardTrack) return;
        this.#heardTrack = track;
        this.#stopLoudness();
        this.#level = 0;
        this.#soundAt = performance.now();
        this.#stopLoudness = track === null ? () => {} : watchLoudness(this.#env, track, (level) => { this.#level = level; });
    }

    stop(): void { this.#stopLoudness(); }

    /** @param isOn others hear it */
    look(now: number, isOn: boolean): void {
        const hasTrack = this.#heardTrack !== null;
        if (this.#level < TALKING) this.#loudSince = now;
        this.talksMuted.value = hasTrack && !isOn && (now - this.#loudSince > TALKS_MS || (this.talksMuted.value && this.#level > TALKING / 4));
        if (!hasTrack || this.#level > SILENT) this.#soundAt = now;
        this.isSilent.value = isOn && now - this.#soundAt > SILENT_MS;
    }
}
