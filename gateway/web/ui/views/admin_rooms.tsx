// All meetings, or those of one user: who is in one, and its end.
import { useSignal } from '@preact/signals';
import type { Participant } from '../../core/room.js';
import { readPage, REFRESH_MS } from '../../state/admin.ts';
import type { Room } from '../../state/rooms.ts';
import { allOf } from '../../state/rooms.ts';
import { closeRoom } from '../../state/room_settings.ts';
import { api } from '../env.ts';
import { dateAndTime, t, timeOfDay } from '../i18n.ts';
import { Confirm, Dialog, Menu } from '../parts/dialog.tsx';
import { Wrong } from '../parts/form.tsx';
import { useLoaded, usePages, usePolled } from '../parts/load.ts';
import { showError } from '../parts/toasts.tsx';
import { Link, navigate } from '../router.tsx';

function WhoIsIn({ room, onClose }: { room: Room; onClose: () => void }) {
    const people = usePolled(() => allOf<Participant>(api, `/v1/rooms/${room.id}/participants`), REFRESH_MS);
    return (
        <Dialog title={room.name} onClose={onClose}>
            <Wrong error={people.error} />
            {people.value?.length === 0 && <p class="quiet">{t('admin.empty')}</p>}
            <ul class="list">
                {people.value?.map(({ id, name, role, guest, kind, state, joined_at: since }) => (
                    <li key={id}>
                        <span class="what">
                            <span class="name"><bdi>{name}</bdi>{kind === 'stream' ? ` ${t('stream')}` : guest && ` ${t('guest')}`}</span>
                            <small class="quiet">{t('bans.since', { when: timeOfDay(since) })}</small>
                        </span>
                        {state === 'waiting' && <span class="badge">{t('admin.waits')}</span>}
                        <span class="badge">{t(`role.${role as 'owner'}`)}</span>
                    </li>
                ))}
            </ul>
        </Dialog>
    );
}

type Asked = 'look' | 'end' | 'close' | undefined;

function AdminRoomRow({ room, onChanged }: { room: Room; onChanged: () => Promise<void> }) {
    const asked = useSignal<Asked>(undefined);
    const close = () => { asked.value = undefined; };
    return (
        <li>
            <span class="what">
                <span class="name"><bdi>{room.name}</bdi></span>
                <small class="quiet">
                    {room.code !== undefined && `${room.code} · `}{room.owner !== undefined && <><bdi>{room.owner.display_name}</bdi> · </>}
                    {t('home.made', { when: dateAndTime(room.created_at) })}
                </small>
            </span>
            {room.locked && <span class="badge">{t('room.locked')}</span>}
            <Menu label={t('home.menu', { name: room.name })} items={[
                { text: t('admin.look'), icon: 'people', act: () => { asked.value = 'look'; } },
                { text: t('home.settings'), icon: 'settings', act: () => navigate(`/rooms/${room.id}`) },
                { text: t('control.endForAll'), icon: 'leave', act: () => { asked.value = 'end'; } },
                { text: t('home.end'), icon: 'trash', isDanger: true, act: () => { asked.value = 'close'; } },
            ]} />
            {asked.value === 'look' && <WhoIsIn room={room} onClose={close} />}
            {asked.value === 'end' && <Confirm title={t('control.endTitle')} text={t('control.endText')} action={t('control.endForAll')} onClose={close}
                onConfirm={() => void api.post(`/v1/rooms/${room.id}/end`, {}).catch(showError)} />}
            {asked.value === 'close' && <Confirm title={t('home.endTitle', { name: room.name })} text={t('home.endText')} action={t('home.end')} onClose={close}
                onConfirm={() => void closeRoom(api, room).then(onChanged, showError)} />}
        </li>
    );
}

export function AdminRooms() {
    const userId = new URLSearchParams(location.search).get('user') ?? '';
    const rooms = usePages<Room>((token) => readPage(api, '/v1/rooms', { user: userId }, token), userId, REFRESH_MS);
    const owner = useLoaded<{ display_name: string } | undefined>(async () => (userId === '' ? undefined : api.get(`/v1/users/${encodeURIComponent(userId)}`)));
    return (
        <>
            {owner.value !== undefined && (
                <div class="row">
                    <p>{t('admin.roomsOf', { name: owner.value.display_name })}</p>
                    <Link to="/admin/users" class="button small">{t('admin.users')}</Link>
                </div>
            )}
            <Wrong error={rooms.error} />
            {rooms.items?.length === 0 && <p class="quiet">{t('admin.noRooms')}</p>}
            {rooms.items !== undefined && rooms.items.length > 0 && (
                <ul class="list card">{rooms.items.map((room) => <AdminRoomRow key={room.id} room={room} onChanged={rooms.reload} />)}</ul>
            )}
            {rooms.more !== undefined && <div><button type="button" class="button" onClick={rooms.more}>{t('admin.more')}</button></div>}
        </>
    );
}
