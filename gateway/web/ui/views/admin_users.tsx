// Who may sign in: found, added, made an admin, kept out, removed.
import { useSignal } from '@preact/signals';
import { addUser, changeUser, readPage, REFRESH_MS, type Account } from '../../state/admin.ts';
import { user } from '../../state/session.ts';
import { api, env } from '../env.ts';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Dialog, Menu } from '../parts/dialog.tsx';
import { Field, Form, Select, useAction, Wrong } from '../parts/form.tsx';
import { usePages } from '../parts/load.ts';
import { showError, showToast } from '../parts/toasts.tsx';
import { fieldProblem } from '../problem.ts';
import { navigate } from '../router.tsx';
import { GivePassword, isConflict, isWeakPassword, RemoveUser, TheirSessions } from './admin_account.tsx';

/** Of one who is there already, and of the last admin, there is more to say than that it does not fit. */
const showFault = (error: unknown) => {
    if (isConflict(error)) showToast({ text: t('admin.lastAdmin'), isError: true });
    else showError(error);
};

function AddUser({ onAdded, onClose }: { onAdded: () => Promise<void>; onClose: () => void }) {
    const fresh = useSignal({ username: '', display_name: '', password: '', role: 'member' as Account['role'] });
    const set = (edit: Partial<typeof fresh.value>) => { fresh.value = { ...fresh.value, ...edit }; };
    const add = useAction(async () => {
        await addUser(api, env, fresh.value);
        onClose();
        showToast({ text: t('admin.added', { name: fresh.value.username }) });
        await onAdded();
    });
    const isTaken = isConflict(add.error);
    const isWeak = isWeakPassword(add.error, '/password');
    return (
        <Dialog title={t('admin.add')} onClose={onClose}>
            <Form onSubmit={() => void add.run()} label={t('admin.add')}>
                <Field label={t('members.who')} value={fresh.value.username} required maxLength={64} autocomplete="off" autocapitalize="none" spellcheck={false}
                    onInput={(username) => set({ username })} wrong={isTaken ? t('admin.taken') : fieldProblem(add.error, '/username')} />
                <Field label={t('profile.displayName')} value={fresh.value.display_name} maxLength={64} autocomplete="off" onInput={(name) => set({ display_name: name })} />
                <Field label={t('signIn.password')} help={t('password.newHelp')} value={fresh.value.password} required minLength={10} autocomplete="off" spellcheck={false}
                    onInput={(password) => set({ password })} wrong={isWeak ? t('problem.weak_password') : undefined} />
                <Select label={t('members.role')} value={fresh.value.role} options={[['member', t('admin.role.member')], ['admin', t('admin.role.admin')]]}
                    onChange={(role) => set({ role: role as Account['role'] })} />
                {!isTaken && !isWeak && <Wrong error={add.error} />}
                <button type="submit" class="button primary" disabled={add.isBusy}>{t('members.add')}</button>
            </Form>
        </Dialog>
    );
}

function UserRow({ account, onChanged }: { account: Account; onChanged: () => Promise<void> }) {
    const open = useSignal<'password' | 'sessions' | 'remove' | undefined>(undefined);
    const close = () => { open.value = undefined; };
    const isMe = account.id === user.value?.id;
    const isAdmin = account.role === 'admin';
    const change = (what: Parameters<typeof changeUser>[2]) => void changeUser(api, account.id, what).then(onChanged, showFault);
    return (
        <li>
            <span class="what">
                <span class="name"><bdi>{account.display_name}</bdi>{isMe && ` ${t('you')}`}</span>
                <small class="quiet"><bdi>{account.username}</bdi></small>
            </span>
            {account.disabled && <span class="badge">{t('admin.disabled')}</span>}
            {isAdmin && <span class="badge">{t('admin.role.admin')}</span>}
            <Menu label={t('home.menu', { name: account.display_name })} items={[
                { text: t('admin.theirRooms'), icon: 'people', act: () => navigate(`/admin/rooms?user=${account.id}`) },
                !isMe && { text: isAdmin ? t('admin.makeMember') : t('admin.makeAdmin'), icon: 'crown', act: () => change({ role: isAdmin ? 'member' : 'admin' }) },
                !isMe && { text: account.disabled ? t('admin.enable') : t('admin.disable'), icon: 'lock', act: () => change({ disabled: !account.disabled }) },
                !isMe && { text: t('admin.givePassword'), icon: 'key', act: () => { open.value = 'password'; } },
                { text: t('admin.theirSessions'), icon: 'user', act: () => { open.value = 'sessions'; } },
                !isMe && { text: t('admin.remove'), icon: 'trash', isDanger: true, act: () => { open.value = 'remove'; } },
            ]} />
            {open.value === 'password' && <GivePassword account={account} onClose={close} />}
            {open.value === 'sessions' && <TheirSessions account={account} onClose={close} />}
            {open.value === 'remove' && <RemoveUser account={account} onRemoved={onChanged} onClose={close} />}
        </li>
    );
}

export function AdminUsers() {
    const search = useSignal('');
    const isAdding = useSignal(false);
    const users = usePages<Account>((token) => readPage(api, '/v1/users', { search: search.value.trim() }, token), search.value.trim(), REFRESH_MS);
    return (
        <>
            <div class="row fields">
                <div class="grow"><Field label={t('admin.search')} type="search" value={search.value} onInput={(text) => { search.value = text; }} autocomplete="off" /></div>
                <button type="button" class="button primary" onClick={() => { isAdding.value = true; }}><Icon name="plus" size={20} />{t('admin.add')}</button>
            </div>
            <Wrong error={users.error} />
            {users.items?.length === 0 && <p class="quiet">{t('admin.nobody')}</p>}
            {users.items !== undefined && users.items.length > 0 && (
                <ul class="list card">{users.items.map((account) => <UserRow key={account.id} account={account} onChanged={users.reload} />)}</ul>
            )}
            {users.more !== undefined && <div><button type="button" class="button" onClick={users.more}>{t('admin.more')}</button></div>}
            {isAdding.value && <AddUser onAdded={users.reload} onClose={() => { isAdding.value = false; }} />}
        </>
    );
}
