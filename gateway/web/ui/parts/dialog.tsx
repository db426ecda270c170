// A dialog over the page, a menu at a button.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import type { IconName } from '../icons.tsx';
import { Icon } from '../icons.tsx';
import { t } from '../i18n.ts';
import { Toasts } from './toasts.tsx';

interface DialogProps {
    title: string;
    onClose: () => void;
    children: ComponentChildren;
}

/** The browser keeps the focus in it, and gives it back. */
export function Dialog({ title, onClose, children }: DialogProps) {
    const dialog = useRef<HTMLDialogElement>(null);
    const id = useId();
    useEffect(() => {
        dialog.current?.showModal();
    }, []);
    return (
        <dialog ref={dialog} aria-labelledby={id} onClose={onClose} onClick={(event) => {
            if (event.target === dialog.current) dialog.current?.close();
        }}>
            <div class="stack">
                <div class="row between">
                    <h2 id={id}>{title}</h2>
                    <button type="button" class="button icon" aria-label={t('close')} onClick={() => dialog.current?.close()}><Icon name="close" /></button>
                </div>
                {children}
            </div>
            <Toasts />
        </dialog>
    );
}

interface ConfirmProps {
    title: string;
    text: string;
    action: string;
    onConfirm: () => void;
    onClose: () => void;
}

export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps) {
    return (
        <Dialog title={title} onClose={onClose}>
            <p>{text}</p>
            <div class="row">
                <button type="button" class="button danger" onClick={() => {
                    onConfirm();
                    onClose(); // afterwards: it may forget what was asked
                }}>{action}</button>
                <button type="button" class="button" onClick={onClose}>{t('cancel')}</button>
            </div>
        </Dialog>
    );
}

export interface MenuItem {
    text: string;
    icon?: IconName;
    isDanger?: boolean;
    /** For something that is on or off. */
    isOn?: boolean;
    act: () => void;
}

interface MenuProps {
    label: string;
    items: (MenuItem | false | undefined)[];
    class?: string;
    opensUp?: boolean;
    children?: ComponentChildren;
}

/** Arrows go through it, Escape closes it. */
export function Menu({ label, items, class: name = 'button icon', opensUp, children }: MenuProps) {
    const isOpen = useSignal(false);
    const isUp = useSignal(false);
    const box = useRef<HTMLDivElement>(null);
    const opener = useRef<HTMLButtonElement>(null);
    const shown = items.filter((item): item is MenuItem => item !== false && item !== undefined);

    useEffect(() => {
        if (!isOpen.value) return undefined;
        box.current?.querySelector<HTMLElement>('[role^=menuitem]')?.focus();
        const closeOutside = (event: Event) => {
            if (!box.current?.contains(event.target as Node)) isOpen.value = false;
        };
        document.addEventListener('pointerdown', closeOutside);
        return () => document.removeEventListener('pointerdown', closeOutside);
    }, [isOpen.value]);

    // Where it would go below what is seen, and there is room above it.
    useLayoutEffect(() => {
        if (!isOpen.value) return;
        const { bottom, height } = box.current!.querySelector('.menu-list')!.getBoundingClientRect();
        isUp.value = opensUp === true || (bottom > innerHeight && opener.current!.getBoundingClientRect().top > height);
    }, [isOpen.value]);

    const onKey = (event: KeyboardEvent) => {
        if (!isOpen.value) return;
        if (event.key === 'Escape') {
            event.stopPropagation();
            isOpen.value = false;
            opener.current?.focus();
        }
        if (event.key === 'Tab') isOpen.value = false;
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        const all = [...box.current!.querySelectorAll<HTMLElement>('[role^=menuitem]')];
        const at = all.indexOf(document.activeElement as HTMLElement);
        all[(at + step + all.length) % all.length]?.focus();
    };

    return (
        <div class="menu" ref={box} onKeyDown={onKey}>
            <button type="button" ref={opener} class={name} aria-label={label} title={label} aria-haspopup="menu" aria-expanded={isOpen.value}
                onClick={() => {
                    isUp.value = opensUp === true;
                    isOpen.value = !isOpen.value;
                }}>
                {children ?? <Icon name="more" />}
            </button>
            {isOpen.value && (
                <div class={`menu-list${isUp.value ? ' up' : ''}`} role="menu" aria-label={label}>
                    {shown.map((item) => (
                        <button key={item.text} type="button" role={item.isOn === undefined ? 'menuitem' : 'menuitemcheckbox'} aria-checked={item.isOn}
                            class={item.isDanger ? 'danger' : undefined} tabIndex={-1} onClick={() => {
                                isOpen.value = false;
                                opener.current?.focus();
                                item.act();
                            }}>
                            {item.icon !== undefined && <Icon name={item.isOn ? 'check' : item.icon} size={20} />}
                            {item.text}
                        </button>
                    ))}
                </div>
            )}
        </div>
    );
}
