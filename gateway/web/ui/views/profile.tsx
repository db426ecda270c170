// Oneself: the name that others see, how this browser shows things, the password, and where one is signed in.
import { useSignal } from '@preact/signals';
import { Problem } from '../../core/api.js';
import { endOtherSessions, listSessions, readMe, setDisplayName, setPassword, type Session } from '../../state/account.ts';
import { user } from '../../state/session.ts';
import { api } from '../env.ts';
import { language, LANGUAGES, setLanguage, t, type Language } from '../i18n.ts';
import { Field, Form, Select, useAction, Wrong } from '../parts/form.tsx';
import { useLoaded, type Loaded } from '../parts/load.ts';
import { Page } from '../parts/page.tsx';
import { Section } from '../parts/section.tsx';
import { SessionList } from '../parts/session_list.tsx';
import { showError, showToast } from '../parts/toasts.tsx';
import { fieldProblem } from '../problem.ts';
import { setTheme, theme, THEMES, type Theme } from '../theme.ts';

function DisplayName() {
    const me = useLoaded(() => readMe(api));
    const typed = useSignal<string | undefined>(undefined);
    const now = me.value?.user.display_name ?? user.value!.display_name;
    const name = typed.value ?? now;
    const save = useAction(async () => {
        try {
            me.set(await setDisplayName(api, me.value!, name.trim()));
        } catch (error) {
            if (error instanceof Problem && error.code === 'stale') await me.reload();
            throw error;
        }
        typed.value = undefined;
        showToast({ text: t('saved') });
    });
    const wrong = fieldProblem(save.error, '/display_name');
    return (
        <Section title={t('profile.name')}>
            <Form onSubmit={() => void save.run()} label={t('profile.name')}>
                <Field label={t('profile.displayName')} help={t('profile.displayNameHelp', { name: user.value!.username })} value={name} maxLength={64}
                    autocomplete="name" onInput={(text) => { typed.value = text; }} wrong={wrong} />
                {wrong === undefined && <Wrong error={save.error ?? me.error} />}
                <div><button type="submit" class="button primary" disabled={save.isBusy || me.value === undefined || name.trim() === now}>{t('save')}</button></div>
            </Form>
        </Section>
    );
}

function Appearance() {
    return (
        <Section title={t('profile.browser')} text={t('profile.browserText')}>
            <div class="two">
                <Select label={t('profile.language')} value={language.value} options={Object.entries(LANGUAGES)}
                    onChange={(code) => void setLanguage(code as Language, true).catch(showError)} />
                <Select label={t('profile.theme')} value={theme.value} options={THEMES.map((name) => [name, t(`theme.${name}`)])}
                    onChange={(name) => setTheme(name as Theme)} />
            </div>
        </Section>
    );
}

function Password({ onChanged }: { onChanged: () => Promise<void> }) {
    const current = useSignal('');
    const fresh = useSignal('');
    const again = useSignal('');
    const isDifferent = useSignal(false);
    const save = useAction(async () => {
        await setPassword(api, current.value, fresh.value);
        for (const field of [current, fresh, again]) field.value = '';
        showToast({ text: t('password.changed') });
        await onChanged();
    });
    const submit = () => {
        isDifferent.value = fresh.value !== again.value;
        if (!isDifferent.value) void save.run();
    };
    const isRefused = save.error instanceof Problem && save.error.code === 'sign_in_refused';
    const isWeak = save.error instanceof Problem && (save.error.code === 'weak_password' || fieldProblem(save.error, '/new_password') !== undefined);
    return (
        <Section title={t('signIn.password')} text={t('password.text')}>
            <Form onSubmit={submit} label={t('signIn.password')}>
                <Field label={t('password.current')} type="password" autocomplete="current-password" required value={current.value}
                    onInput={(text) => { current.value = text; }} wrong={isRefused ? t('password.wrong') : undefined} />
                <div class="two">
                    <Field label={t('password.new')} help={t('password.newHelp')} type="password" autocomplete="new-password" required minLength={10} value={fresh.value}
                        onInput={(text) => { fresh.value = text; }} wrong={isWeak ? t('problem.weak_password') : undefined} />
                    <Field label={t('password.again')} type="password" autocomplete="new-password" required value={again.value}
                        onInput={(text) => { again.value = text; }} wrong={isDifferent.value ? t('password.different') : undefined} />
                </div>
                {!isRefused && !isWeak && <Wrong error={save.error} />}
                <div><button type="submit" class="button primary" disabled={save.isBusy}>{t('password.change')}</button></div>
            </Form>
        </Section>
    );
}

function Sessions({ sessions }: { sessions: Loaded<Session[]> }) {
    const end = useAction(async () => {
        await endOtherSessions(api);
        await sessions.reload();
    });
    const others = sessions.value?.filter(({ current }) => !current).length ?? 0;
    return (
        <Section title={t('sessions.title')} text={t('sessions.text')}>
            <Wrong error={sessions.error ?? end.error} />
            <SessionList sessions={sessions} />
            {others > 0 && <div><button type="button" class="button" disabled={end.isBusy} onClick={() => void end.run()}>{t('sessions.endOthers')}</button></div>}
        </Section>
    );
}

export function Profile() {
    const sessions = useLoaded(() => listSessions(api));
    return (
        <Page title={t('nav.profile')}>
            <div class="stack settings">
                <h1>{t('nav.profile')}</h1>
                <DisplayName />
                <Appearance />
                <Password onChanged={sessions.reload} />
                <Sessions sessions={sessions} />
            </div>
        </Page>
    );
}
