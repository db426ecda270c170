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
