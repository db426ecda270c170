// What the views share: the environment, the API as the cookie's user, the devices, and what this browser is called.
import { Api } from '../core/api.js';
import { Devices } from '../core/devices.js';
import { ownEnv } from '../core/env.js';
import { keep, kept } from './kept.ts';

export const env = ownEnv();
export const api = new Api(env);
export const devices = new Devices(navigator.mediaDevices);

/** The same browser is the same device for a ban. */
export function deviceId(): string {
    const known = kept('device');
    if (known !== undefined) return known;
    const fresh = env.randomId();
    keep('device', fresh);
    return fresh;
}

const BROWSERS: [RegExp, string][] = [[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrom(e|ium)\//, 'Chrome'],
    [/Safari\//, 'Safari']];
const SYSTEMS: [RegExp, string][] = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS/, 'macOS'],
    [/Linux/, 'Linux']];

const named = (list: [RegExp, string][]) => list.find(([pattern]) => pattern.test(navigator.userAgent))?.[1];

export const browserName = () => named(BROWSERS);

/** A label for the list of sessions: "Firefox on Linux". */
export const deviceLabel = () => [named(BROWSERS), named(SYSTEMS)].filter(Boolean).join(' · ').slice(0, 64) || 'Browser';
