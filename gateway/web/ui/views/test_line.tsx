// One thing that is tested: an icon, what it is, and one sentence on how it is or what to do.
import type { ComponentChildren } from 'preact';
import { t } from '../i18n.ts';
import { Icon, type IconName } from '../icons.tsx';

/** open: nothing is known yet. */
export type CheckState = 'open' | 'busy' | 'ok' | 'warn' | 'failed';

const ICONS: Record<Exclude<CheckState, 'busy'>, IconName> = { open: 'info', ok: 'check', warn: 'alert', failed: 'close' };

interface LineProps {
    state: CheckState;
    title: string;
    text: string;
    children?: ComponentChildren;
}

export function Line({ state, title, text, children }: LineProps) {
    return (
        <li class="probe">
            <span class={`probe-state ${state}`} role="img" aria-label={t(`test.state.${state}`)}>
                {state === 'busy' ? <span class="spinner" /> : <Icon name={ICONS[state]} />}
            </span>
            <span class="what">
                <span class="name">{title}</span>
                <span class="quiet">{text}</span>
                {children !== undefined && <span class="row">{children}</span>}
            </span>
        </li>
    );
}
