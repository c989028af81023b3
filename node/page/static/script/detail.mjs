// The whole explanation of one verdict, in a dialog.

import { bar, fillBar, fillShare, tone } from './bar.mjs';
import { byId, el, facts, head } from './dom.mjs';
import { comparison, exitName, judged, particulars, probabilities, sampleName, sure, viewText, views, why } from './explain.mjs';
import { plain } from './format.mjs';
import { fillView, viewBox } from './viewbox.mjs';

/** Why, as a sentence of its own. */
function sentence(verdict) {
  const text = why(verdict);
  return verdict.exit === 'none' || verdict.exit === 'refused' ? `${text[0].toUpperCase()}${text.slice(1)}.` : `Answered by ${text}.`;
}

export class Detail {
  #model;
  #pictures;
  #beside;
  #onStep;
  #dialog = byId('explain');
  #verdict = null;
  #boxes = [];

  /** beside tells the verdict that is older (1) or newer (-1) in the list; onStep is told of
   * one that was stepped to. */
  constructor(model, pictures, beside, onStep) {
    this.#onStep = onStep;
    this.#model = model;
    this.#pictures = pictures;
    this.#beside = beside;
    this.#dialog.addEventListener('close', () => { this.#verdict = null; });
    this.#dialog.addEventListener('click', (e) => { if (e.target === this.#dialog) this.#dialog.close(); });
    this.#dialog.addEventListener('keydown', (e) => {
      if (e.key === 'ArrowLeft') this.#go(-1);
      if (e.key === 'ArrowRight') this.#go(1);
    });
  }

  /** Shows a verdict. */
  open(verdict) {
    this.#verdict = verdict;
    const close = () => this.#dialog.close();
    const title = `${sampleName(verdict)}: ${verdict.class ? plain(verdict.class, 60) : 'no class'}`;
    this.#dialog.replaceChildren(head('explain-title', title, close),
      el('p', { class: 'sentence foreign' }, sentence(verdict)), this.#judgement(verdict), this.#ofViews(verdict),
      this.#ofExits(verdict), this.#ofClasses(verdict), el('section', {}, el('h3', {}, 'Particulars'), facts(particulars(verdict))),
      el('section', { class: 'row' }, this.#step('Newer', -1), this.#step('Older', 1)));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.pictured();
  }

  /** Redraws pictures that have come. */
  pictured() {
    if (!this.#verdict) return;
    for (const { box, view } of this.#boxes) fillView(box, view, view.what === 'seen' ? this.#pictures.get(this.#verdict, view.view) : undefined, true);
  }

  #step(text, by) {
    return el('button', { type: 'button', class: 'button', disabled: !this.#beside(this.#verdict, by), onclick: () => this.#go(by) }, text);
  }

  #go(by) {
    const next = this.#verdict && this.#beside(this.#verdict, by);
    if (!next) return;
    this.#onStep(next);
    this.open(next);
    const steps = [...this.#dialog.querySelectorAll('section.row button')];
    const step = steps[by < 0 ? 0 : 1];
    (step.disabled ? steps.find((s) => !s.disabled) : step)?.focus();
  }

  #judgement(verdict) {
    const is = judged(verdict);
    if (!is) return null;
    return el('p', { class: `judged-${is}` }, is === 'right' ? '✓ as the data set has it' : el('span', { class: 'foreign' }, `✕ the data set says ${plain(verdict.label, 60)}`));
  }

  #ofViews(verdict) {
    const of = views(verdict, this.#model.status?.views).slice(0, 64);
    if (of.length === 0) return null;
    this.#boxes = of.map((view) => ({ box: viewBox(), view }));
    return el('section', {}, el('h3', {}, 'What each view saw'), el('ul', { class: 'big-views' },
      this.#boxes.map(({ box, view }) => el('li', { class: 'big-view' }, box, el('span', { class: 'foreign' }, viewText(view) + (view.what === 'seen' && view.used === false ? ', not used' : ''))))));
  }

  #ofExits(verdict) {
    const proposals = verdict.proposals ?? [];
    if (proposals.length === 0) return null;
    const answered = verdict.answered ?? 0;
    return el('section', {}, el('h3', {}, 'Entropy at each exit, and its threshold'), el('ul', { class: 'exits' }, proposals.map((p, i) => {
      const node = bar();
      fillBar(node, p);
      const says = `${plain(p.class, 40)}, ${comparison(p)}`;
      const so = i === answered ? 'it answered' : sure(p) ? 'sure, but another answered' : 'not sure';
      return el('li', { class: `exit-line tone-${tone(p.exit)}` }, el('b', {}, exitName(p, proposals)), node, el('span', { class: 'foreign' }, `${says}: ${so}`));
    })));
  }

  #ofClasses(verdict) {
    const of = probabilities(verdict, this.#model.status?.classes ?? []).slice(0, 10);
    if (of.length === 0) return null;
    return el('section', {}, el('h3', {}, 'How likely each class is'), el('ul', { class: 'classes' }, of.map(({ name, p, text }) => {
      const node = bar();
      fillShare(node, p, verdict.exit);
      return el('li', {}, el('span', { class: 'foreign' }, name), node, el('span', {}, text));
    })));
  }
}
