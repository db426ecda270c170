// The text of an event stream (HTML, section 9.2) taken apart as it comes, in pieces that end anywhere.

/**
 * @typedef {object} StreamEvent
 * @property {string} [id] absent: of no place in the journal
 * @property {string} event its name
 * @property {any} data
 */

export class SseParser {
    #text = '';
    #onEvent;
    #onRetry;

    /**
     * @param {(event: StreamEvent) => void} onEvent
     * @param {(ms: number) => void} [onRetry] after how long one may come again
     */
    constructor(onEvent, onRetry = () => {}) {
        this.#onEvent = onEvent;
        this.#onRetry = onRetry;
    }

    /** @param {string} piece */
    take(piece) {
        this.#text += piece;
        for (let end; (end = this.#text.indexOf('\n\n')) >= 0;) {
            const block = this.#text.slice(0, end);
            this.#text = this.#text.slice(end + 2);
            this.#takeBlock(block.split('\n'));
        }
    }

    /** @param {string[]} lines */
    #takeBlock(lines) {
        /** @type {Record<string, string>} */
        const fields = {};
        for (const line of lines) {
            const [, field, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
            if (field !== undefined) fields[field] = field === 'data' && 'data' in fields ? `${fields.data}\n${value}` : value;
        }
        if ('retry' in fields) this.#onRetry(Number(fields.retry));
        if ('data' in fields) {
            this.#onEvent({ ...(fields.id ? { id: fields.id } : {}), event: fields.event ?? 'message', data: JSON.parse(fields.data) });
        }
    }
}
