// What a view shows of the API: fetched when the view is first shown, and again when it is asked to.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

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

/** Again and again, while the page is seen. What was there stays, if it cannot be had once. */
export function usePolled<T>(load: () => Promise<T>, everyMs: number): Loaded<T> {
    const loaded = useLoaded(load);
    useEffect(() => {
        const look = () => { if (document.visibilityState === 'visible') void loaded.reload(); };
        const timer = setInterval(look, everyMs);
        document.addEventListener('visibilitychange', look);
        return () => {
            clearInterval(timer);
            document.removeEventListener('visibilitychange', look);
        };
    }, []);
    return loaded;
}

interface Part<T> { items: T[]; next: string | undefined }

/** A list that comes in pages, from its beginning whenever `what` is another one. */
export function usePages<T>(load: (token?: string) => Promise<Part<T>>, what: string) {
    const items = useSignal<T[] | undefined>(undefined);
    const next = useSignal<string | undefined>(undefined);
    const error = useSignal<unknown>(undefined);
    const asked = useRef(0);
    const take = async (token?: string) => {
        const mine = (asked.current += 1);
        try {
            const page = await load(token);
            if (mine !== asked.current) return; // something else is wanted meanwhile
            items.value = token === undefined ? page.items : [...items.value ?? [], ...page.items];
            next.value = page.next;
            error.value = undefined;
        } catch (fault) {
            if (mine === asked.current) error.value = fault;
        }
    };
    useEffect(() => { void take(); }, [what]);
    return { items: items.value, error: error.value, reload: () => take(), more: next.value === undefined ? undefined : () => void take(next.value) };
}
