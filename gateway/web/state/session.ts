// Who is signed in, as the cookie says. The page never has the session's token.
import { signal } from '@preact/signals';
import type { Api } from '../core/api.js';
import { Problem } from '../core/api.js';
import type { User } from '../core/api_types.js';

export type { User };

/** undefined: it is not known yet; null: nobody. */
export const user = signal<User | null | undefined>(undefined);

/** Asks who one is. @throws Problem if nobody answers */
export async function lookWhoIAm(api: Api): Promise<void> {
    user.value = await api.get('/v1/users/me').catch((error: unknown) => {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
    });
}

export async function signIn(api: Api, username: string, password: string, device: string): Promise<void> {
    const answer = await api.post('/v1/sessions', { username, password, device, cookie: true });
    user.value = answer.user;
}

export async function signOut(api: Api): Promise<void> {
    await api.delete('/v1/sessions/current').catch((error: unknown) => {
        if (!(error instanceof Problem) || error.status !== 401) throw error;
    });
    user.value = null;
}
