// Light, dark, or as the system is.
import { signal } from '@preact/signals';
import { keep, kept } from './kept.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const isTheme = (name: string | undefined): name is Theme => (THEMES as readonly (string | undefined)[]).includes(name);
const first = kept('theme');

export const theme = signal<Theme>(isTheme(first) ? first : 'system');

export function applyTheme(): void {
    if (theme.value === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
}

export function setTheme(name: Theme): void {
    theme.value = name;
    keep('theme', name);
    applyTheme();
}
