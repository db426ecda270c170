// What went wrong, in words for who reads them.
import { Problem } from '../core/api.js';
import { hasText, t } from './i18n.ts';

/** One sentence: what it was, and what to do. */
export function wordsFor(error: unknown): string {
    if (!(error instanceof Problem)) return t('problem.unknown');
    const key = `problem.${error.code}`;
    if (hasText(key)) return t(key);
    if (error.status === 0) return t('problem.network');
    if (error.isPassing) return t('problem.busy');
    return error.message === '' ? t('problem.unknown') : error.message;
}

/** What is said of one field of a form: by its JSON pointer. */
export function fieldProblem(error: unknown, pointer: string): string | undefined {
    return error instanceof Problem ? error.errors.find((one) => one.pointer === pointer)?.detail : undefined;
}

export const requestIdOf = (error: unknown) => (error instanceof Problem ? error.requestId : undefined);
