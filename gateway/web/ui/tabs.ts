// Two tabs of one browser: each is a participant of its own. A tab that was copied has the other's token; it asks whether that one
// is still in use, and comes in anew if it is.
const ANSWER_MS = 250;

interface Word { ask?: string; mine?: string }

const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('lynks') : undefined;
let own: string | undefined;

channel?.addEventListener('message', ({ data }: MessageEvent<Word>) => {
    if (own !== undefined && data.ask === own) channel.postMessage({ mine: own } satisfies Word);
});

export function ownHere(token: string): void { own = token; }

/** Whether another tab is in with this token. */
export function ownedElsewhere(token: string): Promise<boolean> {
    if (channel === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
        const finish = (isOwned: boolean) => {
            channel.removeEventListener('message', hear);
            resolve(isOwned);
        };
        const hear = ({ data }: MessageEvent<Word>) => { if (data.mine === token) finish(true); };
        channel.addEventListener('message', hear);
        channel.postMessage({ ask: token } satisfies Word);
        setTimeout(() => finish(false), ANSWER_MS);
    });
}
