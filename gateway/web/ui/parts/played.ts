// Elements that play what comes, or a camera of one's own.
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/**
 * An element plays a track for as long as there are both. It is taken from it then: until an element is collected it keeps its player,
 * and Chromium makes no more than 75 of them for a page.
 */
export function usePlayed(element: RefObject<HTMLMediaElement | null>, track: MediaStreamTrack | null): void {
    useEffect(() => {
        const player = element.current;
        if (player === null || track === null) return undefined;
        player.srcObject = new MediaStream([track]);
        return () => { player.srcObject = null; };
    }, [track]);
}
