// The own camera and microphone, from the page before a meeting until one has left it: whether they are wanted, which device, the
// track, and why there is none.
import type { ReadonlySignal } from '@preact/signals';
import { signal } from '@preact/signals';
import type { DeviceFault, DeviceKind, DeviceLists, Devices } from '../core/devices.js';
import { DeviceError } from '../core/devices.js';

export type InputFault = DeviceFault | 'unplugged';

/** What is remembered of a device from one meeting to the next. */
export interface Memory {
    read(name: string): string | undefined;
    write(name: string, value: string | undefined): void;
}

export class Input {
    readonly kind: DeviceKind;
    /** Whether the user wants it on. */
    readonly isWanted = signal(true);
    readonly track = signal<MediaStreamTrack | null>(null);
    readonly fault = signal<InputFault | undefined>(undefined);
    readonly deviceId;
    /** Of a camera: a small picture will do, to save power and bytes. */
    readonly isSmall;
    #devices;
    #memory;
    /** Counts what was asked for: an older answer is not taken. */
    #asked = 0;

    constructor(devices: Devices, kind: DeviceKind, memory: Memory) {
        this.#devices = devices;
        this.#memory = memory;
        this.kind = kind;
        this.deviceId = signal(memory.read(`device.${kind}`) ?? '');
        this.isSmall = signal(memory.read(`small.${kind}`) === 'yes');
        this.isWanted.value = memory.read(`wanted.${kind}`) !== 'no';
    }

    /** Switches it on: there is a track then, or a fault. */
    async open(): Promise<MediaStreamTrack | null> {
        this.#want(true);
        if (this.track.value !== null) return this.track.value;
        return this.#reopen();
    }

    /** Switches it off, and its light too. */
    close(): void {
        this.#want(false);
        this.#release();
        this.fault.value = undefined;
    }

    /** Switches it off for now; what the user wants stays remembered. */
    release(): void { this.#release(); }

    async choose(deviceId: string): Promise<MediaStreamTrack | null> {
        this.deviceId.value = deviceId;
        this.#memory.write(`device.${this.kind}`, deviceId);
        if (!this.isWanted.value) return null;
        return this.#reopen();
    }

    async setSmall(isSmall: boolean): Promise<MediaStreamTrack | null> {
        this.isSmall.value = isSmall;
        this.#memory.write(`small.${this.kind}`, isSmall ? 'yes' : undefined);
        return this.track.value === null ? null : this.#reopen();
    }

    #want(isWanted: boolean) {
        this.isWanted.value = isWanted;
        this.#memory.write(`wanted.${this.kind}`, isWanted ? undefined : 'no');
    }

    async #reopen(): Promise<MediaStreamTrack | null> {
        const mine = (this.#asked += 1);
        const old = this.track.value;
        try {
            const track = await this.#devices.open(this.kind, this.deviceId.value, this.isSmall.value);
            if (mine !== this.#asked) {
                track.stop();
                return this.track.value;
            }
            this.#take(track);
        } catch (error) {
            if (mine !== this.#asked) return this.track.value;
            this.track.value = null;
            this.fault.value = error instanceof DeviceError ? error.fault : 'busy';
        }
        old?.stop();
        return this.track.value;
    }

    #take(track: MediaStreamTrack) {
        this.track.value = track;
        this.fault.value = undefined;
        track.addEventListener('ended', () => {
            if (this.track.value !== track) return;
            this.fault.value = 'unplugged'; // first: whoever hears that there is none any more asks why
            this.track.value = null;
        });
    }

    #release() {
        this.#asked += 1;
        this.track.value?.stop();
        this.track.value = null;
    }
}

export class LocalMedia {
    readonly microphone: Input;
    readonly camera: Input;
    readonly speakerId;
    readonly lists = signal<DeviceLists>({ microphones: [], cameras: [], speakers: [] });
    readonly devices: Devices;
    #memory;
    #stopWatching: () => void;

    constructor(devices: Devices, memory: Memory) {
        this.devices = devices;
        this.#memory = memory;
        this.microphone = new Input(devices, 'audio', memory);
        this.camera = new Input(devices, 'video', memory);
        this.speakerId = signal(memory.read('device.speaker') ?? '');
        this.#stopWatching = devices.onChange(() => { void this.look(); });
    }

    /** Opens what is wanted: both in one go, so that the browser asks once after the other. */
    async openWanted(): Promise<void> {
        if (this.microphone.isWanted.value) await this.microphone.open();
        if (this.camera.isWanted.value) await this.camera.open();
        await this.look();
    }

    /** Learns which devices there are; one that was plugged in again is used again. */
    async look(): Promise<void> {
        this.lists.value = await this.devices.list();
        for (const input of [this.microphone, this.camera]) {
            const all = input.kind === 'audio' ? this.lists.value.microphones : this.lists.value.cameras;
            if (input.fault.value === 'unplugged' && input.isWanted.value && all.length > 0) await input.open();
        }
    }

    chooseSpeaker(deviceId: string): void {
        this.speakerId.value = deviceId;
        this.#memory.write('device.speaker', deviceId);
    }

    /** Lights go off. */
    release(): void {
        this.#stopWatching();
        this.microphone.release();
        this.camera.release();
    }
}

/** The device that a track comes from; empty where the browser does not tell. */
export const deviceOf = (track: ReadonlySignal<MediaStreamTrack | null>) => track.value?.getSettings().deviceId ?? '';
