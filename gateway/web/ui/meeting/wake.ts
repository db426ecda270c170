// A page that nobody looks at, sleep, and waking from it.
import { useEffect } from 'preact/hooks';
import type { Source } from '../../core/room.js';
import type { Call } from '../../state/call.ts';
import type { Shown } from '../../state/wish.ts';

/** Who was out of sight for longer may have been asleep: his connections may be dead without knowing it. */
const ASLEEP_MS = 20000;

export function useWaking(call: Call): void {
    useEffect(() => {
        let hiddenAt = Infinity;
        const wake = () => call.wake();
        const look = () => {
            if (document.visibilityState === 'hidden') hiddenAt = Date.now();
            else if (Date.now() - hiddenAt > ASLEEP_MS) wake();
        };
        addEventListener('online', wake);
        addEventListener('pageshow', wake);
        document.addEventListener('visibilitychange', look);
        return () => {
            removeEventListener('online', wake);
            removeEventListener('pageshow', wake);
            document.removeEventListener('visibilitychange', look);
        };
    }, [call]);
}

/** Who looks elsewhere for so long needs no pictures until he is back. */
const HIDDEN_MS = 10000;

/** The tile that the browser shows in a window of its own. */
function floatingTile(): Shown | undefined {
    if (!(document.pictureInPictureElement instanceof HTMLVideoElement)) return undefined;
    const { participant, source } = document.pictureInPictureElement.dataset;
    return participant === undefined ? undefined : { participant, source: source as Source };
}

export function useHiding(call: Call): void {
    useEffect(() => {
        // Firefox does not tell which picture it shows in a window of its own: there all go on.
        if (!document.pictureInPictureEnabled) return undefined;
        let timer: ReturnType<typeof setTimeout> | undefined;
        let isHidden = false;
        const tell = () => call.setHidden(isHidden, floatingTile());
        const set = (isNow: boolean) => {
            isHidden = isNow;
            tell();
        };
        const look = () => {
            clearTimeout(timer);
            if (document.visibilityState === 'hidden') timer = setTimeout(() => set(true), HIDDEN_MS);
            else set(false);
        };
        const news: [string, () => void][] = [['visibilitychange', look], ['enterpictureinpicture', tell], ['leavepictureinpicture', tell]];
        look();
        for (const [name, act] of news) document.addEventListener(name, act);
        return () => {
            clearTimeout(timer);
            for (const [name, act] of news) document.removeEventListener(name, act);
        };
    }, [call]);
}

/** A screen that goes dark ends a meeting: it stays on while one is in, where the browser can do that. */

export function useWakeLock(): void {
    useEffect(() => {
        let lock: WakeLockSentinel | undefined;
        let isOver = false;
        const take = () => {
            if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
            navigator.wakeLock.request('screen').then((taken) => {
                if (isOver) void taken.release();
                else lock = taken;
            }, () => {}); // low battery, or not allowed
        };
        take();
        document.addEventListener('visibilitychange', take);
        return () => {
            isOver = true;
            document.removeEventListener('visibilitychange', take);
            void lock?.release();
        };
    }, []);
}
