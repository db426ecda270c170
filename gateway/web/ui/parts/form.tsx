// Fields, buttons that wait for what they have begun, and what went wrong.
import { useSignal } from '@preact/signals';
import type { ComponentChildren, LooseInputHTMLAttributes } from 'preact';
import { useId } from 'preact/hooks';
import type { IconName } from '../icons.tsx';
import { Icon } from '../icons.tsx';
import { t } from '../i18n.ts';
import { requestIdOf, wordsFor } from '../problem.ts';

type FieldProps = Pick<LooseInputHTMLAttributes<HTMLInputElement>, 'placeholder' | 'autocomplete' | 'autocapitalize' | 'spellcheck' | 'required' | 'maxLength' | 'minLength' | 'inputMode' | 'disabled' | 'min' | 'max'> & {
    label: string;
    help?: string;
    wrong?: string | undefined;
    value: string;
    onInput: (value: string) => void;
    type?: 'text' | 'password' | 'number' | 'search' | 'datetime-local';
};

export function Field({ label, help, wrong, onInput, ...input }: FieldProps) {
    const id = useId();
    const said = wrong ?? help;
    return (
        <div class="field">
            <label for={id}>{label}</label>
            <input id={id} class="input" {...input as object} aria-invalid={wrong !== undefined} aria-describedby={said === undefined ? undefined : `${id}-help`}
                onInput={(event) => onInput(event.currentTarget.value)} />
            {said !== undefined && <span id={`${id}-help`} class={wrong === undefined ? 'help' : 'wrong'}>{said}</span>}
        </div>
    );
}

interface SelectProps {
    label: string;
    value: string;
    options: [string, string][];
    onChange: (value: string) => void;
    icon?: IconName;
    isLabelHidden?: boolean;
    disabled?: boolean;
}

export function Select({ label, value, options, onChange, icon, isLabelHidden, disabled }: SelectProps) {
    const id = useId();
    return (
        <div class="field">
            <label for={id} class={isLabelHidden ? 'visually-hidden' : undefined}>{label}</label>
            <span class="select-box">
                {icon !== undefined && <Icon name={icon} size={20} class="before" />}
                <select id={id} class="select" disabled={disabled} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
                    {options.map(([key, text]) => <option key={key} value={key} selected={key === value}>{text}</option>)}
                </select>
                <Icon name="down" size={20} />
            </span>
        </div>
    );
}

interface CheckProps {
    label: string;
    help?: string;
    checked: boolean;
    onChange: (checked: boolean) => void;
    disabled?: boolean;
}

export function Check({ label, help, checked, onChange, disabled }: CheckProps) {
    return (
        <label class="check">
            <input type="checkbox" checked={checked} disabled={disabled} onChange={(event) => onChange(event.currentTarget.checked)} />
            <span>
                {label}
                {help !== undefined && <small class="quiet">{help}</small>}
            </span>
        </label>
    );
}

/** Says what is wrong, aloud too. */
export function Wrong({ error }: { error: unknown }) {
    if (error === undefined || error === null) return null;
    const id = requestIdOf(error);
    return (
        <div class="note danger" role="alert">
            <Icon name="alert" size={20} />
            <div>
                <span>{wordsFor(error)}</span>
                {id !== undefined && <details class="small"><summary>{t('details')}</summary>{id}</details>}
            </div>
        </div>
    );
}

/** What a form or a button does: one at a time, and what it failed at. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>) {
    const isBusy = useSignal(false);
    const error = useSignal<unknown>(undefined);
    return {
        isBusy: isBusy.value,
        error: error.value,
        async run(...args: A) {
            if (isBusy.value) return;
            isBusy.value = true;
            error.value = undefined;
            try {
                await act(...args);
            } catch (fault) {
                error.value = fault;
            } finally {
                isBusy.value = false;
            }
        },
    };
}

interface FormProps {
    onSubmit: () => void;
    children: ComponentChildren;
    class?: string;
    label?: string;
}

export function Form({ onSubmit, children, class: name = 'stack', label }: FormProps) {
    return (
        <form class={name} aria-label={label} onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
        }}>
            {children}
        </form>
    );
}
