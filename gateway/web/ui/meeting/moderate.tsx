// What may be done to one person, as menu items; what cannot be taken back is asked for again.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { Participant } from '../../core/room.js';
import type { Call } from '../../state/call.ts';
import { isSent, mayActOn } from '../../state/people.ts';
import { t } from '../i18n.ts';
import { Confirm, type MenuItem } from '../parts/dialog.tsx';
import { showError } from '../parts/toasts.tsx';

type Asked = 'remove' | 'ban' | undefined;

export function useModeration(call: Call, person: Participant): { items: MenuItem[]; dialog: ComponentChildren } {
    const asked = useSignal<Asked>(undefined);
    const room = call.room.value;
    const may = (action: string) => mayActOn(room, action, person);
    const isPerson = person.kind !== 'stream'; // a program has one role, and is kept out by removing its key
    const does = (work: () => Promise<unknown>) => () => void work().catch(showError);
    const items: (MenuItem | false)[] = [
        may('mute') && isSent(person, 'audio') && { text: t('moderate.mute'), icon: 'micOff', act: does(() => call.muteOther(person.id, 'audio')) },
        may('mute') && isSent(person, 'video') && { text: t('moderate.cameraOff'), icon: 'cameraOff', act: does(() => call.muteOther(person.id, 'video')) },
        may('mute') && isSent(person, 'screen') && { text: t('moderate.screenOff'), icon: 'screenOff', act: does(() => call.muteOther(person.id, 'screen')) },
        may('lower_hands') && person.hand_raised_at !== undefined
            && { text: t('moderate.lowerHand'), icon: 'hand', act: does(() => call.setHand(false, person.id)) },
        may('set_roles') && isPerson && person.role === 'participant' && room.participants.get(call.id)?.role === 'owner'
            && { text: t('moderate.makeModerator'), icon: 'crown', act: does(() => call.setRole(person.id, 'moderator')) },
        may('set_roles') && person.role === 'moderator' && { text: t('moderate.makeParticipant'), icon: 'user', act: does(() => call.setRole(person.id, 'participant')) },
        may('remove') && { text: t('moderate.remove'), icon: 'leave', isDanger: true, act: () => { asked.value = 'remove'; } },
        may('ban') && isPerson && { text: t('moderate.ban'), icon: 'close', isDanger: true, act: () => { asked.value = 'ban'; } },
    ];
    const close = () => { asked.value = undefined; };
    const what = asked.value;
    const dialog = what !== undefined && (
        <Confirm title={t(`moderate.${what}Title`, { name: person.name })} text={t(`moderate.${what}Text`)} action={t(`moderate.${what}`)}
            onClose={close} onConfirm={does(() => (what === 'ban' ? call.ban(person.id, person.guest ? ['device'] : ['user', 'device']) : call.remove(person.id)))} />
    );
    return { items: items.filter((item): item is MenuItem => item !== false), dialog };
}
