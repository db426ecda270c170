// A meeting as an event of a calendar (RFC 5545).

export interface CalendarEvent {
    /** The same for the same meeting at the same time: it is put into a calendar once. */
    uid: string;
    title: string;
    text: string;
    url: string;
    begin: Date;
    minutes: number;
}

const stamp = (time: Date) => time.toISOString().replace(/[-:]|\.\d+/g, '');

const escaped = (text: string) => text.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n');

/** No line has more than 75 bytes; one that goes on begins with a space. */
function folded(line: string): string {
    const encoder = new TextEncoder();
    const lines = [''];
    let bytes = 0;
    for (const letter of line) {
        const size = encoder.encode(letter).length;
        if (bytes + size > 75) {
            lines.push(' ');
            bytes = 1;
        }
        lines[lines.length - 1] += letter;
        bytes += size;
    }
    return lines.join('\r\n');
}

export function calendarFile(event: CalendarEvent, now: Date): string {
    const end = new Date(event.begin.getTime() + event.minutes * 60_000);
    const lines = [
        'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Lynks//Lynks//EN', 'BEGIN:VEVENT',
        `UID:${escaped(event.uid)}`, `DTSTAMP:${stamp(now)}`, `DTSTART:${stamp(event.begin)}`, `DTEND:${stamp(end)}`,
        `SUMMARY:${escaped(event.title)}`, `DESCRIPTION:${escaped(event.text)}`, `LOCATION:${escaped(event.url)}`, `URL:${event.url}`,
        'END:VEVENT', 'END:VCALENDAR',
    ];
    return lines.map((line) => `${folded(line)}\r\n`).join('');
}
