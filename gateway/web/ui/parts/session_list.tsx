// Where somebody is signed in, and a button at each to end that.
import { endSession, type Session } from '../../state/account.ts';
import { api } from '../env.ts';
import { dateAndTime, t } from '../i18n.ts';
import type { Loaded } from './load.ts';
import { showError } from './toasts.tsx';

function SessionRow({ session, userId, onEnded }: { session: Session; userId: string | undefined; onEnded: () => Promise<void> }) {
    const { device = t('sessions.program'), address = '', created_at: created, last_used_at: used } = session;
    return (
        <li>
            <span class="what">
                <span class="name"><bdi>{device}</bdi></span>
                <small class="quiet">{address !== '' && `${address} · `}{t('sessions.since', { when: dateAndTime(created) })}{!session.current && ` · ${t('sessions.used', { when: dateAndTime(used) })}`}</small>
            </span>
            {session.current ? <span class="badge">{t('sessions.this')}</span> : (
                <button type="button" class="button small" aria-label={t('sessions.endWho', { device })}
                    onClick={() => void endSession(api, session.id, userId).then(onEnded, showError)}>{t('nav.signOut')}</button>
            )}
        </li>
    );
}

/** @param userId for admins: whose they are; without it, one's own */
export const SessionList = ({ sessions, userId }: { sessions: Loaded<Session[]>; userId?: string }) => (
    <ul class="list">{sessions.value?.map((session) => <SessionRow key={session.id} session={session} userId={userId} onEnded={sessions.reload} />)}</ul>
);
