// One's own account: the name that others see, the password, and where one is signed in; of the last, admins see everybody's.
import type { Api } from '../core/api.js';
import type { Session } from '../core/api_types.js';
import type { User } from './session.ts';
import { user } from './session.ts';
import { allOf } from './rooms.ts';

export type { Session };

export interface ReadUser { user: User; tag: string | undefined }

export async function readMe(api: Api): Promise<ReadUser> {
    const { body, tag } = await api.tagged('GET', '/v1/users/me');
    return { user: body, tag };
}

/** Refused as stale, if it was changed elsewhere since it was read. */
export async function setDisplayName(api: Api, { tag }: ReadUser, name: string): Promise<ReadUser> {
    const answer = await api.tagged('PATCH', '/v1/users/me', {
        body: { display_name: name === '' ? null : name },
        ...(tag === undefined ? {} : { match: tag }),
    });
    user.value = answer.body;
    return { user: answer.body, tag: answer.tag };
}

/** Signs one out everywhere else. */
export const setPassword = (api: Api, current: string, fresh: string) =>
    api.put('/v1/users/me/password', { current_password: current, new_password: fresh });

/** One's own; with a user's id, for admins: his. */
const sessionsPath = (userId?: string) => (userId === undefined ? '/v1/sessions' : `/v1/users/${userId}/sessions`);

/** This one first, then those used last. */
export async function listSessions(api: Api, userId?: string): Promise<Session[]> {
    const all = await allOf<Session>(api, sessionsPath(userId));
    return all.sort((a, b) => Number(b.current) - Number(a.current) || Date.parse(b.last_used_at) - Date.parse(a.last_used_at));
}

export const endSession = (api: Api, id: string, userId?: string) => api.delete(`${sessionsPath(userId)}/${id}`);
export const endOtherSessions = (api: Api, userId?: string) => api.delete(sessionsPath(userId));
