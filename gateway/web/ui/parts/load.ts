// What a view shows of the API: fetched when the view is first shown, and again when it is asked to.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { PagedList, type ReadPage } from '../../state/pages.ts';

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
function useWhileSeen(look: () => void, everyMs: number): void {
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

/** A list that comes in pages, from its beginning whenever `what` is another one, and again and again as usePolled. */
export function usePages<T>(read: ReadPage<T>, what: string, everyMs: number) {
    const latest = useRef(read);
    latest.current = read;
    const kept = useRef<PagedList<T> | undefined>(undefined);
    const list = (kept.current ??= new PagedList((token) => latest.current(token)));
    useEffect(() => { void list.begin(); }, [what]);
    useWhileSeen(() => void list.refresh(), everyMs);
    return {
        items: list.items.value,
        error: list.error.value,
        more: list.next.value === undefined ? undefined : () => void list.more(),
        reload: () => list.reload(),
    };
}
