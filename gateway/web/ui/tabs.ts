// Two tabs of one browser: each is a participant of its own. A tab that was copied has the other's token; it asks whether that one
// is still in use, and comes in anew if it is. The join page asks whether another tab is in the same meeting, and says so.
const ANSWER_MS = 250;

interface Word { ask?: string; mine?: string }
interface Own { token: string; code: string }

const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('lynks') : undefined;
let own: Own | undefined;

channel?.addEventListener('message', ({ data }: MessageEvent<Word>) => {
    if (own !== undefined && data.ask !== undefined && [own.token, own.code].includes(data.ask)) channel.postMessage({ mine: data.ask } satisfies Word);
});

/** This tab is in the meeting of that code with that token; without: in none. */
export function ownHere(now: Own | undefined): void { own = now; }

/** Whether another tab is in with this token, or in the meeting of this code. */
export function ownedElsewhere(what: string): Promise<boolean> {
    if (channel === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
        const finish = (isOwned: boolean) => {
            channel.removeEventListener('message', hear);
            resolve(isOwned);
        };
        const hear = ({ data }: MessageEvent<Word>) => { if (data.mine === what) finish(true); };
        channel.addEventListener('message', hear);
        channel.postMessage({ ask: what } satisfies Word);
        setTimeout(() => finish(false), ANSWER_MS);
    });
}
