// What the browser counts of the connection that watches, taken once a second: the network as a whole, and each picture.
import type { Sample } from './quality.ts';

interface Counted {
    packetsReceived?: number;
    packetsLost?: number;
    totalFreezesDuration?: number;
    jitterBufferDelay?: number;
    jitterBufferEmittedCount?: number;
    framesPerSecond?: number;
    kind?: string;
    mid?: string;
    type: string;
    id: string;
}

export interface PictureStatistics { mid: string; framesPerSecond: number; isPoor: boolean }
export interface Measured { sample: Sample; pictures: PictureStatistics[] }

export class Statistics {
    #before = new Map<string, Counted>();
    #leastDelay = Infinity;

    /** @param report of getStats: differences to the one before count */
    take(report: Iterable<Counted>): Measured {
        const all = [...report].filter(({ type }) => type === 'inbound-rtp');
        const sample: Sample = { received: 0, lost: 0, frozen: 0, delay: 0 };
        const pictures: PictureStatistics[] = [];
        for (const now of all) {
            const before = this.#before.get(now.id);
            if (before === undefined) continue;
            const grown = (name: 'packetsReceived' | 'packetsLost' | 'totalFreezesDuration' | 'jitterBufferDelay' | 'jitterBufferEmittedCount') =>
                Math.max(0, (now[name] ?? 0) - (before[name] ?? 0));
            const received = grown('packetsReceived');
            const lost = grown('packetsLost');
            sample.received += received;
            sample.lost += lost;
            if (now.kind === 'video') {
                const frozen = grown('totalFreezesDuration');
                sample.frozen = Math.max(sample.frozen, frozen);
                pictures.push({
                    mid: now.mid ?? '',
                    framesPerSecond: now.framesPerSecond ?? 0,
                    isPoor: frozen > 0.3 || (received + lost >= 10 && lost / (received + lost) > 0.05),
                });
            } else {
                const emitted = grown('jitterBufferEmittedCount');
                if (emitted > 0) sample.delay = Math.max(sample.delay, this.#above(grown('jitterBufferDelay') / emitted));
            }
        }
        this.#before = new Map(all.map((one) => [one.id, one]));
        return { sample, pictures };
    }

    #above(delay: number): number {
        this.#leastDelay = Math.min(this.#leastDelay, delay);
        return delay - this.#leastDelay;
    }
}
