// Cameras, microphones and speakers: which there are, and a track of one. Says in one word why there is none.

/**
 * denied: the user or the browser does not allow it. missing: there is none, or the wanted one is gone. busy: another program has it,
 * or it does not start. insecure: the page came over plain HTTP from another machine.
 * @typedef {'denied' | 'missing' | 'busy' | 'insecure'} DeviceFault
 *
 * @typedef {'audio' | 'video'} DeviceKind
 *
 * @typedef {object} DeviceLists
 * @property {MediaDeviceInfo[]} microphones
 * @property {MediaDeviceInfo[]} cameras
 * @property {MediaDeviceInfo[]} speakers
 */

export class DeviceError extends Error {
    /**
     * @param {DeviceFault} fault
     * @param {unknown} cause
     */
    constructor(fault, cause) {
        super(fault, { cause });
        this.name = 'DeviceError';
        this.fault = fault;
    }
}

/** @param {unknown} error of getUserMedia or getDisplayMedia @returns {DeviceFault} */
export function faultOf(error) {
    const name = error instanceof Error || error instanceof DOMException ? error.name : '';
    if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
    if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing';
    return 'busy';
}

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } };
/** For a slow machine, or a connection that is paid by the byte. */
const SMALL_CAMERA = { width: { ideal: 320 }, height: { ideal: 180 }, frameRate: { ideal: 15, max: 15 } };
const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export class Devices {
    #media;

    /** @param {MediaDevices | undefined} media the browser's; there is none for what came over plain HTTP from elsewhere */
    constructor(media) {
        this.#media = media;
    }

    /** Whether this browser can show its screen to others. */
    get canShareScreen() { return typeof this.#media?.getDisplayMedia === 'function'; }

    /** @returns {Promise<DeviceLists>} names are empty until one was allowed */
    async list() {
        const all = await this.#media?.enumerateDevices().catch(() => []) ?? [];
        const of = (/** @type {MediaDeviceKind} */ kind) => all.filter((device) => device.kind === kind && device.deviceId !== '');
        return { microphones: of('audioinput'), cameras: of('videoinput'), speakers: of('audiooutput') };
    }

    /**
     * A track of the device, or of the browser's choice if that one is not there any more.
     * @param {DeviceKind} kind
     * @param {string} [deviceId]
     * @param {boolean} [isSmall] of a camera: a small picture will do
     * @returns {Promise<MediaStreamTrack>}
     * @throws {DeviceError}
     */
    async open(kind, deviceId, isSmall = false) {
        const shape = kind === 'audio' ? MICROPHONE : isSmall ? SMALL_CAMERA : CAMERA;
        try {
            return await this.#open(kind, { ...shape, ...(deviceId === undefined || deviceId === '' ? {} : { deviceId: { exact: deviceId } }) });
        } catch (error) {
            const isGone = deviceId !== undefined && error instanceof DeviceError && error.fault === 'missing';
            if (!isGone) throw error;
            return this.#open(kind, shape);
        }
    }

    /**
     * The screen, a window or a tab, as the user picks it.
     * @returns {Promise<MediaStreamTrack>}
     * @throws {DeviceError}
     */
    async openScreen() {
        return this.#get(async (media) => {
            const stream = await media.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: false });
            return stream.getVideoTracks()[0];
        });
    }

    /**
     * @param {() => void} call a device came or went
     * @returns {() => void} does not call any more
     */
    onChange(call) {
        this.#media?.addEventListener('devicechange', call);
        return () => this.#media?.removeEventListener('devicechange', call);
    }

    /**
     * @param {DeviceKind} kind
     * @param {MediaTrackConstraints} wanted
     */
    #open(kind, wanted) {
        return this.#get(async (media) => (await media.getUserMedia({ [kind]: wanted })).getTracks()[0]);
    }

    /** @param {(media: MediaDevices) => Promise<MediaStreamTrack | undefined>} ask */
    async #get(ask) {
        if (this.#media === undefined) throw new DeviceError('insecure', undefined);
        const track = await ask(this.#media).catch((/** @type {unknown} */ error) => {
            throw new DeviceError(faultOf(error), error);
        });
        if (track === undefined) throw new DeviceError('missing', undefined);
        return track;
    }
}
