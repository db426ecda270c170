// A screen that goes dark ends a meeting: it stays on while one is in, where the browser can do that.
import { useEffect } from 'preact/hooks';

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
