// Words in the language of the browser, or the one that was picked. Texts are in lang/, one file a language with the same keys; what
// depends on a number has a text for each plural form of the language.
import { signal } from '@preact/signals';
import en from '../lang/en.json';
import { keep, kept } from './kept.ts';

type Text = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Key = Extract<keyof typeof en, string>;
type Texts = Record<Key, Text>;
type Values = Record<string, string | number>;

export const LANGUAGES = { en: 'English', de: 'Deutsch', fr: 'Français' } as const;
export type Language = keyof typeof LANGUAGES;

const LOADERS: Record<Language, () => Promise<{ default: unknown }>> = {
    en: () => Promise.resolve({ default: en }),
    de: () => import('../lang/de.json'),
    fr: () => import('../lang/fr.json'),
};

const texts = signal<Texts>(en);
export const language = signal<Language>('en');

const isLanguage = (code: string): code is Language => code in LANGUAGES;

/** That which was picked, else the first of the browser's that there is. */
export function preferredLanguage(): Language {
    const wanted = [kept('language') ?? '', ...navigator.languages].map((tag) => tag.split('-')[0]!.toLowerCase());
    return wanted.find(isLanguage) ?? 'en';
}

export async function setLanguage(code: Language, isPicked = false): Promise<void> {
    texts.value = (await LOADERS[code]()).default as Texts;
    language.value = code;
    document.documentElement.lang = code;
    if (isPicked) keep('language', code);
}

/** The text, with {name} in it replaced by what values has of that name. `count` picks the plural form. */
export function t(key: Key, values: Values = {}): string {
    const text = texts.value[key];
    const form = typeof text === 'string' ? text : text[plural(values.count)] ?? text.other ?? '';
    return form.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? shown(values[name]!) : whole));
}

function plural(count: string | number | undefined): Intl.LDMLPluralRule {
    return new Intl.PluralRules(language.value).select(Number(count ?? 0));
}

/** The language as the browser has it, with its country: dates are written as they are there. */
const locale = () => navigator.languages.find((tag) => tag.split('-')[0]!.toLowerCase() === language.value) ?? language.value;

export const numberText = (value: number) => new Intl.NumberFormat(locale()).format(value);

const shown = (value: string | number) => (typeof value === 'number' ? numberText(value) : value);

/** Whether a text of that name is there: for codes of problems, of which some have words of their own. */
export const hasText = (key: string): key is Key => key in en;

export const timeOfDay = (when: string | number) =>
    new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit' }).format(new Date(when));

export const dateAndTime = (when: string) =>
    new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(when));

/** Of what is of today mostly: then without the date. */
export const recentTime = (when: string) =>
    (new Date(when).toDateString() === new Date().toDateString() ? timeOfDay(when) : dateAndTime(when));
