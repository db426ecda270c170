// What a browser keeps for its user: `kept` for good, `keptHere` for this tab. A browser that keeps nothing is no fault.

const PREFIX = 'lynks.';

function withStorage<T>(which: 'localStorage' | 'sessionStorage', use: (storage: Storage) => T): T | undefined {
    try {
        return use(window[which]);
    } catch {
        return undefined;
    }
}

const read = (which: 'localStorage' | 'sessionStorage', name: string) =>
    withStorage(which, (storage) => storage.getItem(PREFIX + name)) ?? undefined;

function write(which: 'localStorage' | 'sessionStorage', name: string, value: string | undefined): void {
    withStorage(which, (storage) => {
        if (value === undefined) storage.removeItem(PREFIX + name);
        else storage.setItem(PREFIX + name, value);
    });
}

export const kept = (name: string) => read('localStorage', name);
export const keep = (name: string, value: string | undefined) => write('localStorage', name, value);
export const keptHere = (name: string) => read('sessionStorage', name);
export const keepHere = (name: string, value: string | undefined) => write('sessionStorage', name, value);
