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

// What a tab is, it holds a lock of, shared with any other that is the same: that nobody has it is known at once.
const lockOf = (what: string) => `lynks.${what}`;
let releaseLocks = () => {};

/** This tab is in the meeting of that code with that token; without: in none. */
export function ownHere(now: Own | undefined): void {
    own = now;
    releaseLocks();
    if (now === undefined) return;
    const untilReleased = new Promise<void>((resolve) => { releaseLocks = resolve; });
    // Without a secure context there are none.
    for (const what of [now.token, now.code]) navigator.locks?.request(lockOf(what), { mode: 'shared' }, () => untilReleased).catch(() => {});
}

/** Whether another tab is in with this token, or in the meeting of this code. */
export async function ownedElsewhere(what: string): Promise<boolean> {
    if (channel === undefined || await isFree(what)) return false;
    // Somebody has it, or the page that was here before has not let go of it yet; or nobody knows.
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

async function isFree(what: string): Promise<boolean> {
    return (await navigator.locks?.request(lockOf(what), { ifAvailable: true }, (lock) => lock !== null).catch(() => false)) ?? false;
}
