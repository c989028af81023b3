// A verdict in sentences: what was answered, where, and why there. Pure.

import { bytes, count, duration, fromNs, listed, percent, plain } from './format.mjs';

/** An entropy or a threshold, as both are shown: two digits, three where two would lie about
 * which is larger. */
export function against(entropy, threshold) {
  for (let digits = 2; digits <= 6; digits++) {
    const [e, t] = [entropy.toFixed(digits), threshold.toFixed(digits)];
    if (e !== t || entropy === threshold) return [e, t];
  }
  return [String(entropy), String(threshold)];
}

/** Whether this proposal was sure enough. */
export function sure(proposal) { return (proposal.entropy ?? 0) <= (proposal.threshold ?? 0); }

/** "entropy 0.12 ≤ 0.80", or ">" . */
export function comparison(proposal) {
  const [e, t] = against(proposal.entropy ?? 0, proposal.threshold ?? 0);
  return `entropy ${e} ${sure(proposal) ? '≤' : '>'} ${t}`;
}

/** The proposal that answered; undefined where there is none. */
export function answering(verdict) {
  const at = verdict.answered ?? 0; // protojson leaves out zeros
  return at >= 0 ? verdict.proposals?.[at] : undefined;
}

/** The name of an exit of a proposal: with its group where several groups propose. */
export function exitName(proposal, proposals = []) {
  const several = proposals.some((p) => p.exit === proposal.exit && (p.group ?? 0) !== (proposal.group ?? 0));
  return several ? `${proposal.exit} ${proposal.group ?? 0}` : String(proposal.exit);
}

/** Why the sample was answered where it was, in one sentence. */
export function why(verdict) {
  const proposals = verdict.proposals ?? [];
  if (verdict.exit === 'refused') return 'refused: every device was full';
  const answer = answering(verdict);
  if (verdict.exit === 'none' || !answer) {
    const missing = verdict.missing?.length ?? 0;
    return missing > 0
      ? `nothing to answer: ${missing === 1 ? 'one view was' : `${missing} views were`} missing, the others saw nothing`
      : 'nothing to answer: no view saw anything';
  }
  const below = proposals.slice(0, verdict.answered ?? 0).filter((p) => !sure(p));
  if (verdict.stoppedEarly) {
    return `${exitName(answer, proposals)}: ${comparison(answer)}, but the tier above was silent`;
  }
  if (below.length === 0) return `${exitName(answer, proposals)}: ${comparison(answer)}`;
  const doubts = below.map((p) => `${exitName(p, proposals)} was not sure (${comparison(p)})`).join(', ');
  return `${exitName(answer, proposals)}: ${doubts}`;
}

/** What each view did: {view, what: seen|nothing|missing, reason}, in the order of the
 * bundle's views. */
export function views(verdict, order = []) {
  const of = new Map();
  for (const view of verdict.seen ?? []) of.set(view, { view, what: 'seen', used: (verdict.used ?? []).includes(view) });
  for (const view of verdict.nothing ?? []) of.set(view, { view, what: 'nothing' });
  for (const { view, reason } of verdict.missing ?? []) of.set(view, { view, what: 'missing', reason });
  const known = order.filter((view) => of.has(view)).map((view) => of.get(view));
  const others = [...of.keys()].filter((view) => !order.includes(view)).sort().map((view) => of.get(view));
  return [...known, ...others];
}

/** A view of a verdict, in words. */
export function viewText({ view, what, reason }) {
  const name = plain(view, 60);
  switch (what) {
    case 'seen': return `view ${name}: seen`;
    case 'nothing': return `view ${name}: nothing in view`;
    default: return `view ${name}: missing${reason ? `, ${plain(reason, 80)}` : ''}`;
  }
}

/** Whether the answer is the label: "right", "wrong", or "" where no label is known. */
export function judged(verdict) {
  if (!verdict.label || verdict.exit === 'none' || verdict.exit === 'refused') return '';
  return verdict.class === verdict.label ? 'right' : 'wrong';
}

/** The name of a sample, as short as it stays clear. */
export function sampleName(verdict) {
  if (verdict.beat !== undefined) return `beat ${verdict.beat}`;
  return `request ${plain(String(verdict.sample ?? '').split('/').at(-1), 20)}`;
}

/** A whole verdict in a sentence, for who listens instead of looking. */
export function spoken(verdict) {
  const parts = [`${sampleName(verdict)}: ${verdict.class ? plain(verdict.class, 60) : 'no class'}`];
  const is = judged(verdict);
  if (is === 'right') parts.push('as labelled');
  if (is === 'wrong') parts.push(`but labelled ${plain(verdict.label, 60)}`);
  parts.push(why(verdict));
  const of = views(verdict);
  const missing = of.filter((v) => v.what === 'missing');
  parts.push(`${count(of.filter((v) => v.what === 'seen').length, 'view')} seen`);
  if (missing.length > 0) parts.push(`missing ${listed(missing.map((v) => (v.reason ? `${v.view} (${v.reason})` : v.view)), 4)}`);
  if (verdict.supersededBy) parts.push('superseded');
  return parts.join(', ');
}

/** Everything else that a verdict tells, as pairs of a name and a text. */
export function particulars(verdict) {
  const rows = [['sample', plain(verdict.sample)]];
  if (verdict.ref !== undefined) rows.push(['element of the data set', String(verdict.ref)]);
  rows.push(['latency', `${duration(fromNs(verdict.latencyNs))}, on the holder's clock`]);
  if (verdict.sinceBeatNs !== undefined) rows.push(['since its beat', duration(fromNs(verdict.sinceBeatNs))]);
  const hops = (verdict.payloadBytes ?? []).map((h) => `${plain(h.hop, 40)} ${bytes(Number(h.bytes ?? 0))}`);
  rows.push(['payload', hops.length > 0 ? hops.join(', ') : 'none']);
  rows.push(['decided by', plain(verdict.holder)]);
  if (verdict.aggregators?.length > 0) rows.push(['aggregated by', listed(verdict.aggregators.map((n) => n || '(nobody)'), 8)]);
  if (verdict.cloud) rows.push(['cloud', plain(verdict.cloud)]);
  if (verdict.epoch) rows.push(['epoch', `${verdict.epoch.counter ?? 0}, claimed by ${plain(verdict.epoch.peer)}`]);
  rows.push(['number in the log', plain(verdict.seq)]);
  rows.push(['bundle', `${plain(verdict.bundle)}${verdict.syntheticModel ? ' (trained on rendered pictures)' : ''}`]);
  rows.push(['thresholds', Number(verdict.settings ?? 0) === 0 ? "the bundle's own" : 'set in the mesh']);
  if (verdict.supersededBy) rows.push(['superseded by', plain(verdict.supersededBy)]);
  if (verdict.alone) rows.push(['answered alone', plain(verdict.alone)]);
  rows.push(['hash', plain(verdict.hash)]);
  return rows;
}

/** The probabilities by class, the likeliest first: {name, p, text}. */
export function probabilities(verdict, classes) {
  return (verdict.probabilities ?? [])
    .map((p, i) => ({ name: plain(classes[i] ?? `class ${i}`, 60), p, text: percent(p) }))
    .sort((a, b) => b.p - a.p);
}
