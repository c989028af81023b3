// The stream of verdicts: a list that has elements for what is in sight alone. It holds still
// while it is paused, looked into by pointer or keyboard, or scrolled.

import { bar, fillBar, tone } from './bar.mjs';
import { byId, el, setAttribute, setText } from './dom.mjs';
import { answering, judged, sampleName, spoken, views, why } from './explain.mjs';
import { count, duration, fromNs, number, plain } from './format.mjs';
import { fillView, viewBox } from './viewbox.mjs';

const rowHeight = 74; // as in verdicts.css
const calmMs = 1000; // between changes of the list where verdicts are many
const many = 20; // verdicts a second
const picturesAfter = 150; // ms that rows have to stand before their pictures are asked for
const picturedMost = 4; // rows that are pictured where verdicts are many: the next come before the others are there

export class VerdictList {
  #model;
  #pictures;
  #onOpen;
  #onStood;
  #list = byId('list');
  #space = byId('list-space');
  #rows = []; // {node, parts, verdict, index}
  #shown = []; // what the list shows, the newest first
  #chosen = null; // the verdict that is chosen
  #paused = false;
  #inside = false; // the pointer, or the keyboard
  #drawnAt = 0;
  #missed = 0; // verdicts since the list holds still
  #viewWidth = 6;
  #height = 0;
  #narrow = false;
  #stood = 0;
  #laying = 0; // counts the times that rows were laid: an older one that is not done is left
  #scroll = 0; // asked for when it changes: to ask in between lays the page out

