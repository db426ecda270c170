// The others' sound: an element for each, out of sight. Where the browser wants a click before anything is heard, a button asks for it.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Call } from '../../state/call.ts';
import { usePlayed } from '../parts/played.ts';

export const soundIsBlocked = signal(false);

function Voice({ track, speakerId, isBlocked }: { track: MediaStreamTrack; speakerId: string; isBlocked: boolean }) {
    const element = useRef<HTMLAudioElement>(null);
    usePlayed(element, track);
    useEffect(() => {
        if (isBlocked) return;
        element.current!.play().catch((error: unknown) => {
            if (error instanceof DOMException && error.name === 'NotAllowedError') soundIsBlocked.value = true;
        });
    }, [track, isBlocked]);
    useEffect(() => {
        if ('setSinkId' in HTMLMediaElement.prototype) element.current!.setSinkId(speakerId).catch(() => {}); // one that is gone: the system's
    }, [speakerId]);
    return <audio ref={element} autoplay />;
}

export function Sound({ call }: { call: Call }) {
    return (
        <div hidden>
            {call.streams.value.filter(({ source }) => source === 'audio').map(({ mid, participant, track }) => (
                <Voice key={`${participant}/${mid}`} track={track} speakerId={call.media.speakerId.value} isBlocked={soundIsBlocked.value} />
            ))}
        </div>
    );
}
