// Sleep, and waking from it.
import { useEffect } from 'preact/hooks';
import type { Call } from '../../state/call.ts';

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
