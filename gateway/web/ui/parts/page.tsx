// The frame of the light pages, and the page that is one sentence and one next step.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { signOut, user } from '../../state/session.ts';
import { api } from '../env.ts';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Link, navigate, route } from '../router.tsx';
import { Menu } from './dialog.tsx';
import { showError } from './toasts.tsx';

interface PageProps {
    title: string;
    children: ComponentChildren;
    isCentred?: boolean;
}

export function useTitle(title: string): void {
    useEffect(() => { document.title = title === 'Lynks' ? title : `${title} · Lynks`; }, [title]);
}

export function Page({ title, children, isCentred }: PageProps) {
    useTitle(title);
    return (
        <div class="page">
            <header class="page-head">
                <Link to="/" class="brand"><img src="/icon.svg" alt="" />Lynks</Link>
                {user.value != null && <Navigation />}
            </header>
            <main class={`page-body${isCentred ? ' centre' : ''}`}>{children}</main>
        </div>
    );
}

function Navigation() {
    const leave = async () => {
        await signOut(api).catch(showError);
        navigate('/');
    };
    return (
        <nav aria-label={t('nav.label')}>
            {user.value?.role === 'admin' && <Link to="/admin" class="button plain" current={route.value.view === 'admin'}>{t('nav.admin')}</Link>}
            <Menu label={t('nav.account', { name: user.value?.display_name ?? '' })} class="button plain" items={[
                { text: t('nav.profile'), icon: 'user', act: () => navigate('/profile') },
                { text: t('nav.test'), icon: 'signal', act: () => navigate('/test') },
                { text: t('nav.signOut'), icon: 'leave', act: leave },
            ]}>
                <Icon name="user" size={20} /><bdi>{user.value?.display_name}</bdi>
            </Menu>
        </nav>
    );
}

interface WordsProps {
    title: string;
    text?: string;
    children?: ComponentChildren;
}

/** One sentence, one next step. */
export function Words({ title, text, children }: WordsProps) {
    return (
        <Page title={title} isCentred>
            <div class="stack words" role="status">
                <h1>{title}</h1>
                {text !== undefined && <p class="lead quiet">{text}</p>}
                <div class="row">{children}</div>
            </div>
        </Page>
    );
}

export function Waiting() {
    return <main class="page-body centre"><span class="spinner" role="progressbar" aria-label={t('loading')} /></main>;
}
