// Who does not come into a room.
import { liftBan, type Ban } from '../../state/room_settings.ts';
import type { Room } from '../../state/rooms.ts';
import { allOf } from '../../state/rooms.ts';
import { api } from '../env.ts';
import { dateAndTime, language, t } from '../i18n.ts';
import { Wrong } from '../parts/form.tsx';
import { useLoaded } from '../parts/load.ts';
import { Section } from '../parts/section.tsx';
import { showError } from '../parts/toasts.tsx';

const listed = (words: string[]) => new Intl.ListFormat(language.value, { type: 'conjunction' }).format(words);

function BanRow({ room, ban, onLifted }: { room: Room; ban: Ban; onLifted: () => Promise<void> }) {
    const since = t('bans.since', { when: dateAndTime(ban.created_at) });
    const what = t('bans.by', { what: listed(ban.by.map((one) => t(`bans.by.${one}`))) });
    return (
        <li>
            <span class="what">
                <span class="name"><bdi>{ban.name}</bdi></span>
                <small class="quiet">{since} · {what}{ban.expires_at !== null && ` · ${t('invitations.until', { when: dateAndTime(ban.expires_at) })}`}</small>
                {ban.note !== undefined && <small><bdi>{ban.note}</bdi></small>}
            </span>
            <button type="button" class="button small" aria-label={t('bans.liftWho', { name: ban.name })}
                onClick={() => void liftBan(api, room, ban.id).then(onLifted, showError)}>{t('bans.lift')}</button>
        </li>
    );
}

export function Bans({ room }: { room: Room }) {
    const bans = useLoaded(() => allOf<Ban>(api, `/v1/rooms/${room.id}/bans`));
    return (
        <Section title={t('bans.title')} text={bans.value?.length === 0 ? t('bans.none') : t('bans.text')}>
            <Wrong error={bans.error} />
            {bans.value !== undefined && bans.value.length > 0 && (
                <ul class="list">{bans.value.map((ban) => <BanRow key={ban.id} room={room} ban={ban} onLifted={bans.reload} />)}</ul>
            )}
        </Section>
    );
}
