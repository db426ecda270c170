// What stands beside the stage, or over it as a sheet on a narrow screen.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';

export function PanelFrame({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
    const close = useRef(onClose);
    close.current = onClose;
    // On a narrow screen Back closes the sheet, not the meeting.
    useEffect(() => {
        if (!matchMedia('(max-width: 720px)').matches) return undefined;
        let isOpen = true;
        history.pushState({ panel: true }, '');
        const back = () => {
            isOpen = false;
            close.current();
        };
        addEventListener('popstate', back);
        return () => {
            removeEventListener('popstate', back);
            if (isOpen) history.back();
        };
    }, []);
    return (
        <aside class="panel" aria-label={title}>
            <div class="row between panel-head">
                <h2>{title}</h2>
                <button type="button" class="button icon" aria-label={t('close')} onClick={onClose}><Icon name="close" /></button>
            </div>
            {children}
        </aside>
    );
}
