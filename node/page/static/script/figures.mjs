// Counts of verdicts by the second, and what follows from them: rates, shares, percentiles.
// Pure: time is an argument, in seconds.

/** The exits, in the order in which they are drawn. */
export const exits = ['local', 'edge', 'cloud', 'none', 'refused'];

const firstBucket = 0.25; // ms: the upper end of bucket 0; each next has twice that

/** The latency below which that share of the counted verdicts are, in ms. Within a bucket it
 * is interpolated on the scale of the buckets, logarithmic. NaN where there are none. */
export function percentile(buckets, share) {
  const total = buckets.reduce((sum, n) => sum + n, 0);
  if (total === 0) return NaN;
  const wanted = share * total;
  let below = 0;
  for (let i = 0; i < buckets.length; i++) {
    if (buckets[i] > 0 && below + buckets[i] >= wanted) {
      const within = (wanted - below) / buckets[i];
      const upper = firstBucket * 2 ** i;
      if (i === 0) return upper * within;
      return (upper / 2) * 2 ** within;
    }
    below += buckets[i];
  }
  return firstBucket * 2 ** (buckets.length - 1);
}

function emptyExit() { return { count: 0, labelled: 0, right: 0, latencies: [] }; }

/** What one second, or several, have. */
export function emptyBin(at) {
  return { at, overMs: 0, exits: {}, hops: {}, missing: 0, early: 0, superseded: 0 };
}

/** Adds the Figures of an answer, as JSON, to a bin. The time that they cover is added by who
 * knows of answers without figures too. */
export function add(bin, figures) {
  bin.missing += Number(figures.viewsMissing ?? 0);
  bin.early += Number(figures.stoppedEarly ?? 0);
  bin.superseded += Number(figures.superseded ?? 0);
  for (const one of figures.exits ?? []) {
    const exit = exits.includes(one.exit) ? one.exit : 'none';
    addExit(bin.exits[exit] ??= emptyExit(), {
      count: Number(one.count ?? 0), labelled: Number(one.labelled ?? 0), right: Number(one.right ?? 0), latencies: one.latencies ?? [],
    });
  }
  for (const { hop, bytes } of figures.payloadBytes ?? []) {
    if (hop in bin.hops || Object.keys(bin.hops).length < 8) bin.hops[hop] = (bin.hops[hop] ?? 0) + Number(bytes ?? 0);
  }
}

function addExit(to, of) {
  to.count += of.count;
  to.labelled += of.labelled;
  to.right += of.right;
  for (let i = 0; i < of.latencies.length && i < 40; i++) to.latencies[i] = (to.latencies[i] ?? 0) + of.latencies[i];
}

/** One bin of several. */
export function merged(bins) {
  const out = emptyBin(bins.length > 0 ? bins[0].at : 0);
  for (const bin of bins) {
    out.overMs += bin.overMs;
    out.missing += bin.missing;
    out.early += bin.early;
    out.superseded += bin.superseded;
    for (const exit of Object.keys(bin.exits)) addExit(out.exits[exit] ??= emptyExit(), bin.exits[exit]);
    for (const hop of Object.keys(bin.hops)) out.hops[hop] = (out.hops[hop] ?? 0) + bin.hops[hop];
  }
  return out;
}

/** What follows from a bin. What cannot be told is NaN. */
export function summary(bin) {
  const of = Object.entries(bin.exits);
  const total = of.reduce((sum, [, x]) => sum + x.count, 0);
  const labelled = of.reduce((sum, [, x]) => sum + x.labelled, 0);
  const right = of.reduce((sum, [, x]) => sum + x.right, 0);
  const seconds = bin.overMs / 1000;
  const all = [];
  for (const [exit, x] of of) if (exit !== 'refused') addExit({ count: 0, labelled: 0, right: 0, latencies: all }, x);
  const payload = Object.values(bin.hops).reduce((sum, n) => sum + n, 0);
  return {
    total,
    rate: seconds > 0 ? total / seconds : NaN,
    share: (exit) => (total > 0 ? (bin.exits[exit]?.count ?? 0) / total : NaN),
    accuracy: labelled > 0 ? right / labelled : NaN,
    labelled,
    latency: (share, exit) => percentile(exit ? bin.exits[exit]?.latencies ?? [] : all, share),
    bytesPerSecond: (hop) => (seconds > 0 ? (bin.hops[hop] ?? 0) / seconds : NaN),
    bytesPerVerdict: total > 0 ? payload / total : NaN,
    missingShare: total > 0 ? bin.missing / total : NaN,
  };
}

/** The last seconds, each with its bin: a ring that never grows. */
export class Seconds {
  #bins;

  constructor(size) { this.#bins = new Array(size).fill(null); }

  get size() { return this.#bins.length; }

  /** The bin of a second, made where there is none. */
  at(second) {
    const i = second % this.#bins.length;
    if (this.#bins[i]?.at !== second) this.#bins[i] = emptyBin(second);
    return this.#bins[i];
  }

  /** The bins from a second to the one before another, the empty ones as null. */
  between(from, to) {
    const out = [];
    for (let s = Math.max(from, to - this.#bins.length); s < to; s++) {
      const bin = s < 0 ? null : this.#bins[s % this.#bins.length];
      out.push(bin?.at === s && bin.overMs > 0 ? bin : null);
    }
    return out;
  }

  /** The bins that have something, of the seconds before one. */
  last(seconds, to) { return this.between(to - seconds, to).filter(Boolean); }
}
