// The check-up: what the node says is wrong, and what mends it.

import { byId, el, head, setText } from './dom.mjs';
import { plain } from './format.mjs';

/** Findings as a list. */
export function findingItems(findings) {
  return findings.slice(0, 32).map((f) => el('li', { 'data-grave': Boolean(f.grave) },
    el('span', { class: 'foreign' }, plain(f.text, 600)), f.mend && el('code', { class: 'foreign' }, plain(f.mend, 300))));
}

export class Checkup {
  #node;
  #model;
  #dialog = byId('checkup');
  #body = el('div', { class: 'stack', 'aria-live': 'polite' });
  #askedAlone = 0;
  #asking = false;

  constructor(node, model) {
    this.#node = node;
    this.#model = model;
    byId('health').addEventListener('click', () => this.open());
    this.#dialog.addEventListener('click', (e) => { if (e.target === this.#dialog) this.#dialog.close(); });
  }

  /** Asks the node, and shows what it says. */
  async open() {
    this.#dialog.replaceChildren(head('checkup-title', 'Check-up', () => this.#dialog.close()), this.#body);
    this.#body.replaceChildren(el('p', { class: 'quiet' }, 'asking the node…'));
    this.#dialog.showModal();
    const warnings = (this.#model.status?.warnings ?? []).map((text) => ({ text }));
    try {
      const { findings = [] } = await this.#node.call('Diagnose');
      this.#show([...findings, ...warnings.filter((w) => !findings.some((f) => f.text === w.text))], '');
    } catch (error) {
      this.#show(warnings, `The node could not be asked: ${plain(error.message, 300)}`);
    }
  }

  #show(findings, error) {
    this.#body.replaceChildren(
      error && el('p', { class: 'error foreign' }, error),
      findings.length > 0 ? el('ul', { class: 'findings' }, findingItems(findings)) : el('p', {}, error ? '' : 'Nothing is wrong, as far as this node can tell.'),
      el('p', { class: 'quiet' }, 'The whole report, from a terminal of its machine: ', el('code', {}, 'ganglion doctor')));
  }

  /** Draws how many warnings there are and, for a node that is alone, why it may be. */
  draw(now) {
    const warnings = this.#model.status?.warnings?.length ?? 0;
    byId('health-count').hidden = warnings === 0;
    setText(byId('health-count'), String(warnings));
    byId('alone').hidden = !this.#model.alone;
    if (this.#model.alone && !this.#asking && now - this.#askedAlone > 15_000) this.#askWhyAlone(now);
  }

  async #askWhyAlone(now) {
    this.#asking = true;
    this.#askedAlone = now;
    try {
      const { findings = [] } = await this.#node.call('Diagnose');
      byId('alone-findings').replaceChildren(...findingItems(findings));
    } catch { /* the connection is shown elsewhere */ } finally {
      this.#asking = false;
    }
  }
}
