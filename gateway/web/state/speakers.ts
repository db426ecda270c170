// Who speaks, of levels that are looked at several times a second: begins at once, ends after a pause for breath.

const LOUD = 0.03;
const HOLD_MS = 900;

export class Speakers {
    #lastLoud = new Map<string, number>();
    #since = new Map<string, number>();

    /**
     * @param levels of each participant that is heard, 0 to 1
     * @returns who speaks now
     */
    take(levels: ReadonlyMap<string, number>, now: number): ReadonlySet<string> {
        for (const [id, level] of levels) if (level >= LOUD) this.#lastLoud.set(id, now);
        for (const [id, when] of this.#lastLoud) {
            if (levels.has(id) && now - when <= HOLD_MS) {
                if (!this.#since.has(id)) this.#since.set(id, now);
            } else {
                this.#lastLoud.delete(id);
                this.#since.delete(id);
            }
        }
        return new Set(this.#since.keys());
    }

    /** Who has spoken for at least so long, the longest first. */
    speakingFor(ms: number, now: number): string[] {
        return [...this.#since].filter(([, since]) => now - since >= ms).sort((a, b) => a[1] - b[1]).map(([id]) => id);
    }
}

/** The same set as before, if it has the same in it: then nothing is drawn anew. */
export function sameOr<T>(before: ReadonlySet<T>, after: ReadonlySet<T>): ReadonlySet<T> {
    return before.size === after.size && [...after].every((one) => before.has(one)) ? before : after;
}
