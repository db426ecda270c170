// My rooms: make one, open one, copy its invitation.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { user } from '../../state/session.ts';
import type { Room } from '../../state/rooms.ts';
import { listRooms, makeRoom } from '../../state/rooms.ts';
import { api, env } from '../env.ts';
import { dateAndTime, t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Confirm, Menu } from '../parts/dialog.tsx';
import { Field, Form, useAction, Wrong } from '../parts/form.tsx';
import { copyInvitation } from '../parts/invite.tsx';
import { Page } from '../parts/page.tsx';
import { showError, showToast } from '../parts/toasts.tsx';
import { Link, navigate } from '../router.tsx';
import { JoinByLink } from './sign_in.tsx';

function NewMeeting({ onMade }: { onMade: (room: Room) => void }) {
    const name = useSignal('');
    const action = useAction(async () => {
        const room = await makeRoom(api, env, name.value.trim() || t('home.defaultName', { name: user.value?.display_name ?? '' }));
        name.value = '';
        onMade(room);
    });
    return (
        <Form onSubmit={() => void action.run()} class="card stack" label={t('home.new')}>
            <div class="row">
                <div class="grow"><Field label={t('home.newName')} value={name.value} onInput={(text) => { name.value = text; }} maxLength={64}
                    placeholder={t('home.defaultName', { name: user.value?.display_name ?? '' })} autocomplete="off" /></div>
            </div>
            <Wrong error={action.error} />
            <button type="submit" class="button primary" disabled={action.isBusy}><Icon name="plus" size={20} />{t('home.new')}</button>
        </Form>
    );
}

function RoomRow({ room, onEnded }: { room: Room; onEnded: () => void }) {
    const isEnding = useSignal(false);
    const isManaged = room.role === 'owner' || room.role === 'moderator' || user.value?.role === 'admin';
    const end = async () => {
        await api.delete(`/v1/rooms/${room.id}`).then(onEnded, showError);
    };
    return (
        <li>
            <span class="what">
                <Link to={`/${room.code}`} class="name"><bdi>{room.name}</bdi></Link>
                <small class="quiet">{room.code} · {t('home.made', { when: dateAndTime(room.created_at) })}</small>
            </span>
            {room.locked && <span class="badge">{t('room.locked')}</span>}
            {room.lobby && <span class="badge">{t('room.lobby')}</span>}
            {room.role !== undefined && <span class="badge roomy">{t(`role.${room.role}`)}</span>}
            <Link to={`/${room.code}`} class="button small roomy">{t('home.open')}</Link>
            <Menu label={t('home.menu', { name: room.name })} items={[
                { text: t('invite.copy'), icon: 'copy', act: () => void copyInvitation(room) },
                isManaged && { text: t('home.settings'), icon: 'settings', act: () => navigate(`/rooms/${room.id}`) },
                (room.role === 'owner' || user.value?.role === 'admin')
                    && { text: t('home.end'), icon: 'trash', isDanger: true, act: () => { isEnding.value = true; } },
            ]} />
            {isEnding.value && <Confirm title={t('home.endTitle', { name: room.name })} text={t('home.endText')} action={t('home.end')}
                onConfirm={() => void end()} onClose={() => { isEnding.value = false; }} />}
        </li>
    );
}

export function Home() {
    const rooms = useSignal<Room[] | undefined>(undefined);
    const load = useAction(async () => { rooms.value = await listRooms(api); });
    useEffect(() => { void load.run(); }, []);
    const onMade = (room: Room) => {
        rooms.value = [room, ...(rooms.value ?? [])];
        showToast({ text: t('home.madeToast', { name: room.name }), action: { text: t('invite.copy'), act: () => void copyInvitation(room) } });
    };
    return (
        <Page title={t('home.title')}>
            <div class="columns rooms">
                <div class="stack">
                    <h1>{t('home.title')}</h1>
                    <Wrong error={load.error} />
                    {rooms.value?.length === 0 && <p class="quiet lead">{t('home.none')}</p>}
                    {rooms.value !== undefined && rooms.value.length > 0 && (
                        <ul class="list card">
                            {rooms.value.map((room) => <RoomRow key={room.id} room={room} onEnded={() => void load.run()} />)}
                        </ul>
                    )}
                </div>
                <div class="stack">
                    <NewMeeting onMade={onMade} />
                    <div class="card"><JoinByLink /></div>
                </div>
            </div>
        </Page>
    );
}
