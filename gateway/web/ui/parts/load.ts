// What a view shows of the API: fetched when the view is first shown, and again when it is asked to.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

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
