// Axes: where their marks stand, and what they say. Pure.

/** The marks of a linear axis from 0 that reaches most, at most so many: 0, 5, 10. */
export function linearMarks(most, count = 4) {
  if (!(most > 0)) return [0, 1];
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough * 0.999);
  const marks = [];
  for (let i = 0; i * step < most + step * 0.999; i++) marks.push(Number((i * step).toPrecision(6)));
  return marks;
}

/** The marks of a logarithmic axis that holds least and most: powers of ten. */
export function logMarks(least, most) {
  if (!(least > 0) || !(most >= least)) return [1, 10];
  const from = Math.floor(Math.log10(least) + 1e-9);
  let to = Math.ceil(Math.log10(most) - 1e-9);
  if (to <= from) to = from + 1;
  const marks = [];
  for (let p = from; p <= to; p++) marks.push(Number((10 ** p).toPrecision(6)));
  return marks;
}

/** Where a value stands on an axis, 0 to 1. */
export function position(value, marks, logarithmic) {
  const [low, high] = [marks[0], marks.at(-1)];
  const share = logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.min(1, Math.max(0, share));
}

/** The bins of a stretch in steps: so many of them in one, that a line has as many points as a
 * small chart can show. Steps begin at multiples, so that points do not dance. Returns
 * [{from, bins}], from in seconds. */
export function inSteps(seconds, from, to, most = 90) {
  const step = Math.max(1, Math.ceil((to - from) / most));
  const out = [];
  for (let s = Math.ceil(from / step) * step; s + step <= to; s += step) out.push({ from: s, step, bins: seconds.between(s, s + step).filter(Boolean) });
  return out;
}
