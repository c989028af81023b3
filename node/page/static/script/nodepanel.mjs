// The panel of one node: what it is and carries and, where it allows that, harm on purpose.

import { byId, el, facts, head, setText } from './dom.mjs';
import { bytes, duration, listed, plain } from './format.mjs';
import { standing } from './model.mjs';
import { Chaos } from './chaos.mjs';

const words = { alive: 'there', suspect: 'suspected to be gone', silent: 'its connection broke', down: 'gone', left: 'has left' };

export class NodePanel {
  #model;
  #panel = byId('node');
  #peer = '';
  #facts = el('div');
  #chaos;
  #onClose;
  #text = '';

  constructor(node, model, onClose, announce) {
    this.#model = model;
    this.#onClose = onClose;
    this.#chaos = new Chaos(node, announce);
    this.#panel.addEventListener('keydown', (e) => { if (e.key === 'Escape') this.close(); });
  }

  /** Opens the panel of a node; of the one that is open it closes it. */
  open(peer) {
    if (this.#peer === peer) return this.close();
    this.#peer = peer;
    const m = this.#model.members.get(peer);
    if (!m) return undefined;
    this.#text = '';
    this.#panel.replaceChildren(head('node-name', plain(m.name, 80), () => this.close(), 'h3'), this.#facts, this.#chaos.of(m));
    this.#panel.hidden = false;
    this.draw();
    byId('node-name').focus();
    return undefined;
  }

  /** Closes it. */
  close() {
    const peer = this.#peer;
    this.#peer = '';
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    this.#onClose(peer);
  }

  /** The node whose panel is open, or ''. */
  get peer() { return this.#peer; }

  /** Draws what changed. */
  draw() {
    if (this.#peer === '') return;
    const m = this.#model.members.get(this.#peer);
    if (!m) return this.close();
    setText(byId('node-name'), plain(m.name, 80));
    const pairs = this.#pairs(m);
    const text = JSON.stringify(pairs);
    if (text !== this.#text) this.#facts.replaceChildren(facts(pairs));
    this.#text = text;
    this.#chaos.follow(m, m.self ? this.#model.status?.faults ?? [] : null);
    return undefined;
  }

  #pairs(m) {
    const link = this.#model.links.get(m.peer);
    const is = standing(m);
    const pairs = [['state', words[is] ?? plain(is, 20)]];
    if (m.roles?.length > 0) pairs.push(['does', listed(m.roles)]);
    if (m.did?.length > 0) pairs.push(['did', listed(m.did)]);
    if (m.views?.length > 0) pairs.push([m.views.length > 1 ? 'views' : 'view', listed(m.views, 12)]);
    if (m.standbyFor?.length > 0) pairs.push(['is next for', listed(m.standbyFor)]);
    if (Number(m.roundTripUs ?? 0) > 0) pairs.push(['round trip', duration(Number(m.roundTripUs) / 1000)]);
    if (link) {
      pairs.push(['its link', link.up ? `sent ${bytes(link.sent)}, received ${bytes(link.received)}` : 'no connection stands']);
      if (Number.isFinite(link.sentRate)) pairs.push(['now', `${bytes(link.sentRate)}/s out, ${bytes(link.receivedRate)}/s in`]);
    }
    pairs.push(['addresses', listed(m.addresses ?? [], 4) || 'none known']);
    if (m.bundle) pairs.push(['bundle', `${plain(m.bundle, 80).slice(0, 16)}…`]);
    if (m.version) pairs.push(['version', plain(m.version, 60)]);
    if (m.site) pairs.push(['site', plain(m.site, 60)]);
    pairs.push(['identity', plain(m.peer, 80)]);
    return pairs;
  }
}
