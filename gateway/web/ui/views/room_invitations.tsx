// Links that let in whoever has them, each in its role: their secret is shown once, when they are made.
import { useSignal } from '@preact/signals';
import { makeInvitation, revokeInvitation, rolesBelow, type Invitation, type Role } from '../../state/room_settings.ts';
import type { Room } from '../../state/rooms.ts';
import { allOf } from '../../state/rooms.ts';
import { api, env } from '../env.ts';
import { dateAndTime, t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Check, Field, Form, Select, useAction, Wrong } from '../parts/form.tsx';
import { invitationText } from '../parts/invite.tsx';
import { useLoaded } from '../parts/load.ts';
import { Section } from '../parts/section.tsx';
import { VALID_FOR, validForOptions, type ValidFor } from '../parts/valid_for.ts';
import { fieldProblem } from '../problem.ts';
import { roleOptions } from './room_members.tsx';
import { CopyButton, LinkToCopy } from './room_share.tsx';

function NewLink({ room, invitation }: { room: Room; invitation: Invitation }) {
    const text = invitationText({ ...room, url: invitation.url!, has_pin: false });
    return (
        <>
            <p class="note"><Icon name="info" size={20} /><span>{t('invitations.once')}</span></p>
            <LinkToCopy link={invitation.url!} />
            <div><CopyButton text={text} said={t('invite.copied')} isPrimary>{t('invite.copy')}</CopyButton></div>
        </>
    );
}

function NewInvitation({ room, role, onMade, onClose }: { room: Room; role: Role | undefined; onMade: () => Promise<void>; onClose: () => void }) {
    const made = useSignal<Invitation | undefined>(undefined);
    const wanted = useSignal({ role: 'participant' as Role, label: '', maxUses: '' });
    const validFor = useSignal<ValidFor>('week');
    const set = (edit: Partial<typeof wanted.value>) => { wanted.value = { ...wanted.value, ...edit }; };
    const make = useAction(async () => {
        made.value = await makeInvitation(api, env, room, { ...wanted.value, validForMs: VALID_FOR[validFor.value] }, Date.now());
        await onMade();
    });
    return (
        <Dialog title={t('invitations.new')} onClose={onClose}>
            {made.value !== undefined ? <NewLink room={room} invitation={made.value} /> : (
                <Form onSubmit={() => void make.run()} label={t('invitations.new')}>
                    <Select label={t('invitations.role')} value={wanted.value.role} options={roleOptions(rolesBelow(role))} onChange={(one) => set({ role: one as Role })} />
                    <Field label={t('invitations.label')} help={t('invitations.labelHelp')} value={wanted.value.label} maxLength={64} autocomplete="off"
                        onInput={(label) => set({ label })} wrong={fieldProblem(make.error, '/label')} />
                    <Field label={t('invitations.most')} help={t('invitations.mostHelp')} type="number" min="1" max="1000000" value={wanted.value.maxUses}
                        onInput={(maxUses) => set({ maxUses })} wrong={fieldProblem(make.error, '/max_uses')} />
                    <Select label={t('invitations.validFor')} value={validFor.value} onChange={(key) => { validFor.value = key as ValidFor; }}
                        options={validForOptions()} />
                    <Wrong error={make.error} />
                    <button type="submit" class="button primary" disabled={make.isBusy}>{t('invitations.make')}</button>
                </Form>
            )}
        </Dialog>
    );
}

function Revoke({ room, invitation, onDone, onClose }: { room: Room; invitation: Invitation; onDone: () => Promise<void>; onClose: () => void }) {
    const removes = useSignal(false);
    const revoke = useAction(async () => {
        await revokeInvitation(api, room, invitation.id, removes.value);
        onClose();
        await onDone();
    });
    return (
        <Dialog title={t('invitations.revokeTitle')} onClose={onClose}>
            <p>{t('invitations.revokeText')}</p>
            <Check label={t('invitations.revokeRemove')} checked={removes.value} onChange={(isOn) => { removes.value = isOn; }} />
            <Wrong error={revoke.error} />
            <div class="row">
                <button type="button" class="button danger" disabled={revoke.isBusy} onClick={() => void revoke.run()}>{t('invitations.revoke')}</button>
                <button type="button" class="button" onClick={onClose}>{t('cancel')}</button>
            </div>
        </Dialog>
    );
}

function InvitationRow({ room, invitation, onChanged }: { room: Room; invitation: Invitation; onChanged: () => Promise<void> }) {
    const isAsked = useSignal(false);
    const { label, uses, max_uses: most, expires_at: end } = invitation;
    const used = most === null ? t('invitations.used', { count: uses }) : t('invitations.usedOf', { count: uses, most });
    const until = end === null ? t('validFor.ever') : t('invitations.until', { when: dateAndTime(end) });
    return (
        <li>
            <span class="what">
                <span class="name">{label === undefined ? t('invitations.noLabel') : <bdi>{label}</bdi>}</span>
                <small class="quiet">{used} · {until}</small>
            </span>
            <span class="badge">{t(`role.${invitation.role}`)}</span>
            <button type="button" class="button small" onClick={() => { isAsked.value = true; }}>{t('invitations.revoke')}</button>
            {isAsked.value && <Revoke room={room} invitation={invitation} onDone={onChanged} onClose={() => { isAsked.value = false; }} />}
        </li>
    );
}

export function Invitations({ room, role }: { room: Room; role: Role | undefined }) {
    const invitations = useLoaded(() => allOf<Invitation>(api, `/v1/rooms/${room.id}/invitations`));
    const isMaking = useSignal(false);
    return (
        <Section title={t('invitations.title')} text={t('invitations.text')}
            action={<button type="button" class="button" onClick={() => { isMaking.value = true; }}><Icon name="plus" size={20} />{t('invitations.new')}</button>}>
            <Wrong error={invitations.error} />
            {invitations.value !== undefined && invitations.value.length > 0 && (
                <ul class="list">
                    {invitations.value.map((one) => <InvitationRow key={one.id} room={room} invitation={one} onChanged={invitations.reload} />)}
                </ul>
            )}
            {isMaking.value && <NewInvitation room={room} role={role} onMade={invitations.reload} onClose={() => { isMaking.value = false; }} />}
        </Section>
    );
}
