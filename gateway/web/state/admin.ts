// What an admin does to users and their meetings.
import type { Api } from '../core/api.js';
import { Problem } from '../core/api.js';
import type { Env } from '../core/env.js';
import type { Account, User } from '../core/api_types.js';
import type { Page } from './pages.ts';

export type { Account };

/** How soon what an admin sees follows what others do. */
export const REFRESH_MS = 5000;

const PAGE = 25;

/** A page of a list; of the next ones by the token of the one before. */
export async function readPage<T>(api: Api, path: string, query: Record<string, string>, token?: string): Promise<Page<T>> {
    const wanted = Object.entries(query).filter(([, value]) => value !== '');
    const search = new URLSearchParams([...wanted, ['limit', String(PAGE)], ...(token === undefined ? [] : [['page_token', token]])]);
    const { items, next_page_token: next } = await api.get(`${path}?${search}`);
    return { items, next };
}

export interface NewUser { username: string; display_name: string; password: string; role: User['role'] }

export const addUser = (api: Api, env: Env, { display_name, ...user }: NewUser): Promise<Account> =>
    api.post('/v1/users', display_name === '' ? user : { ...user, display_name }, { key: env.randomId() });

/** Whatever the user is like now: what is set does not follow from what he was. */
export const changeUser = (api: Api, id: string, change: { role?: User['role']; disabled?: boolean }): Promise<Account> =>
    api.patch(`/v1/users/${id}`, change, { match: '*' });

/** Signs him out everywhere. */
export const givePassword = (api: Api, id: string, password: string) => api.put(`/v1/users/${id}/password`, { new_password: password });

/** @param heir the user name of who gets the meetings; empty: they end */
export async function removeUser(api: Api, id: string, heir: string): Promise<void> {
    const rooms = heir === '' ? 'end' : `transfer:${await idOf(api, heir)}`;
    await api.delete(`/v1/users/${id}?rooms=${rooms}`, { match: '*' });
}

/** Of somebody with exactly this user name. */
async function idOf(api: Api, username: string): Promise<string> {
    let token: string | undefined;
    do {
        const { items, next }: Page<Account> = await readPage(api, '/v1/users', { search: username }, token);
        const found = items.find((one) => one.username === username);
        if (found !== undefined) return found.id;
        token = next;
    } while (token !== undefined);
    throw new Problem({ status: 422, code: 'no_such_user' });
}
