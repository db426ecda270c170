// What is sent to those who are to come: a text with the link.
import type { Room } from '../../state/rooms.ts';
import { t } from '../i18n.ts';
import { showToast } from './toasts.tsx';

export const linkOf = (room: Pick<Room, 'code' | 'url'>) => room.url ?? `${location.origin}/${room.code}`;

/** @returns whether it is copied */
export async function copyText(text: string, said: string): Promise<boolean> {
    try {
        await navigator.clipboard.writeText(text);
        showToast({ text: said });
        return true;
    } catch {
        showToast({ text, isError: true }); // it can be marked and copied there
        return false;
    }
}

export function invitationText(room: Pick<Room, 'code' | 'url' | 'name'> & { has_pin?: boolean }): string {
    const lines = [t('invite.text', { name: room.name }), linkOf(room)];
    if (room.has_pin) lines.push(t('invite.pin'));
    return lines.join('\n');
}

export const copyInvitation = (room: Parameters<typeof invitationText>[0]) => copyText(invitationText(room), t('invite.copied'));