  /** redraw has the list drawn soon, onStood its pictures. */
  constructor(model, pictures, onOpen, redraw, onStood) {
    this.#onStood = onStood;
    this.#model = model;
    this.#pictures = pictures;
    this.#onOpen = onOpen;
    this.#list.addEventListener('scroll', () => {
      this.#scroll = this.#list.scrollTop;
      redraw();
    }, { passive: true });
    this.#list.addEventListener('pointerenter', (e) => { if (e.pointerType === 'mouse') this.#inside = true; });
    this.#list.addEventListener('pointerleave', () => { this.#inside = false; });
    this.#list.addEventListener('focus', () => { if (this.#list.matches(':focus-visible')) this.#inside = true; });
    this.#list.addEventListener('blur', () => { this.#inside = false; });
    this.#list.addEventListener('keydown', (e) => this.#key(e));
    this.#list.addEventListener('click', (e) => this.#click(e));
    byId('hold').addEventListener('click', () => {
      this.#paused = !this.#paused;
      setAttribute(byId('hold'), 'aria-pressed', this.#paused);
      setText(byId('hold'), this.#paused ? 'Go on' : 'Pause');
      redraw();
    });
    new ResizeObserver(([entry]) => {
      this.#height = entry.contentRect.height;
      const { width } = entry.contentRect;
      this.#narrow = innerWidth <= 480; // as in verdicts.css
      this.#viewWidth = Math.max(2, Math.floor(this.#narrow ? (width - 126) / 30 : (width - 180) / 40));
      for (const row of this.#rows) row.stale = true;
      redraw();
    }).observe(this.#list);
  }

  /** Whether the list stands still. */
  get holds() { return this.#paused || this.#inside || this.#scroll > 4; }

  /** Draws the list, a row in a slice. */
  * draw() {
    const now = performance.now();
    const newest = this.#model.verdicts[0];
    if (!this.holds && this.#shown[0] !== newest && (this.#rate() < many || now - this.#drawnAt > calmMs)) {
      this.#shown = this.#model.verdicts.slice();
      this.#drawnAt = now;
    }
    const known = this.#model.verdicts.indexOf(this.#shown[0]);
    this.#missed = this.#shown.length === 0 ? 0 : known < 0 ? this.#model.verdicts.length : known;
    this.#say();
    yield* this.#layRows();
  }

  /** Redraws rows whose pictures have come, a row in a slice, and asks for others. Those asked for
   * last come first, so the newest row is the last. */
  * pictured() {
    const order = this.#rows.filter((row) => row.verdict).sort((a, b) => b.index - a.index);
    const all = this.holds || this.#rate() < many;
    for (const row of order) {
      if (row.verdict) this.#fillViews(row, all || row.index < picturedMost);
      yield;
    }
  }

  /** The verdict beside another in the list: by 1 older, by -1 newer; undefined where there is
   * none, or the other is no longer in it. */
  beside(verdict, by) {
    const at = this.#shown.indexOf(verdict);
    return at < 0 ? undefined : this.#shown[at + by];
  }

  /** Chooses a verdict. */
  choose(verdict) {
    this.#chosen = verdict;
    this.#layAll();
  }

  #rate() {
    const bins = this.#model.seconds.last(4, Math.floor(Date.now() / 1000) + 1);
    return bins.reduce((sum, b) => sum + Object.values(b.exits).reduce((n, x) => n + x.count, 0), 0) / 4;
  }

  #say() {
    const none = this.#shown.length === 0;
    this.#list.hidden = none;
    byId('list-empty').hidden = !none;
    byId('hold').hidden = none;
    let note = '';
    if (!none && this.holds) note = this.#missed > 0 ? `held: ${count(this.#missed, 'newer verdict')}${this.#missed >= this.#model.verdicts.length ? ' and more' : ''}` : 'held';
    else if (!none) note = this.#rate() >= many ? `some of ${number(this.#rate())} a second` : 'as they come';
    setText(byId('verdicts-note'), note);
  }

  /** Lays all rows at once, as who walks in them needs it. */
  #layAll() {
    const slices = this.#layRows();
    while (!slices.next().done);
  }

  * #layRows() {
    const mine = ++this.#laying;
    const rows = this.#shown.length;
    const height = `${rows * rowHeight}px`;
    if (this.#space.style.height !== height) this.#space.style.height = height;
    const first = Math.max(0, Math.floor(this.#scroll / rowHeight) - 1);
    const last = Math.min(rows, first + Math.ceil((this.#height || 400) / rowHeight) + 2);
    const slices = this.#place(first, last);
    while (!slices.next().done) {
      yield;
      if (mine !== this.#laying) return;
    }
    const chosen = this.#rows.find((row) => row.verdict && row.verdict === this.#chosen);
    setAttribute(this.#list, 'aria-activedescendant', chosen ? chosen.node.id : null);
    this.#askPictures();
  }

  /** Gives each verdict in sight a row: the one that it has or, where nobody stands, any that is
   * free, at once; else, in slices, the one that stands there, which shows what it showed till then.
   * In a list that is empty so far they come from the top, in slices too. */
  * #place(first, last) {
    const empty = this.#rows.every((row) => row.verdict === null);
    while (this.#rows.length < last - first) this.#rows.push(this.#row());
    const wanted = new Map();
    for (let i = first; i < last; i++) wanted.set(this.#shown[i], i);
    const free = [];
    for (const row of this.#rows) {
      const index = row.verdict ? wanted.get(row.verdict) : undefined;
      if (index === undefined) free.push(row);
      else {
        this.#put(row, index, row.verdict);
        wanted.delete(row.verdict);
      }
    }
    const standing = new Map();
    const others = [];
    const open = new Set(wanted.values());
    for (const row of free) {
      if (row.verdict && open.has(row.index)) standing.set(row.index, row);
      else {
        others.push(row);
        row.node.hidden = true;
        row.verdict = null;
      }
    }
    for (const [verdict, index] of wanted) {
      if (standing.has(index)) continue;
      this.#put(others.pop(), index, verdict);
      if (empty) yield; // elsewhere a hole would be seen
    }
    for (const [index, row] of standing) {
      this.#put(row, index, this.#shown[index]);
      yield;
    }
  }

  #put(row, index, verdict) {
    row.node.hidden = false;
    if (row.index !== index) {
      row.index = index;
      row.node.style.transform = `translateY(${index * rowHeight}px)`;
    }
    setAttribute(row.node, 'aria-setsize', this.#shown.length);
    setAttribute(row.node, 'aria-posinset', index + 1);
    this.#fill(row, verdict);
  }

  /** Pictures are asked for when rows have stood for a moment: a blur needs none. */
  #askPictures() {
    clearTimeout(this.#stood);
    this.#stood = setTimeout(this.#onStood, picturesAfter);
  }

  #row() {
    const parts = {
      views: el('span', { class: 'views' }),
      name: el('span', { class: 'class foreign' }),
      beside: el('span', { class: 'beside foreign' }),
      bar: bar(),
      why: el('span', { class: 'foreign' }),
      more: el('span', { class: 'view more' }),
    };
    const node = el('div', { class: 'verdict', role: 'option', id: `verdict-${this.#rows.length}` }, parts.views,
      el('span', { class: 'answer' }, parts.name, parts.beside), el('span', { class: 'why' }, parts.bar, parts.why));
    parts.views.append(parts.more);
    this.#space.append(node);
    return { node, parts, boxes: [], verdict: null, index: -1, stale: false };
  }

  #fill(row, verdict) {
    const { node, parts } = row;
    setAttribute(node, 'aria-selected', verdict === this.#chosen);
    if (row.verdict === verdict && row.superseded === verdict.supersededBy && !row.stale) return;
    row.verdict = verdict;
    row.stale = false;
    row.superseded = verdict.supersededBy;
    setAttribute(node, 'data-exit', tone(verdict.exit));
    setAttribute(node, 'data-superseded', Boolean(verdict.supersededBy));
    setAttribute(node, 'aria-label', spoken(verdict));
    setText(parts.name, verdict.class ? plain(verdict.class, 60) : 'nothing');
    setAttribute(parts.name, 'class', `class foreign${verdict.class ? '' : ' nobody'}`);
    const is = judged(verdict);
    const took = duration(fromNs(verdict.latencyNs));
    setText(parts.beside, is === 'wrong' ? `✕ labelled ${plain(verdict.label, 40)}` : `${is === 'right' ? '✓ ' : ''}${this.#narrow ? '' : `${sampleName(verdict)} · `}${took}`);
    setAttribute(parts.beside, 'class', `beside foreign${is ? ` judged-${is}` : ''}`);
    const proposal = answering(verdict) ?? verdict.proposals?.[0];
    parts.bar.hidden = !proposal;
    const first = verdict.proposals?.[0]; // of what went up, the doubt is what matters
    if (proposal) fillBar(parts.bar, first);
    setText(parts.why, `${verdict.supersededBy ? 'superseded · ' : ''}${why(verdict)}`);
    this.#fillViews(row, false);
  }

  /** Shows the views of a row. ask has pictures asked for that are not there. */
  #fillViews(row, ask = true) {
    const { parts, verdict } = row;
    const of = views(verdict, this.#model.status?.views);
    const room = this.#viewWidth;
    const shown = of.length > room ? of.slice(0, room - 1) : of;
    while (row.boxes.length > shown.length) row.boxes.pop().remove();
    while (row.boxes.length < shown.length) {
      row.boxes.push(viewBox());
      parts.more.before(row.boxes.at(-1));
    }
    shown.forEach((view, i) => {
      const url = view.what === 'seen' ? this.#pictures.get(verdict, view.view, ask) : undefined;
      fillView(row.boxes[i], view, url);
    });
    parts.more.hidden = shown.length === of.length;
    if (!parts.more.hidden) setText(parts.more, `+${of.length - shown.length}`);
  }

  #click(event) {
    const node = event.target.closest('.verdict');
    const verdict = this.#rows.find((r) => r.node === node)?.verdict;
    if (!verdict) return;
    this.choose(verdict);
    this.#onOpen(verdict);
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.#height / rowHeight) - 1);
    const at = this.#shown.indexOf(this.#chosen);
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.#shown.length - 1 }[event.key];
    if (event.key === 'Enter' || event.key === ' ') {
      if (this.#chosen) this.#onOpen(this.#chosen);
    } else if (to !== undefined && this.#shown.length > 0) {
      this.#inside = true;
      const index = Math.min(this.#shown.length - 1, Math.max(0, to));
      this.#chosen = this.#shown[index];
      this.#reveal(index);
      this.#layAll();
    } else return;
    event.preventDefault();
  }

  #reveal(index) {
    const top = index * rowHeight;
    if (top < this.#list.scrollTop) this.#list.scrollTop = top;
    else if (top + rowHeight > this.#list.scrollTop + this.#height) this.#list.scrollTop = top + rowHeight - this.#height;
  }
}
