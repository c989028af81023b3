// The map: draws what layout.mjs places. Nodes are buttons, which glide when their role moves;
// links and what travels on them are drawn on a canvas below.

import { byId, el, reducedMotion, setAttribute, setText } from './dom.mjs';
import { bytes, duration, plain } from './format.mjs';
import { connections, layout, sizes } from './layout.mjs';
import { merged, summary } from './figures.mjs';
import { standing } from './model.mjs';
import { Traffic } from './traffic.mjs';

const glide = 700; // ms
const rise = 1600; // ms that a node that takes a role is lit

const marks = { alive: '', suspect: '?', silent: '…', down: '✕', left: '–' };

export class MeshMap {
  #model;
  #onOpen;
  #redraw;
  #map = byId('map');
  #list = byId('map-nodes');
  #nodes = new Map(); // peer to {item, button, parts, x, y, from, to, began}
  #width = 0;
  #laid = null;
  #traffic;
  #focus = ''; // peer of the node that the tab key reaches
  #selected = '';
  #gliding = false;

  constructor(model, onOpen, redraw) {
    this.#model = model;
    this.#onOpen = onOpen;
    this.#redraw = redraw;
    this.#traffic = new Traffic(byId('map-links'), byId('map-dots'), (peer) => this.#nodes.get(peer));
    this.#list.addEventListener('keydown', (e) => this.#key(e));
    new ResizeObserver(([entry]) => {
      if (Math.abs(entry.contentRect.width - this.#width) < 1) return;
      this.#width = entry.contentRect.width;
      redraw();
    }).observe(this.#map);
    addEventListener('resize', redraw); // its height is the window's
  }

  /** Marks the node whose panel is open; '' for none. */
  select(peer) {
    this.#selected = peer;
    for (const [p, n] of this.#nodes) setAttribute(n.button, 'aria-pressed', p === peer);
  }

  /** Puts the keyboard on a node. */
  focusOn(peer) { this.#nodes.get(peer)?.button.focus(); }

  /** Draws the map, in slices. */
  * draw() {
    if (this.#width === 0 || this.#model.status === null) return;
    const members = this.#model.all;
    const narrow = this.#width < 560;
    const most = narrow ? 520 : Math.max(380, Math.min(600, innerHeight - 330));
    const laid = layout(members, { width: this.#width, most, views: this.#model.status.views ?? [], groupOf: this.#model.groupOf });
    this.#laid = laid;
    setAttribute(this.#map, 'data-size', laid.size);
    this.#map.style.height = `${Math.max(120, laid.height + 6)}px`;
    this.#drawBands(laid);
    const taking = new Set(this.#model.moved.map((m) => m.to));
    for (const m of members) {
      this.#drawNode(m, laid, taking);
      yield;
    }
    for (const [peer, n] of this.#nodes) {
      if (this.#model.members.has(peer)) continue;
      n.item.remove();
      this.#nodes.delete(peer);
    }
    if (!this.#nodes.has(this.#focus)) this.#focus = members.find((m) => m.self)?.peer ?? members[0]?.peer ?? '';
    for (const [peer, n] of this.#nodes) setAttribute(n.button, 'tabindex', peer === this.#focus ? 0 : -1);
    this.#traffic.connect(connections(members, this.#model.groupOf, [...this.#model.hops]), laid);
    this.#animate();
  }

  /** Tells what travels, from the figures. */
  flow() {
    const recent = merged(this.#model.seconds.last(5, Math.floor(this.#model.lastAt / 1000)));
    const s = summary(recent);
    const rate = Number.isFinite(s.rate) ? s.rate : 0;
    const above = rate * (1 - (s.share('local') || 0) - (s.share('none') || 0));
    this.#traffic.rates({ scores: rate, features: above, up: above });
    const hop = (test) => Object.keys(recent.hops).filter(test).reduce((sum, h) => sum + (s.bytesPerSecond(h) || 0), 0);
    const [scores, features] = byId('map-key').children;
    setText(scores.lastChild, `scores ${bytes(hop((h) => h === 'device-local'))}/s`);
    setText(features.lastChild, `features ${bytes(hop((h) => h !== 'device-local'))}/s`);
  }

  #drawBands(laid) {
    const box = byId('map-bands');
    const wanted = laid.bands.length + laid.groups.length;
    while (box.childElementCount > wanted) box.lastChild.remove();
    while (box.childElementCount < wanted) box.append(el('div', {}, el('span')));
    laid.bands.forEach((band, i) => {
      const node = box.children[i];
      setAttribute(node, 'class', 'band-title');
      Object.assign(node.style, { transform: `translateY(${band.y}px)`, width: '', height: '' });
      setText(node.firstChild, band.title);
    });
    laid.groups.forEach((g, i) => {
      const node = box.children[laid.bands.length + i];
      setAttribute(node, 'class', 'group-box');
      Object.assign(node.style, { transform: `translate(${g.x}px, ${g.y}px)`, width: `${g.w}px`, height: `${g.h}px` });
      setText(node.firstChild, `group ${g.group}`);
    });
  }

  #drawNode(m, laid, taking) {
    const n = this.#nodes.get(m.peer) ?? this.#add(m.peer, laid.places.get(m.peer));
    const is = standing(m);
    const { button, parts } = n;
    setAttribute(button, 'data-tier', m.tier);
    setAttribute(button, 'data-standing', is);
    setAttribute(button, 'data-self', Boolean(m.self));
    setAttribute(button, 'data-next', (m.standbyFor?.length ?? 0) > 0);
    setAttribute(button, 'aria-pressed', m.peer === this.#selected);
    setText(parts.name, plain(laid.size === 'card' ? m.name : laid.labels.get(m.peer), 40));
    setText(parts.does, does(m, is));
    setText(parts.next, next(m));
    setText(parts.mark, marks[is] ?? '');
    const label = nodeText(m, is);
    setAttribute(button, 'aria-label', label);
    setAttribute(button, 'title', label);
    if (taking.has(m.peer)) {
      button.classList.add('rises');
      clearTimeout(n.rising);
      n.rising = setTimeout(() => button.classList.remove('rises'), rise);
    }
    this.#send(n, laid.places.get(m.peer), sizes[laid.size]);
  }

  #add(peer, at) {
    const parts = { name: el('span', { class: 'name foreign' }), does: el('span', { class: 'does foreign' }), next: el('span', { class: 'next' }), mark: el('span', { class: 'mark', 'aria-hidden': 'true' }) };
    const button = el('button', { type: 'button', class: 'node', onclick: () => this.#open(peer), onfocus: () => { this.#focus = peer; } }, parts.name, parts.does, parts.next, parts.mark);
    const item = el('li', {}, button);
    this.#list.append(item);
    const n = { item, button, parts, x: at.x, y: at.y, to: null, began: 0 };
    this.#nodes.set(peer, n);
    return n;
  }

  #open(peer) {
    this.#focus = peer;
    this.#onOpen(peer);
  }

  /** Has a node glide to its place; the first time, or where things keep still, it is there. */
  #send(n, to, size) {
    n.half = { w: size.w / 2, h: size.h / 2 };
    if (n.to && n.to.x === to.x && n.to.y === to.y) {
      if (!n.began) put(n);
      return;
    }
    const first = n.to === null;
    n.from = { x: n.x, y: n.y };
    n.to = to;
    n.began = first || reducedMotion() || document.hidden ? 0 : performance.now();
    if (n.began) return;
    [n.x, n.y] = [to.x, to.y];
    put(n);
  }

  #animate() {
    this.#traffic.wake();
    if (this.#gliding) return;
    const step = () => {
      const now = performance.now();
      this.#gliding = false;
      for (const n of this.#nodes.values()) {
        if (!n.began) continue;
        const share = Math.min(1, (now - n.began) / glide);
        const eased = 1 - (1 - share) ** 3;
        n.x = n.from.x + (n.to.x - n.from.x) * eased;
        n.y = n.from.y + (n.to.y - n.from.y) * eased;
        put(n);
        if (share < 1) this.#gliding = true;
        else n.began = 0;
      }
      this.#traffic.moved();
      if (this.#gliding) requestAnimationFrame(step);
    };
    this.#gliding = true;
    requestAnimationFrame(step);
  }

  /** The arrow keys walk to the nearest node in their direction. */
  #key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const at = this.#nodes.get(this.#focus);
    if (!at) return;
    let best = null;
    for (const [peer, n] of this.#nodes) {
      const [dx, dy] = [n.x - at.x, n.y - at.y];
      const along = dx * way[0] + dy * way[1];
      const across = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      if (along < 4) continue;
      const cost = along + 2.5 * across;
      if (!best || cost < best.cost) best = { peer, cost };
    }
    if (best) {
      this.#nodes.get(this.#focus).button.tabIndex = -1;
      const button = this.#nodes.get(best.peer).button;
      button.tabIndex = 0;
      button.focus();
    }
  }
}

function put(n) {
  const at = `translate(${(n.x - n.half.w).toFixed(1)}px, ${(n.y - n.half.h).toFixed(1)}px)`;
  if (n.at !== at) n.item.style.transform = at;
  n.at = at;
}

/** What a node does, for its card. */
function does(m, is) {
  if (is === 'down' || is === 'left') return did(m) || is;
  const views = (m.views ?? []).map((v) => plain(v, 30));
  const roles = (m.roles ?? []).filter((r) => r !== 'device').map((r) => plain(r, 20));
  const parts = [...roles];
  if (views.length > 0) parts.push(`view${views.length > 1 ? 's' : ''} ${views.join(', ')}`);
  return parts.join(' · ') || 'ready';
}

/** What a node did that is gone. */
function did(m) {
  const of = [...(m.did ?? []).filter((r) => r !== 'device').map((r) => plain(r, 20)), ...(m.didViews ?? []).map((v) => `view ${plain(v, 30)}`)];
  return of.length > 0 ? `was ${of.join(', ')}` : '';
}

function next(m) {
  if (m.goneAt) return '';
  const of = (m.standbyFor ?? []).filter((r) => r !== 'coordinator');
  if (of.length > 0) return `next ${of.map((r) => plain(r, 20)).join(', ')}`;
  if (m.self) return 'this node';
  return Number(m.roundTripUs ?? 0) > 0 ? `${duration(Number(m.roundTripUs) / 1000)} away` : '';
}

/** A node in a sentence. */
function nodeText(m, is) {
  const parts = [plain(m.name, 80), does(m, is)];
  if (is !== 'alive') parts.push({ suspect: 'suspected to be gone', silent: 'its connection broke', down: 'gone', left: 'has left' }[is] ?? plain(is, 20));
  const following = next(m);
  if (following) parts.push(following);
  return parts.join(', ');
}
