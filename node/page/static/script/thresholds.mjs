// Thresholds as values: what a slider means, and the text of the setting. Pure. They never
// decrease with the number of views seen, which is the node's rule; what would break it is
// moved along.

/** The thresholds in force as {exit: [by views seen]}. */
export function valuesOf(thresholds) {
  const out = {};
  for (const { exit, bySeen } of thresholds?.exits ?? []) {
    if ((exit === 'local' || exit === 'edge') && bySeen?.length > 0) out[exit] = bySeen.map(Number);
  }
  return out;
}

/** The key of the setting. */
export function keyOf(thresholds) { return `thresholds/${thresholds.bundle}`; }

/** The setting's text: local=0.41,0.5;edge=0.7. */
export function textOf(values) {
  return ['local', 'edge'].filter((exit) => values[exit]).map((exit) => `${exit}=${values[exit].join(',')}`).join(';');
}

/** The values as the API's message. */
export function messageOf(values) {
  return { exits: Object.entries(values).map(([exit, bySeen]) => ({ exit, bySeen })) };
}

/** Whether two are the same. */
export function equal(a, b) { return textOf(a) === textOf(b); }

/** A number of a field, in [0, 1] and with at most four digits; NaN if it is none. */
export function rounded(value) {
  const v = typeof value === 'string' && value.trim() === '' ? NaN : Number(value);
  return Number.isFinite(v) ? Math.round(Math.min(1, Math.max(0, v)) * 1e4) / 1e4 : NaN;
}

/** The thresholds of one exit after its slider was moved. The slider stands where all views
 * are seen; the others keep their share of it, so that fewer views stay as careful. */
export function slid(bySeen, value) {
  const last = bySeen.at(-1);
  return bySeen.map((t, i) => (i === bySeen.length - 1 || !(last > 0) ? value : rounded((t * value) / last)));
}

/** The thresholds of one exit after one value was set; fewer views are not above it, more not
 * below. */
export function set(bySeen, index, value) {
  return bySeen.map((t, i) => (i === index ? value : i < index ? Math.min(t, value) : Math.max(t, value)));
}

/** What a rehearsal says, in rows of {name, before, after} of numbers, and sentences. */
export function rehearsed(answer) {
  const sum = (of, part) => (of?.exits ?? []).reduce((n, x) => n + Number(x[part] ?? 0), 0);
  const share = (of, exit) => {
    const total = sum(of, 'count');
    return total > 0 ? Number(of.exits.find((x) => x.exit === exit)?.count ?? 0) / total : NaN;
  };
  const accuracy = (of) => (sum(of, 'labelled') > 0 ? sum(of, 'right') / sum(of, 'labelled') : NaN);
  const each = (of) => (sum(of, 'count') > 0 ? Number(of?.payloadBytes ?? 0) / sum(of, 'count') : NaN);
  const exits = ['local', 'edge', 'cloud', 'none'].filter((e) => [answer.before, answer.after].some((of) => of?.exits?.some((x) => x.exit === e)));
  const rows = exits.map((exit) => ({ name: `answered by ${exit}`, kind: 'share', before: share(answer.before, exit), after: share(answer.after, exit) }));
  rows.push({ name: 'right', kind: 'share', before: accuracy(answer.before), after: accuracy(answer.after) });
  rows.push({ name: 'payload of each', kind: 'bytes', before: each(answer.before), after: each(answer.after) });
  return { rows, samples: Number(answer.samples ?? 0), unknown: Number(answer.unknown ?? 0), changed: Number(answer.changed ?? 0) };
}
