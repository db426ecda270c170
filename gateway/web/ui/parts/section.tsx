// A part of a page of settings: a heading, a word about it, and what can be done.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface SectionProps {
    title: string;
    text?: string;
    /** Stands beside the heading. */
    action?: ComponentChildren;
    children?: ComponentChildren;
}

export function Section({ title, text, action, children }: SectionProps) {
    const id = useId();
    return (
        <section class="card stack" aria-labelledby={id}>
            <div class="row between">
                <h2 id={id}>{title}</h2>
                {action}
            </div>
            {text !== undefined && <p class="quiet">{text}</p>}
            {children}
        </section>
    );
}
