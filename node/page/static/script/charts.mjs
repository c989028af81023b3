// The charts over the last minutes: what each shows, its legend with the present figures, and
// when they are drawn anew: once a second.

import { colour } from './colours.mjs';
import { byId, el, setAttribute, setText } from './dom.mjs';
import { exits, merged, summary } from './figures.mjs';
import { bytes, duration, number, percent, plain } from './format.mjs';
import { Plot } from './plot.mjs';
import { inSteps, linearMarks, logMarks } from './scale.mjs';

const hopTones = { 'device-local': 'scores', 'device-edge': 'edge', 'device-cloud': 'features', 'edge-cloud': 'quiet' };
const linkTones = ['local', 'cloud', 'edge'];

const measuredAfter = 8; // s after the first figures of links, by when a second gives their rates

/** What is charted. lines makes [{name, tone, values, now}] of the steps; none says why there are
 * none, once that is known. */
const charts = [
  {
    id: 'rate', title: 'Answers a second, by exit', stacked: true, text: number,
    lines: (steps, has) => has.exits.map((exit) => line(exit, exit, steps, (s) => s.rate * s.share(exit), number)),
  },
  {
    id: 'shares', title: 'Share of each exit', stacked: true, text: (v) => `${Math.round(v * 100)} %`, marks: () => [0, 0.25, 0.5, 0.75, 1],
    lines: (steps, has) => has.exits.map((exit) => line(exit, exit, steps, (s) => s.share(exit), percent)),
  },
  {
    id: 'latency', title: 'Time to an answer', text: duration, logarithmic: true,
    lines: (steps, has) => has.exits.filter((e) => e !== 'none' && e !== 'refused').flatMap((exit) => [
      line(`${exit}, half`, exit, steps, (s) => s.latency(0.5, exit), duration, 0),
      line(`${exit}, 99 %`, exit, steps, (s) => s.latency(0.99, exit), duration, 1),
    ]),
  },
  {
    id: 'hops', title: 'Payload a second, by hop', stacked: true, text: bytes,
    lines: (steps, has) => has.hops.map((hop) => line(plain(hop, 30), Object.hasOwn(hopTones, hop) ? hopTones[hop] : 'none', steps, (s) => s.bytesPerSecond(hop), bytes)),
  },
  {
    id: 'accuracy', title: 'Right, where labels are known', text: (v) => `${Math.round(v * 1000) / 10} %`,
    marks: (least) => (least >= 0.9 ? [0.9, 0.95, 1] : least >= 0.5 ? [0.5, 0.75, 1] : [0, 0.25, 0.5, 0.75, 1]),
    lines: (steps) => [line('right', 'local', steps, (s) => s.accuracy, percent)],
    none: (has) => (has.exits.length > 0 ? 'no labels: live cameras have none' : ''),
  },
  {
    id: 'links', title: "Bytes a second on this node's links", text: bytes, none: (has) => (has.noted > measuredAfter ? 'no link to another node' : ''),
    lines: null, // from the links, not from verdicts
  },
];

function line(name, tone, steps, value, text, dash) {
  const values = steps.map((step) => (step.summary ? value(step.summary) : NaN));
  return { name, tone, values, text, dash, now: lately(values) };
}

/** The last value that is known, of the last few. */
function lately(values) { return values.slice(-4).findLast(Number.isFinite) ?? NaN; }

export class Charts {
  #model;
  #of = new Map(); // id to {plot, key, canvas}
  #span = byId('span');
  #links = []; // {at, rates: Map of peer to bytes a second}, a ring by the second
  #summaries = new Map(); // of the steps that were drawn: by when they begin and how long they are
  #visible = true;
  #born = Date.now() / 1000;
  #noted = NaN; // when the links were noted first, in s

