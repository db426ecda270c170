// A view that is fetched when it is first shown: what few need does not hold up the first view.
import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { t } from '../i18n.ts';
import { Waiting, Words } from './page.tsx';

export function NoAnswer() {
    return (
        <Words title={t('offline.title')} text={t('offline.text')}>
            <button type="button" class="button primary" onClick={() => location.reload()}>{t('tryAgain')}</button>
        </Words>
    );
}

export function later<P extends object>(load: () => Promise<ComponentType<P>>) {
    let loaded: ComponentType<P> | undefined;
    return function Later(props: P) {
        const isThere = useSignal(loaded !== undefined);
        const hasFailed = useSignal(false);
        useLayoutEffect(() => {
            if (loaded !== undefined) return;
            load().then((component) => {
                loaded = component;
                isThere.value = true;
            }, () => { hasFailed.value = true; });
        }, []);
        if (hasFailed.value) return <NoAnswer />;
        const View = loaded;
        return !isThere.value || View === undefined ? <Waiting /> : <View {...props} />;
    };
}
