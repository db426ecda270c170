// Sound that somebody sends and that does not come, although the connection is alive: Janus 1.1.2 was seen to pass nothing on of what had
// come and gone before. It does so again over another connection.

/** Looks in a row, one a second. Silence comes as packets too, a few a second; what does not reach Janus is told of sooner. */
const DEAF_LOOKS = 6;
/** That other things are wrong is not mended by one connection after the other. */
const PAUSE_LOOKS = 60;

export class Deafness {
    #looks = new Map<string, number>();
    #pause = 0;

    /**
     * @param due parts of the connection by which somebody's sound is to come
     * @param comes parts of which something has come since the last look
     * @returns another connection is to be made
     */
    take(due: readonly string[], comes: ReadonlySet<string>): boolean {
        const missing = due.filter((mid) => !comes.has(mid));
        this.#looks = new Map(comes.size === 0 ? [] : missing.map((mid) => [mid, (this.#looks.get(mid) ?? 0) + 1]));
        this.#pause = Math.max(0, this.#pause - 1);
        if (this.#pause > 0 || ![...this.#looks.values()].some((looks) => looks >= DEAF_LOOKS)) return false;
        this.#looks.clear();
        this.#pause = PAUSE_LOOKS;
        return true;
    }
}
