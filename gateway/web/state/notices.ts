// What is told of in passing: one notice at a time, gone after five seconds, an error when it is closed; and what is only read aloud.
// A dialog over the page has a place for them of its own: what is outside it is neither heard nor of use while it is open.
import type { ReadonlySignal } from '@preact/signals';
import { computed, effect, signal } from '@preact/signals';
import type { Env } from '../core/env.js';

export interface Notice {
    text: string;
    isError?: boolean;
    action?: { text: string; act: () => void };
    /** Whether it is so still; what is not any more is told no more. */
    holds?: ReadonlySignal<boolean>;
}

/** Where notices are shown and heard: the page, or a dialog. */
export type Place = symbol;

const SHOWN_MS = 5000;
const QUEUE_MOST = 8;

export class Notices {
    readonly #queue = signal<readonly Notice[]>([]);
    readonly #places = signal<readonly Place[]>([]);
    readonly #spoken = signal<{ text: string; at: Place | undefined }>({ text: '', at: undefined });
    readonly #shown = computed(() => this.#queue.value[0]);
    /** The place opened last. */
    readonly #top = computed(() => this.#places.value.at(-1));

    constructor(env: Env) {
        effect(() => {
            for (const notice of this.#queue.value) if (notice.holds?.value === false) this.dismiss(notice);
        });
        effect(() => {
            const notice = this.#shown.value;
            return notice === undefined || notice.isError ? undefined : env.after(SHOWN_MS, () => this.dismiss(notice));
        });
    }

    show(notice: Notice): void {
        if (this.#queue.peek().some(({ text }) => text === notice.text)) return;
        this.#queue.value = [...this.#queue.peek(), notice].slice(-QUEUE_MOST);
    }

    dismiss(notice: Notice): void { this.#queue.value = this.#queue.peek().filter((one) => one !== notice); }

    /** Is read aloud by a screen reader, when it has time. */
    say(text: string): void {
        const isSame = this.#spoken.peek().text === text; // what is there already is not read again
        this.#spoken.value = { text: isSame ? `${text}\u00a0` : text, at: this.#top.peek() };
    }

    /** Opens a place, over those that there are. Gives what closes it. */
    open(place: Place): () => void {
        this.#places.value = [...this.#places.peek(), place];
        return () => { this.#places.value = this.#places.peek().filter((one) => one !== place); };
    }

    /** What is to be seen there now. */
    shownAt(place: Place): Notice | undefined { return this.#top.value === place ? this.#shown.value : undefined; }

    /** What is to be heard there; not once more in another place, when that one is closed. */
    spokenAt(place: Place): string { return this.#spoken.value.at === place ? this.#spoken.value.text : ''; }
}
