// For how long something is good that lets others in.
import { t } from '../i18n.ts';

const HOUR_MS = 3_600_000;
export const VALID_FOR = { ever: undefined, hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS, month: 30 * 24 * HOUR_MS } as const;
export type ValidFor = keyof typeof VALID_FOR;

export const validForOptions = () => (Object.keys(VALID_FOR) as ValidFor[]).map((key): [string, string] => [key, t(`validFor.${key}`)]);
