// Times as a field of the kind datetime-local has them: of the clock on the wall, without a zone.

const two = (number: number) => String(number).padStart(2, '0');

export const localInput = (time: Date) => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
    + `T${two(time.getHours())}:${two(time.getMinutes())}`;

/** What the API takes; undefined where the field has no whole time. */
export function timeOfInput(text: string): string | undefined {
    const time = new Date(text);
    return text === '' || Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** The next full hour that is not closer than a quarter of one. */
export function nextHour(now: Date): Date {
    const time = new Date(now.getTime() + 15 * 60_000 + 3_599_999);
    time.setMinutes(0, 0, 0);
    return time;
}
