// Name and password; or a link, for who has no account.
import { useSignal } from '@preact/signals';
import { signIn } from '../../state/session.ts';
import { Problem } from '../../core/api.js';
import { api, deviceLabel } from '../env.ts';
import { t } from '../i18n.ts';
import { Field, Form, useAction, Wrong } from '../parts/form.tsx';
import { Page } from '../parts/page.tsx';
import { navigate, routeOf } from '../router.tsx';

/** What somebody pastes: a whole link, or the code alone. */
function pathOf(text: string): string | undefined {
    const path = text.trim().replace(/^https?:\/\/[^/]+/i, '').replace(/^\/?/, '/');
    const [plain, hash] = path.split('#');
    if (routeOf(plain!).view !== 'meeting') return undefined;
    return hash === undefined ? plain : `${plain}#${hash}`;
}

export function JoinByLink() {
    const link = useSignal('');
    const isWrong = useSignal(false);
    const open = () => {
        const path = pathOf(link.value);
        isWrong.value = path === undefined;
        if (path === undefined) return;
        if (path.includes('#')) location.assign(path); // loaded anew: the secret is taken at the start
        else navigate(path);
    };
    return (
        <Form onSubmit={open} class="stack tight" label={t('link.title')}>
            <Field label={t('link.title')} placeholder="abc-defg-hij" value={link.value} onInput={(text) => { link.value = text; }}
                wrong={isWrong.value ? t('link.wrong') : undefined} autocomplete="off" spellcheck={false} required />
            <button type="submit" class="button wide">{t('link.open')}</button>
        </Form>
    );
}

export function SignIn() {
    const name = useSignal('');
    const password = useSignal('');
    const action = useAction(() => signIn(api, name.value, password.value, deviceLabel()));
    const isRefused = action.error instanceof Problem && action.error.status === 401;
    return (
        <Page title={t('signIn.title')} isCentred>
            <div class="stack narrow">
                <Form onSubmit={() => void action.run()} class="card stack">
                    <h1>{t('signIn.title')}</h1>
                    <Field label={t('signIn.name')} value={name.value} onInput={(text) => { name.value = text; }} autocomplete="username"
                        autocapitalize="none" spellcheck={false} required />
                    <Field label={t('signIn.password')} type="password" value={password.value} onInput={(text) => { password.value = text; }}
                        autocomplete="current-password" required wrong={isRefused ? t('signIn.wrong') : undefined} />
                    {!isRefused && <Wrong error={action.error} />}
                    <button type="submit" class="button primary wide" disabled={action.isBusy}>{t('signIn.submit')}</button>
                </Form>
                <div class="card"><JoinByLink /></div>
            </div>
        </Page>
    );
}
