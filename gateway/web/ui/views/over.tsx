// Why one is out, or cannot come in: one sentence, one next step. Nothing here tries again by itself.
import { user } from '../../state/session.ts';
import { hasText, t, type Key } from '../i18n.ts';
import { Words } from '../parts/page.tsx';
import { requestIdOf, wordsFor } from '../problem.ts';
import { navigate } from '../router.tsx';

interface OverProps {
    code: string;
    name: string;
    reason: string;
    error?: unknown;
    onAgain: () => void;
}

/** Reasons after which coming again may work. */
const AGAIN: Record<string, Key> = {
    left: 'over.again', removed: 'over.ask', meeting_ended: 'over.again', room_locked: 'tryAgain', room_full: 'tryAgain', lobby_full: 'tryAgain',
    waited_too_long: 'over.ask', network: 'tryAgain', timeout: 'tryAgain', invitation_early: 'tryAgain', session_ended: 'over.again',
};

export function Over({ name, reason, error, onAgain }: OverProps) {
    const titleKey = `over.${reason}.title`;
    const textKey = reason === 'no_such_room' && user.value !== null ? 'over.no_such_room.member' : `over.${reason}.text`;
    const title = hasText(titleKey) ? t(titleKey, { name }) : t('over.other.title');
    const text = hasText(textKey) ? t(textKey, { name }) : error === undefined ? undefined : wordsFor(error);
    const again = AGAIN[reason];
    const mustSignIn = user.value === null && ['forbidden', 'unauthorized', 'no_such_room', 'not_a_member'].includes(reason);
    const requestId = requestIdOf(error);
    return (
        <Words title={title} {...(text === undefined ? {} : { text })}>
            {again !== undefined && <button type="button" class="button primary" onClick={onAgain}>{t(again)}</button>}
            <button type="button" class={again === undefined ? 'button primary' : 'button'} onClick={() => navigate('/')}>
                {mustSignIn ? t('signIn.title') : user.value === null ? t('over.start') : t('over.rooms')}
            </button>
            {requestId !== undefined && <details class="small quiet"><summary>{t('details')}</summary>{requestId}</details>}
        </Words>
    );
}
