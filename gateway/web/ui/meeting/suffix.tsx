// What follows a name wherever it stands: that he is a guest, or no person but a program; that it is oneself.
import type { Participant } from '../../core/room.js';
import { t } from '../i18n.ts';

export function Suffix({ person, isMe }: { person: Participant; isMe: boolean }) {
    return <>{person.kind === 'stream' ? <span> {t('stream')}</span> : person.guest && <span> {t('guest')}</span>}{isMe && <span> {t('you')}</span>}</>;
}
