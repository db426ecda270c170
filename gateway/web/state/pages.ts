// A list that comes in pages, kept as far as somebody has read it.
import { signal } from '@preact/signals';

export interface Page<T> { items: T[]; next: string | undefined }
/** Reads one page: the first one, or that of the token which the page before it gave. */
export type ReadPage<T> = (token?: string) => Promise<Page<T>>;

export class PagedList<T> {
    /** undefined: nothing has come yet. */
    readonly items = signal<T[] | undefined>(undefined);
    readonly next = signal<string | undefined>(undefined);
    readonly error = signal<unknown>(undefined);
    #read;
    #asked = 0;
    #isAsking = false;

    constructor(read: ReadPage<T>) {
        this.#read = read;
    }

    /** Its first page, in place of what was there: another list than before. */
    begin(): Promise<void> {
        return this.#take(() => this.#read());
    }

    /** The page after what was read, if there is one. */
    async more(): Promise<void> {
        if (this.next.value !== undefined) await this.#take(() => this.#read(this.next.value), this.items.value);
    }

    /** All that was read, as it is now: nothing but the list itself tells whether something else is in it. */
    reload(): Promise<void> {
        return this.#take(() => this.#readAgain());
    }

    /** Likewise, unless something is read already. */
    async refresh(): Promise<void> {
        if (!this.#isAsking) await this.reload();
    }

    async #readAgain(): Promise<Page<T>> {
        const count = this.items.value?.length ?? 0;
        let page = await this.#read();
        const items = [...page.items];
        while (page.next !== undefined && items.length < count) {
            page = await this.#read(page.next);
            items.push(...page.items);
        }
        return { items, next: page.next };
    }

    /** The answer to what was asked for last counts, whichever comes first. */
    async #take(read: () => Promise<Page<T>>, before: T[] = []): Promise<void> {
        const mine = (this.#asked += 1);
        const isWanted = () => mine === this.#asked;
        this.#isAsking = true;
        try {
            const { items, next } = await read();
            if (!isWanted()) return;
            this.items.value = [...before, ...items];
            this.next.value = next;
            this.error.value = undefined;
        } catch (fault) {
            if (isWanted()) this.error.value = fault;
        } finally {
            if (isWanted()) this.#isAsking = false;
        }
    }
}
