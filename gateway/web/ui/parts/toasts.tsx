// A line at the bottom that says what has just happened: one at a time, gone after five seconds, an error when it is closed. What is
// only to be heard goes to the same place for screen readers.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Icon } from '../icons.tsx';
import { t } from '../i18n.ts';
import { wordsFor } from '../problem.ts';

interface Toast {
    text: string;
    isError?: boolean;
    action?: { text: string; act: () => void };
}

const TOAST_MS = 5000;
const QUEUE_MOST = 8;

const queue = signal<readonly Toast[]>([]);
const spoken = signal('');

export function showToast(toast: Toast): void {
    if (queue.value.some(({ text }) => text === toast.text)) return;
    queue.value = [...queue.value, toast].slice(-QUEUE_MOST);
}

export const showError = (error: unknown) => showToast({ text: wordsFor(error), isError: true });

/** Is read aloud by a screen reader, when it has time. */
export function announce(text: string): void {
    spoken.value = spoken.value === text ? `${text}\u00a0` : text;
}

const dismiss = (toast: Toast) => { queue.value = queue.value.filter((one) => one !== toast); };

export function Toasts() {
    const toast = queue.value[0];
    useEffect(() => {
        if (toast === undefined || toast.isError) return undefined;
        const timer = setTimeout(() => dismiss(toast), TOAST_MS);
        return () => clearTimeout(timer);
    }, [toast]);
    return (
        <>
            <div class="visually-hidden" role="status" aria-live="polite">{spoken.value}</div>
            <div class="toasts" role={toast?.isError ? 'alert' : 'status'}>
                {toast !== undefined && (
                    <div class="toast">
                        <span>{toast.text}</span>
                        {toast.action !== undefined && (
                            <button type="button" class="button small plain" onClick={() => {
                                dismiss(toast);
                                toast.action!.act();
                            }}>{toast.action.text}</button>
                        )}
                        <button type="button" class="button icon" aria-label={t('close')} onClick={() => dismiss(toast)}><Icon name="close" size={20} /></button>
                    </div>
                )}
            </div>
        </>
    );
}
