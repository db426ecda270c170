// What an admin sees of the whole: as GET /v1/stats tells it, and what of it somebody should look at.
import type { Api } from '../core/api.js';
import type { Stats } from '../core/api_types.js';

export type { Stats };

/** By what is known here there are words of each language; others come with the server's. */
export type Warning =
    | { kind: 'not_ready'; name: string; reason: string }
    | { kind: 'node_without_bridge'; name: string }
    | { kind: 'not_counted' }
    | { kind: 'other'; text: string };

const KNOWN = ['not_ready', 'node_without_bridge', 'not_counted'];

export function warningsOf({ services, nodes, warnings }: Stats): Warning[] {
    return [
        ...services.filter(({ ready }) => !ready).map(({ name, reason }): Warning => ({ kind: 'not_ready', name, reason: reason ?? '' })),
        ...(nodes ?? []).filter(({ held }) => !held).map(({ name }): Warning => ({ kind: 'node_without_bridge', name })),
        ...(warnings.some(({ code }) => code === 'not_counted') ? [{ kind: 'not_counted' } as const] : []),
        ...warnings.filter(({ code }) => !KNOWN.includes(code)).map(({ text }): Warning => ({ kind: 'other', text })),
    ];
}

export const readStats = (api: Api): Promise<Stats> => api.get('/v1/stats', { attempts: 1 });

/** What of it is another one when such a list is; undefined: it was not counted. */
const MARKS = {
    users: ({ users }: Stats) => users && `${users.total} ${users.disabled}`,
    rooms: ({ rooms }: Stats) => rooms && String(rooms.total),
};

/** Has a list read again when it is another one than when it was read last. No event tells of what others do to it: its number does. */
export class ListWatch {
    #api;
    #list;
    #read;
    #seen: string | undefined;
    #isLooking = false;

    /** @param read whether it could be read, and is shown */
    constructor(api: Api, list: keyof typeof MARKS, read: () => Promise<boolean>) {
        this.#api = api;
        this.#list = list;
        this.#read = read;
    }

    async look(): Promise<void> {
        if (this.#isLooking) return;
        this.#isLooking = true;
        const stats = await readStats(this.#api).catch(() => undefined); // the next look is near
        const mark = stats && MARKS[this.#list](stats);
        // The first time, too: what has happened between its first reading and this is not known.
        if (mark !== undefined && mark !== this.#seen && await this.#read()) this.#seen = mark;
        this.#isLooking = false;
    }
}
