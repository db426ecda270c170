// Who belongs to a room, and as what.
import { useSignal } from '@preact/signals';
import { removeMember, rolesBelow, setMember, type Member, type Role } from '../../state/room_settings.ts';
import type { Room } from '../../state/rooms.ts';
import { allOf } from '../../state/rooms.ts';
import { api } from '../env.ts';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Confirm } from '../parts/dialog.tsx';
import { Field, Form, Select, useAction, Wrong } from '../parts/form.tsx';
import { useLoaded } from '../parts/load.ts';
import { Section } from '../parts/section.tsx';
import { showError } from '../parts/toasts.tsx';

export const roleOptions = (roles: Role[]): [string, string][] => roles.map((role) => [role, t(`role.${role}`)]);

interface MemberRowProps {
    room: Room;
    member: Member;
    roles: Role[];
    onChanged: () => Promise<void>;
}

function MemberRow({ room, member, roles, onChanged }: MemberRowProps) {
    const isAsked = useSignal(false);
    const name = member.user.display_name;
    const does = (work: Promise<unknown>) => void work.catch(showError).finally(() => void onChanged());
    const isBelow = roles.includes(member.role);
    return (
        <li>
            <span class="what name"><bdi>{name}</bdi></span>
            {isBelow ? (
                <Select label={t('members.roleOf', { name })} isLabelHidden value={member.role} options={roleOptions(roles)}
                    onChange={(role) => does(setMember(api, room, member.user.id, role as Role))} />
            ) : <span class="badge">{t(`role.${member.role}`)}</span>}
            {isBelow && <button type="button" class="button icon" aria-label={t('members.remove', { name })} title={t('members.remove', { name })}
                onClick={() => { isAsked.value = true; }}><Icon name="trash" size={20} /></button>}
            {isAsked.value && <Confirm title={t('members.removeTitle', { name })} text={t('members.removeText')} action={t('members.removeAction')}
                onConfirm={() => does(removeMember(api, room, member.user.id))} onClose={() => { isAsked.value = false; }} />}
        </li>
    );
}

function AddMember({ room, roles, onAdded }: { room: Room; roles: Role[]; onAdded: () => Promise<void> }) {
    const who = useSignal('');
    const role = useSignal<Role>('participant');
    const add = useAction(async () => {
        await setMember(api, room, who.value.trim(), role.value);
        who.value = '';
        await onAdded();
    });
    return (
        <Form onSubmit={() => void add.run()} class="stack tight" label={t('members.add')}>
            <div class="row fields">
                <div class="grow"><Field label={t('members.who')} value={who.value} onInput={(text) => { who.value = text; }} required
                    autocomplete="off" autocapitalize="none" spellcheck={false} /></div>
                <Select label={t('members.role')} value={role.value} options={roleOptions(roles)} onChange={(one) => { role.value = one as Role; }} />
                <button type="submit" class="button" disabled={add.isBusy}><Icon name="plus" size={20} />{t('members.add')}</button>
            </div>
            <Wrong error={add.error} />
        </Form>
    );
}

export function Members({ room, role }: { room: Room; role: Role | undefined }) {
    const members = useLoaded(() => allOf<Member>(api, `/v1/rooms/${room.id}/members`));
    const roles = rolesBelow(role);
    return (
        <Section title={t('members.title')} text={t('members.text')}>
            <Wrong error={members.error} />
            <ul class="list">
                {room.owner !== undefined && <li><span class="what name"><bdi>{room.owner.display_name}</bdi></span><span class="badge">{t('role.owner')}</span></li>}
                {members.value?.map((member) => <MemberRow key={member.user.id} room={room} member={member} roles={roles} onChanged={members.reload} />)}
            </ul>
            <AddMember room={room} roles={roles} onAdded={members.reload} />
        </Section>
    );
}
