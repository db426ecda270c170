// What an admin does to one account in a dialog of its own: a new password, where it is signed in, removing it.
import { useSignal } from '@preact/signals';
import { Problem } from '../../core/api.js';
import { endOtherSessions, listSessions } from '../../state/account.ts';
import { givePassword, removeUser, type Account } from '../../state/admin.ts';
import { api } from '../env.ts';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field, Form, Select, useAction, Wrong } from '../parts/form.tsx';
import { useLoaded } from '../parts/load.ts';
import { SessionList } from '../parts/session_list.tsx';
import { showToast } from '../parts/toasts.tsx';
import { fieldProblem } from '../problem.ts';

export const isConflict = (error: unknown) => error instanceof Problem && error.code === 'conflict';

/** @param field where the password stands in what was sent */
export const isWeakPassword = (error: unknown, field: string) => error instanceof Problem
    && (error.code === 'weak_password' || fieldProblem(error, field) !== undefined);

/** In clear on the screen: it is told to the other one. */
export function GivePassword({ account, onClose }: { account: Account; onClose: () => void }) {
    const password = useSignal('');
    const give = useAction(async () => {
        await givePassword(api, account.id, password.value);
        onClose();
        showToast({ text: t('admin.passwordGiven', { name: account.display_name }) });
    });
    const isWeak = isWeakPassword(give.error, '/new_password');
    return (
        <Dialog title={t('admin.givePasswordTitle', { name: account.display_name })} onClose={onClose}>
            <p>{t('admin.givePasswordText')}</p>
            <Form onSubmit={() => void give.run()} label={t('admin.givePassword')}>
                <Field label={t('password.new')} help={t('password.newHelp')} value={password.value} required minLength={10} autocomplete="off" spellcheck={false}
                    onInput={(text) => { password.value = text; }} wrong={isWeak ? t('problem.weak_password') : undefined} />
                {!isWeak && <Wrong error={give.error} />}
                <div class="row">
                    <button type="submit" class="button primary" disabled={give.isBusy}>{t('admin.givePassword')}</button>
                    <button type="button" class="button" onClick={onClose}>{t('cancel')}</button>
                </div>
            </Form>
        </Dialog>
    );
}

export function TheirSessions({ account, onClose }: { account: Account; onClose: () => void }) {
    const sessions = useLoaded(() => listSessions(api, account.id));
    const end = useAction(async () => {
        await endOtherSessions(api, account.id);
        await sessions.reload();
    });
    return (
        <Dialog title={t('admin.sessionsOf', { name: account.display_name })} onClose={onClose}>
            <Wrong error={sessions.error ?? end.error} />
            {sessions.value?.length === 0 ? <p class="quiet">{t('admin.noSessions')}</p> : <SessionList sessions={sessions} userId={account.id} />}
            {sessions.value?.some(({ current }) => !current) === true && (
                <div><button type="button" class="button danger" disabled={end.isBusy} onClick={() => void end.run()}>{t('admin.endSessions')}</button></div>
            )}
        </Dialog>
    );
}

export function RemoveUser({ account, onRemoved, onClose }: { account: Account; onRemoved: () => Promise<void>; onClose: () => void }) {
    const fate = useSignal<'end' | 'transfer'>('end');
    const heir = useSignal('');
    const remove = useAction(async () => {
        await removeUser(api, account.id, fate.value === 'end' ? '' : heir.value.trim());
        onClose();
        await onRemoved();
    });
    return (
        <Dialog title={t('admin.removeTitle', { name: account.display_name })} onClose={onClose}>
            <p>{t('admin.removeText')}</p>
            <Form onSubmit={() => void remove.run()} label={t('admin.remove')}>
                <Select label={t('admin.fate')} value={fate.value} options={[['end', t('admin.fate.end')], ['transfer', t('admin.fate.transfer')]]}
                    onChange={(one) => { fate.value = one as 'end' | 'transfer'; }} />
                {fate.value === 'transfer' && <Field label={t('admin.heir')} value={heir.value} onInput={(text) => { heir.value = text; }} required
                    autocomplete="off" autocapitalize="none" spellcheck={false} />}
                {isConflict(remove.error) ? <p class="note danger" role="alert"><Icon name="alert" size={20} /><span>{t('admin.lastAdmin')}</span></p> : <Wrong error={remove.error} />}
                <div class="row">
                    <button type="submit" class="button danger" disabled={remove.isBusy}>{t('admin.remove')}</button>
                    <button type="button" class="button" onClick={onClose}>{t('cancel')}</button>
                </div>
            </Form>
        </Dialog>
    );
}
