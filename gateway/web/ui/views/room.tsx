// The settings of one room: how others come in, what it is like, who belongs to it, and its end.
import { useSignal } from '@preact/signals';
import { Problem } from '../../core/api.js';
import { closeRoom, isStaff, ownRole, readRoom } from '../../state/room_settings.ts';
import { user } from '../../state/session.ts';
import { api } from '../env.ts';
import { hasText, t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Confirm } from '../parts/dialog.tsx';
import { useAction, Wrong } from '../parts/form.tsx';
import { NoAnswer } from '../parts/later.tsx';
import { useLoaded } from '../parts/load.ts';
import { Page, Waiting, Words } from '../parts/page.tsx';
import { Section } from '../parts/section.tsx';
import { Link, navigate } from '../router.tsx';
import { wordsFor } from '../problem.ts';
import type { Room } from '../../state/rooms.ts';
import { Bans } from './room_bans.tsx';
import { Invitations } from './room_invitations.tsx';
import { Members } from './room_members.tsx';
import { RoomOptions } from './room_options.tsx';
import { Share } from './room_share.tsx';
import { Streams } from './room_streams.tsx';

function NoRoom({ error }: { error: unknown }) {
    if (!(error instanceof Problem) || error.isPassing) return <NoAnswer />;
    const title = `over.${error.code}.title`;
    return (
        <Words title={hasText(title) ? t(title) : t('unknown.title')} text={hasText(title) ? undefined : wordsFor(error)}>
            <button type="button" class="button primary" onClick={() => navigate('/')}>{t('over.rooms')}</button>
        </Words>
    );
}

function End({ room }: { room: Room }) {
    const isAsked = useSignal(false);
    const end = useAction(async () => {
        await closeRoom(api, room);
        navigate('/');
    });
    return (
        <Section title={t('home.end')} text={t('home.endText')}>
            <Wrong error={end.error} />
            <div><button type="button" class="button danger" disabled={end.isBusy} onClick={() => { isAsked.value = true; }}>
                <Icon name="trash" size={20} />{t('home.end')}
            </button></div>
            {isAsked.value && <Confirm title={t('home.endTitle', { name: room.name })} text={t('home.endText')} action={t('home.end')}
                onConfirm={() => void end.run()} onClose={() => { isAsked.value = false; }} />}
        </Section>
    );
}

export function RoomSettings({ id }: { id: string }) {
    const { value: read, error, reload, set } = useLoaded(() => readRoom(api, id));
    if (read === undefined) return error === undefined ? <Waiting /> : <NoRoom error={error} />;
    const { room } = read;
    const role = ownRole(room, user.value!);
    return (
        <Page title={room.name}>
            <div class="stack settings">
                <div class="stack tight">
                    <Link to="/" class="back"><Icon name="back" size={20} />{t('home.title')}</Link>
                    <h1><bdi>{room.name}</bdi></h1>
                </div>
                {room.code !== undefined && <Share room={room} />}
                {isStaff(role) && <RoomOptions read={read} isOwner={role === 'owner'} onChanged={set} onStale={reload} />}
                {isStaff(role) && <Members room={room} role={role} />}
                {isStaff(role) && <Invitations room={room} role={role} />}
                {isStaff(role) && <Streams room={room} />}
                {isStaff(role) && <Bans room={room} />}
                {role === 'owner' && <End room={room} />}
            </div>
        </Page>
    );
}
