// The control of thresholds: sliders, what they would have done, apply and undo.

import { byId, el, setAttribute, setText } from './dom.mjs';
import { bytes, count, grouped, percent, plain } from './format.mjs';
import { tone } from './bar.mjs';
import { equal, keyOf, messageOf, rehearsed, rounded, set, slid, textOf, valuesOf } from './thresholds.mjs';

const rehearseAfter = 350; // ms that a slider has to rest

export class Tuning {
  #node;
  #model;
  #announce;
  #form = byId('thresholds');
  #shape = ''; // of the form: exits and numbers of views
  #force = {}; // in force
  #wanted = {}; // on the sliders
  #touched = false;
  #undo = []; // texts that were in force before, the last at the end
  #fields = new Map(); // exit to {slider, number, seen: [inputs]}
  #parts = null;
  #timer = 0;
  #rehearsing = null;
  #pending = false;

  constructor(node, model, announce) {
    this.#node = node;
    this.#model = model;
    this.#announce = announce;
    this.#form.addEventListener('submit', (e) => {
      e.preventDefault();
      this.#apply(textOf(this.#wanted));
    });
  }

  /** Draws what is in force, and on the sliders too unless a person has moved them. */
  draw() {
    const of = this.#model.thresholds;
    if (!of) return;
    this.#force = valuesOf(of);
    const none = Object.keys(this.#force).length === 0;
    this.#form.hidden = none;
    byId('thresholds-empty').hidden = !none;
    if (none) {
      setText(byId('thresholds-empty'), 'This network has one exit, which always answers: there is nothing to set.');
      return;
    }
    const shape = `${of.bundle} ${Object.entries(this.#force).map(([exit, v]) => exit + v.length).join()}`;
    if (shape !== this.#shape) this.#build(shape);
    if (!this.#touched || equal(this.#force, this.#wanted)) {
      this.#wanted = structuredClone(this.#force);
      this.#touched = false;
      this.#clearRehearsal();
    }
    this.#show();
    setText(byId('thresholds-note'), this.#noteText(of));
  }

  #noteText(of) {
    const since = of.since !== undefined ? `, from beat ${of.since}` : '';
    return Number(of.version ?? 0) === 0 ? `the bundle's own (${plain(of.bundle, 60).slice(0, 8)})${since}` : `set in the mesh, change ${of.counter ?? 1}${since}`;
  }

  #build(shape) {
    this.#shape = shape;
    this.#touched = false;
    this.#undo = [];
    this.#fields.clear();
    const rows = Object.entries(this.#force).map(([exit, bySeen]) => this.#row(exit, bySeen));
    this.#parts = {
      rehearsal: el('div', { 'aria-live': 'polite' }),
      apply: el('button', { type: 'submit', class: 'button strong' }, 'Apply to the mesh'),
      undo: el('button', { type: 'button', class: 'button', onclick: () => this.#back() }, 'Undo'),
      own: el('button', { type: 'button', class: 'button', onclick: () => this.#apply('') }, "The bundle's own"),
      drop: el('button', { type: 'button', class: 'button bare', onclick: () => this.#drop() }, 'Put back'),
      error: el('p', { class: 'error', role: 'alert' }),
    };
    const { rehearsal, apply, undo, own, drop, error } = this.#parts;
    this.#form.replaceChildren(...rows, rehearsal, error, el('div', { class: 'row' }, apply, drop, undo, own));
  }

  #row(exit, bySeen) {
    const last = bySeen.length - 1;
    const name = tone(exit);
    const slider = el('input', { type: 'range', id: `slide-${name}`, min: 0, max: 1, step: 0.01, class: `tone-${name}` });
    const number = el('input', { type: 'number', min: 0, max: 1, step: 'any', inputmode: 'decimal', 'aria-label': `Threshold of the ${name} exit` });
    slider.addEventListener('input', () => this.#want(exit, slid(this.#wanted[exit], rounded(slider.value))));
    number.addEventListener('change', () => this.#typed(exit, number, (v) => slid(this.#wanted[exit], v)));
    const fields = { slider, number, seen: [] };
    this.#fields.set(exit, fields);
    const fewer = last > 0 && el('details', { class: 'by-seen' }, el('summary', {}, 'by the number of views seen'), el('div'));
    if (fewer) fewer.addEventListener('toggle', () => this.#unfold(exit, fields, fewer.lastChild)); // they may be many, and few people want them
    return el('div', { class: `threshold tone-${name}` }, el('label', { for: `slide-${name}` }, name), slider, number,
      el('p', { class: 'quiet hint' }, `answers where the entropy is at most this${last > 0 ? '; fewer views keep their share of it' : ''}`), fewer);
  }

  #unfold(exit, fields, box) {
    if (fields.seen.length > 0) return;
    fields.seen = this.#wanted[exit].map((_, i) => {
      const input = el('input', { type: 'number', min: 0, max: 1, step: 'any', inputmode: 'decimal' });
      input.addEventListener('change', () => this.#typed(exit, input, (v) => set(this.#wanted[exit], i, v)));
      return input;
    });
    box.append(...fields.seen.map((input, i) => el('label', {}, count(i + 1, 'view'), input)));
    this.#show();
  }

  #typed(exit, input, change) {
    const value = rounded(input.value);
    if (Number.isFinite(value)) this.#want(exit, change(value));
    else this.#show();
  }

  #want(exit, bySeen) {
    this.#wanted = { ...this.#wanted, [exit]: bySeen };
    this.#touched = true;
    setText(this.#parts.error, '');
    this.#show();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rehearse(), rehearseAfter);
  }

  #show() {
    for (const [exit, { slider, number, seen }] of this.#fields) {
      const values = this.#wanted[exit];
      const text = String(values.at(-1));
      if (slider.value !== text) slider.value = text;
      setAttribute(slider, 'aria-valuetext', `entropy at most ${text}`);
      if (document.activeElement !== number || number.value === '') number.value = text;
      seen.forEach((input, i) => { if (document.activeElement !== input || input.value === '') input.value = String(values[i]); });
    }
    const same = equal(this.#force, this.#wanted);
    const { apply, undo, own, drop } = this.#parts;
    apply.disabled = same || this.#pending;
    drop.hidden = same;
    undo.disabled = this.#undo.length === 0 || this.#pending;
    own.disabled = Number(this.#model.thresholds.version ?? 0) === 0 || this.#pending;
  }

  #drop() {
    this.#wanted = structuredClone(this.#force);
    this.#touched = false;
    this.#clearRehearsal();
    this.#show();
    this.#fields.values().next().value?.slider.focus();
  }

  #clearRehearsal() {
    clearTimeout(this.#timer);
    this.#rehearsing?.abort();
    this.#parts?.rehearsal.replaceChildren();
  }

  async #rehearse() {
    this.#rehearsing?.abort();
    if (equal(this.#force, this.#wanted)) {
      this.#parts.rehearsal.replaceChildren();
      return;
    }
    const mine = this.#rehearsing = new AbortController();
    try {
      const answer = await this.#node.call('Rehearse', { thresholds: messageOf(this.#wanted) }, { signal: mine.signal });
      if (!mine.signal.aborted) this.#parts.rehearsal.replaceChildren(table(rehearsed(answer)));
    } catch (error) {
      if (!mine.signal.aborted) this.#parts.rehearsal.replaceChildren(el('p', { class: 'quiet foreign' }, `What they would have done is not known: ${plain(error.message, 300)}`));
    }
  }

  async #apply(text, undoing = false) {
    const before = Number(this.#model.thresholds.version ?? 0) === 0 ? '' : textOf(this.#force);
    this.#pending = true;
    this.#show();
    try {
      await this.#node.call('Set', { key: keyOf(this.#model.thresholds), value: text });
      if (!undoing) this.#undo.push(before);
      if (this.#undo.length > 32) this.#undo.shift();
      this.#touched = false; // what comes into force is shown
      this.#parts.rehearsal.replaceChildren(el('p', { class: 'quiet' }, 'Taken. They are in force in about a second, from one beat on, for whole samples.'));
      this.#announce('Thresholds are set.');
      setText(this.#parts.error, '');
      return true;
    } catch (error) {
      setText(this.#parts.error, `Not set: ${plain(error.message, 400)}`);
      return false;
    } finally {
      this.#pending = false;
      this.#show();
    }
  }

  async #back() {
    const text = this.#undo.pop();
    if (text === undefined) return;
    if (!(await this.#apply(text, true))) this.#undo.push(text);
    this.#show();
  }
}

/** A rehearsal as a table. */
function table({ rows, samples, unknown, changed }) {
  if (samples === 0) return el('p', { class: 'quiet' }, 'The log has no verdict yet to try them on.');
  const shown = (kind, v) => (kind === 'share' ? percent(v) : bytes(v));
  const remarks = [`${count(changed, 'answer')} would have been another`];
  if (unknown > 0) remarks.push(`of ${grouped(unknown)} that would have gone up, nobody knows the answer from above`);
  return el('table', { class: 'rehearsal' },
    el('caption', {}, `On the last ${count(samples, 'verdict')}: ${remarks.join('; ')}.`),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, el('span', { class: 'unseen' }, 'what')), el('th', { scope: 'col' }, 'was'), el('th', { scope: 'col' }, 'would be'))),
    el('tbody', {}, rows.map(({ name, kind, before, after }) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, shown(kind, before)), el('td', {}, shown(kind, after))))));
}