  constructor(model, redraw) {
    this.#model = model;
    for (const { id, title } of charts) {
      const canvas = el('canvas', { role: 'img', 'aria-label': title });
      const key = el('ul', { class: 'key' });
      byId('charts').append(el('figure', { class: 'chart', id: `chart-${id}` }, el('h3', {}, title), canvas, el('figcaption', {}, key)));
      this.#of.set(id, { canvas, key, plot: new Plot(canvas, redraw) });
    }
    this.#span.addEventListener('change', redraw);
    new IntersectionObserver(([entry]) => {
      this.#visible = entry.isIntersecting;
      if (this.#visible) redraw();
    }, { rootMargin: '200px' }).observe(byId('charts'));
  }

  /** Notes what the links carry. */
  noteLinks(now) {
    if (Number.isNaN(this.#noted)) this.#noted = now / 1000;
    const rates = new Map();
    for (const [peer, l] of this.#model.links) if (Number.isFinite(l.sentRate)) rates.set(peer, l.sentRate + l.receivedRate);
    const busiest = [...rates].sort((a, b) => b[1] - a[1]);
    const kept = new Map(busiest.slice(0, 12));
    kept.set('', busiest.slice(12).reduce((sum, [, n]) => sum + n, 0));
    this.#links.push({ at: now / 1000, rates: kept });
    while (this.#links.length > this.#model.seconds.size) this.#links.shift();
  }

  /** Draws all of them, a canvas in a frame, for what is on it is painted in that frame too; at
   * the end all that is written beside them, which is painted with the rest of the page. */
  * draw() {
    if (!this.#visible) return;
    const now = this.#model.lastAt / 1000;
    const span = this.#stretch(now);
    const to = Math.floor(now);
    const steps = inSteps(this.#model.seconds, to - span, to);
    this.#summarise(steps);
    const bins = steps.flatMap((s) => s.bins);
    const hops = new Set(bins.flatMap((b) => Object.keys(b.hops)));
    const has = { exits: exits.filter((e) => bins.some((b) => b.exits[e])), hops: [...hops].sort().reverse(), noted: now - this.#noted };
    const events = this.#model.marks.map((m) => ({ at: (m.at / 1000 - (to - span)) / span, bad: m.kind === 'down' || m.kind === 'chaos' })).filter((e) => e.at >= 0 && e.at <= 1);
    const of = [];
    for (const chart of charts) {
      yield true;
      const lines = chart.lines ? chart.lines(steps, has) : this.#linkLines(steps);
      this.#one(chart, lines, events, span);
      of.push({ chart, lines });
    }
    yield true;
    for (const { chart, lines } of of) this.#say(chart, lines, has);
  }

  /** Gives each step its summary. What was is not summed up again: it no longer changes. */
  #summarise(steps) {
    const known = this.#summaries;
    this.#summaries = new Map();
    for (const step of steps) {
      const key = `${step.from}/${step.step}`;
      step.summary = known.get(key) ?? (step.bins.length > 0 ? summary(merged(step.bins)) : null);
      if (step.summary) this.#summaries.set(key, step.summary);
    }
  }

  /** The stretch that is drawn, in s: what was chosen or, since the page is younger, its age. */
  #stretch(now) {
    const age = Math.ceil((now - this.#born + 1) / 15) * 15;
    return Math.min(Number(this.#span.value), Math.max(30, age));
  }

  #one(chart, lines, events, span) {
    lines.forEach((l, i) => { l.dash ??= i; });
    const sums = chart.stacked ? (lines[0]?.values ?? []).map((_, i) => lines.reduce((sum, l) => sum + (l.values[i] || 0), 0)) : lines.flatMap((l) => l.values);
    const known = sums.filter((v) => Number.isFinite(v) && (v > 0 || !chart.logarithmic));
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const marks = chart.marks?.(least) ?? (chart.logarithmic ? logMarks(least, most) : linearMarks(most, 3));
    this.#of.get(chart.id).plot.draw({
      colours: { line: colour('line'), quiet: colour('quiet'), bad: colour('bad') }, marks, text: chart.text, logarithmic: chart.logarithmic, events,
      of: lines.map((l) => ({ values: l.values, colour: colour(l.tone), dash: l.dash, stacked: chart.stacked })),
      spanText: span >= 120 && span % 60 === 0 ? `${span / 60} minutes ago` : `${span} s ago`,
    });
  }

  #say(chart, lines, has) {
    const { key, canvas } = this.#of.get(chart.id);
    const said = lines.map((l) => `${l.name} ${l.text(l.now)}`);
    const none = lines.some((l) => Number.isFinite(l.now)) ? '' : chart.none?.(has) ?? '';
    setAttribute(canvas, 'aria-label', `${chart.title}: ${none || said.join(', ') || 'nothing yet'}`);
    this.#legend(key, lines, none);
  }

  #legend(key, lines, none) {
    const texts = none ? [none] : lines.map((l) => `${l.name} ${l.text(l.now)}`);
    while (key.childElementCount > texts.length) key.lastChild.remove();
    while (key.childElementCount < texts.length) key.append(el('li', {}, el('i', { class: 'key-line' }), el('span', { class: 'foreign' })));
    texts.forEach((text, i) => {
      const [mark, label] = key.children[i].children;
      mark.hidden = Boolean(none);
      setAttribute(mark, 'class', `key-line tone-${lines[i]?.tone ?? 'none'}`);
      setAttribute(mark, 'data-dash', (lines[i]?.dash ?? 0) % 4);
      setText(label, text);
    });
  }

  /** The busiest links of this node, and the others together. */
  #linkLines(steps) {
    const at = steps.map(() => []);
    const [first] = steps;
    for (const l of this.#links) at[first ? Math.floor((l.at - first.from) / first.step) : -1]?.push(l);
    const total = new Map();
    for (const { rates } of this.#links.slice(-30)) for (const [peer, n] of rates) total.set(peer, (total.get(peer) ?? 0) + n);
    const top = [...total].filter(([peer]) => peer !== '').sort((a, b) => b[1] - a[1]).slice(0, 3).map(([peer]) => peer);
    const mean = (some, value) => (some.length > 0 ? some.reduce((sum, l) => sum + value(l.rates), 0) / some.length : NaN);
    const made = (name, tone, value) => {
      const values = at.map((some) => mean(some, value));
      return { name, tone, values, text: bytes, now: lately(values) };
    };
    const lines = top.map((peer, i) => made(plain(this.#model.members.get(peer)?.name ?? peer, 24), linkTones[i], (rates) => rates.get(peer) ?? 0));
    if (total.size > top.length + 1) lines.push(made('all others', 'quiet', (rates) => [...rates].reduce((sum, [peer, n]) => sum + (top.includes(peer) ? 0 : n), 0)));
    return lines;
  }
}
