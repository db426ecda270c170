// What a view shows of the API: fetched when the view is first shown, and again when it is asked to.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { readAsFar, type Page } from '../../state/admin.ts';

export interface Loaded<T> {
    /** undefined: it has not come yet. */
    value: T | undefined;
    error: unknown;
    reload: () => Promise<void>;
    set: (value: T) => void;
}

export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
    const value = useSignal<T | undefined>(undefined);
    const error = useSignal<unknown>(undefined);
    const reload = async () => {
        try {
            value.value = await load();
            error.value = undefined;
        } catch (fault) {
            error.value = fault;
        }
    };
    useEffect(() => { void reload(); }, []);
    return { value: value.value, error: error.value, reload, set: (fresh) => { value.value = fresh; } };
}

/** Looks again and again while the page is seen, and at once when it is seen again. */
export function useWhileSeen(look: () => void, everyMs: number): void {
    const latest = useRef(look);
    latest.current = look;
    useEffect(() => {
        const lookIfSeen = () => { if (document.visibilityState === 'visible') latest.current(); };
        const timer = setInterval(lookIfSeen, everyMs);
        document.addEventListener('visibilitychange', lookIfSeen);
        return () => {
            clearInterval(timer);
            document.removeEventListener('visibilitychange', lookIfSeen);
        };
    }, []);
}

/** Again and again, while the page is seen. What was there stays, if it cannot be had once. */
export function usePolled<T>(load: () => Promise<T>, everyMs: number): Loaded<T> {
    const loaded = useLoaded(load);
    useWhileSeen(() => void loaded.reload(), everyMs);
    return loaded;
}

/** A list that comes in pages, from its beginning whenever `what` is another one. */
export function usePages<T>(load: (token?: string) => Promise<Page<T>>, what: string) {
    const items = useSignal<T[] | undefined>(undefined);
    const next = useSignal<string | undefined>(undefined);
    const error = useSignal<unknown>(undefined);
    const asked = useRef(0);
    const isAsking = useRef(false);
    const take = async (read: () => Promise<Page<T>>, before: T[] = []) => {
        const mine = (asked.current += 1);
        const isWanted = () => mine === asked.current; // nothing else is meanwhile
        isAsking.current = true;
        try {
            const page = await read();
            if (!isWanted()) return false;
            items.value = [...before, ...page.items];
            next.value = page.next;
            error.value = undefined;
            return true;
        } catch (fault) {
            if (isWanted()) error.value = fault;
            return false;
        } finally {
            if (isWanted()) isAsking.current = false;
        }
    };
    const reload = () => take(() => readAsFar(load, items.value?.length ?? 0));
    useEffect(() => { void take(load); }, [what]);
    return {
        items: items.value,
        error: error.value,
        more: next.value === undefined ? undefined : () => void take(() => load(next.value), items.value),
        reload: async () => { await reload(); },
        /** Reads it again, if nobody does; whether it is shown as it is now. */
        refresh: () => (isAsking.current ? Promise.resolve(false) : reload()),
    };
}
