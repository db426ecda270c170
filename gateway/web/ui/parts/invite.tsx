// What is sent to those who are to come: a text with the link.
import type { Room } from '../../state/rooms.ts';
import { t } from '../i18n.ts';
import { showToast } from './toasts.tsx';

export const linkOf = (room: Pick<Room, 'code' | 'url'>) => room.url ?? `${location.origin}/${room.code}`;

export async function copyText(text: string, said: string): Promise<void> {
    try {
        await navigator.clipboard.writeText(text);
        showToast({ text: said });
    } catch {
        showToast({ text, isError: true }); // it can be marked and copied there
    }
}

export function copyInvitation(room: Pick<Room, 'code' | 'url' | 'name'> & { has_pin?: boolean }): Promise<void> {
    const lines = [t('invite.text', { name: room.name }), linkOf(room)];
    if (room.has_pin) lines.push(t('invite.pin'));
    return copyText(lines.join('\n'), t('invite.copied'));
}
