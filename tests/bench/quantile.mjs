/// The value below which this part of all is; part: 0 to 1. NaN: there are none.
export const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(part * values.length))] ?? NaN;
export const median = (values) => quantile(values, 0.5);
