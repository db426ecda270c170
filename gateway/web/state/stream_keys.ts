// Keys by which programs send to a room, or watch it: requests, and what one sees of a key.
import type { Api } from '../core/api.js';
import type { StreamKey as MadeStreamKey } from '../core/api_types.js';
import type { Env } from '../core/env.js';
import { allOf, type Room } from './rooms.ts';

/** The key itself is told of one that was just made only. */
export type StreamKey = Omit<MadeStreamKey, 'key'>;
export type { MadeStreamKey };

export type StreamState = 'receives' | 'connected' | 'off' | 'expired';

/** Whether something arrives by it now; if not, how far it is. */
export function stateOf(key: StreamKey, now: number): StreamState {
    if (key.receives) return 'receives';
    if (key.participant !== undefined) return 'connected';
    return key.expires_at !== null && Date.parse(key.expires_at) <= now ? 'expired' : 'off';
}

const pathOf = (room: Room) => `/v1/rooms/${encodeURIComponent(room.id)}/stream-keys`;

export const readStreamKeys = (api: Api, room: Room) => allOf<StreamKey>(api, pathOf(room));

export const makeStreamKey = (api: Api, env: Env, room: Room, wanted: { label: string; validForMs: number | undefined }, now: number): Promise<MadeStreamKey> =>
    api.post(pathOf(room), {
        label: wanted.label,
        use: 'publish',
        ...(wanted.validForMs === undefined ? {} : { expires_at: new Date(now + wanted.validForMs).toISOString() }),
    }, { key: env.randomId() });

export const removeStreamKey = (api: Api, room: Room, id: string) => api.delete(`${pathOf(room)}/${id}`);
