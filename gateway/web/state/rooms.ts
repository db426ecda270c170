// Rooms as the API gives them, and lists that come in pages.
import type { Api } from '../core/api.js';
import type { Room } from '../core/api_types.js';
import type { Env } from '../core/env.js';

export type { Room };

const PAGE = 100;
const PAGES_MOST = 10;

/** All items of a list, or the first thousand. */
export async function allOf<T>(api: Api, path: string): Promise<T[]> {
    const items: T[] = [];
    let token: string | undefined;
    for (let page = 0; page < PAGES_MOST; page += 1) {
        const query = new URLSearchParams({ limit: String(PAGE), ...(token === undefined ? {} : { page_token: token }) });
        const answer = await api.get(`${path}${path.includes('?') ? '&' : '?'}${query}`);
        items.push(...answer.items);
        token = answer.next_page_token;
        if (token === undefined) break;
    }
    return items;
}

/** Those in which one has a role and that can be opened by a link, the newest first. An admin is told of all there are. */
export async function listRooms(api: Api): Promise<Room[]> {
    const rooms = await allOf<Room>(api, '/v1/rooms');
    return rooms.filter(({ code, role }) => code !== undefined && role !== undefined).sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
}

export const makeRoom = (api: Api, env: Env, name: string): Promise<Room> => api.post('/v1/rooms', { name }, { key: env.randomId() });
