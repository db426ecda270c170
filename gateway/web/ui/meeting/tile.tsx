// One person, or one screen: picture or initials, the name, and how it is with him.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Call } from '../../state/call.ts';
import type { Box } from '../../state/layout.ts';
import { hueOf, initialsOf, isSent, type Tile as TileOf } from '../../state/people.ts';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Menu } from '../parts/dialog.tsx';
import { usePlayed } from '../parts/played.ts';
import { Suffix } from './suffix.tsx';
import { useModeration } from './moderate.tsx';

interface TileProps {
    tile: TileOf;
    box: Box;
    call: Call;
    track: MediaStreamTrack | null;
    isPinned: boolean;
    isLarge: boolean;
    onPin: () => void;
}

export function Tile({ tile, box, call, track, isPinned, isLarge, onPin }: TileProps) {
    const { participant, source, isMine } = tile;
    const video = useRef<HTMLVideoElement>(null);
    const hasPicture = useSignal(false);
    const moderation = useModeration(call, participant);
    const isScreen = source === 'screen';
    const speaks = !isScreen && call.speakers.value.has(participant.id);
    const isHeard = isMine ? call.micIsOn.value : isSent(participant, 'audio');
    const mid = call.streams.value.find((stream) => stream.participant === participant.id && stream.source === source)?.mid;
    const isPoor = track !== null && mid !== undefined && call.poor.value.has(mid);
    const name = isScreen ? t('meeting.screenOf', { name: participant.name }) : participant.name;

    useEffect(() => { hasPicture.value = false; }, [track]);
    usePlayed(video, track);

    const canFloat = track !== null && document.pictureInPictureEnabled;
    return (
        <article class={`tile${speaks ? ' speaks' : ''}${isMine && !isScreen ? ' mine' : ''}${isLarge ? ' large' : ''}${box.width < 200 ? ' tiny' : ''}`}
            style={{ left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` }} aria-label={name}>
            {track !== null && <video ref={video} autoplay muted playsInline class={isScreen ? 'whole' : undefined} aria-label={name} data-participant={participant.id} data-source={source}
                onPlaying={() => { hasPicture.value = true; }} onResize={() => { hasPicture.value = true; }} />}
            {(track === null || !hasPicture.value) && (
                <div class="initials" aria-hidden="true"><span style={{ '--hue': String(hueOf(participant.name)) }}>{initialsOf(participant.name)}</span></div>
            )}
            <div class="tile-top">
                {participant.kind === 'stream' && <span class="tag stream" role="img" title={t('meeting.isStream')} aria-label={t('meeting.isStream')}><Icon name="stream" size={18} /></span>}
                {participant.hand_raised_at !== undefined && !isScreen && <span class="tag hand" role="img" aria-label={t('meeting.handUp')}><Icon name="hand" size={18} /></span>}
                {isPoor && <span class="tag" role="img" title={t('quality.poor')} aria-label={t('quality.poor')}><Icon name="signal" size={18} /></span>}
                <span class="grow" />
                <Menu label={t('meeting.tileMenu', { name })} class="button icon tile-menu" items={[
                    { text: isPinned ? t('meeting.unpin') : t('meeting.pin'), icon: 'pin', act: onPin },
                    canFloat && { text: t('meeting.float'), icon: 'pip', act: () => void video.current?.requestPictureInPicture().catch(() => {}) },
                    ...(isScreen ? [] : moderation.items),
                ]} />
            </div>
            <div class="tile-name">
                <span><bdi>{name}</bdi>{!isScreen && <Suffix person={participant} isMe={isMine} />}</span>
                {!isScreen && <Icon name={isHeard ? 'mic' : 'micOff'} size={18} class={isHeard ? undefined : 'mute'} aria-hidden="true" />}
                {!isScreen && !isHeard && <span class="visually-hidden">{t('meeting.isMuted')}</span>}
            </div>
            {moderation.dialog}
        </article>
    );
}
