// The chat: what was said before one came and what came since, each once, in order; and links in it. Pure functions.
import type { Message } from '../core/room.js';

export function merged(history: readonly Message[], since: readonly Message[]): Message[] {
    const all = new Map<string, Message>();
    for (const message of [...history, ...since]) all.set(message.id, message);
    return [...all.values()].sort((a, b) => a.seq - b.seq);
}

export type Piece = { text: string } | { text: string; href: string };

const LINK = /https?:\/\/[^\s<>"'`]+/gi;
const AFTER_A_LINK = /[.,;:!?)\]}]+$/;

/** A text cut into words and links; only http(s) makes one. */
export function linked(text: string): Piece[] {
    const pieces: Piece[] = [];
    let at = 0;
    for (const match of text.matchAll(LINK)) {
        const link = match[0].replace(AFTER_A_LINK, '');
        const href = safeHref(link);
        if (href === undefined) continue;
        if (match.index > at) pieces.push({ text: text.slice(at, match.index) });
        pieces.push({ text: link, href });
        at = match.index + link.length;
    }
    if (at < text.length) pieces.push({ text: text.slice(at) });
    return pieces;
}

function safeHref(link: string): string | undefined {
    try {
        const url = new URL(link);
        return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
    } catch {
        return undefined;
    }
}
