// How much is wanted of the others while the network is bad: a pure function of what was measured of the connection that watches. It
// goes down at once and by steps, and up one step after a time without faults, longer each time that this was in vain.

/** 0 all, 1 small pictures, 2 one picture, 3 sound only */
export type Step = 0 | 1 | 2 | 3;

/** What one interval of a second showed. */
export interface Sample {
    received: number;
    lost: number;
    /** Seconds for which the picture that fared worst stood still. */
    frozen: number;
    /** How much longer sound waited than at best, in s: it queues where the line is full. */
    delay: number;
}

export interface Quality {
    step: Step;
    /** Seconds on end without, and with, a fault. */
    good: number;
    bad: number;
    /** After how many good seconds it is tried to get more. */
    patience: number;
    /** Seconds since the step was entered. */
    age: number;
}

const PATIENCE = 15;
const PATIENCE_MOST = 120;
/** A step takes so long to be felt, and pictures stand still when their layer changes: no other step before. */
const SETTLES = 4;

export const wholeQuality: Quality = { step: 0, good: 0, bad: 0, patience: PATIENCE, age: 0 };

/** So much is lost that less has to be sent. */
export const isLossy = ({ received, lost }: Sample) => received + lost >= 20 && lost / (received + lost) > 0.05;

/** Pictures stand still or sound queues: by the network, or by a machine that cannot show so many. */
export const isStrained = ({ frozen, delay }: Sample) => frozen > 0.5 || delay > 0.4;

/** One second later. */
export function nextQuality(quality: Quality, sample: Sample): Quality {
    // Smaller pictures help against both; taking them away altogether is for the network alone.
    const bad = isLossy(sample) || (isStrained(sample) && quality.step === 0);
    const next = { ...quality, age: quality.age + 1, good: bad ? 0 : quality.good + 1, bad: bad ? quality.bad + 1 : 0 };
    if (bad && next.bad >= 2 && next.age >= SETTLES && quality.step < 3) return lowered(next);
    if (!bad && quality.step > 0 && next.good >= quality.patience) return { ...next, step: (quality.step - 1) as Step, good: 0, age: 0 };
    return next;
}

/** Who fell back soon after getting more waits for longer next time. */
function lowered(quality: Quality): Quality {
    const wasInVain = quality.age < quality.patience;
    return {
        step: (quality.step + 1) as Step,
        good: 0,
        bad: 0,
        age: 0,
        patience: wasInVain && quality.step < 3 ? Math.min(PATIENCE_MOST, quality.patience * 1.5) : PATIENCE,
    };
}
