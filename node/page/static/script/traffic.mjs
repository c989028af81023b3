// Links, and what travels on them: round dots are scores, square ones features. How many there
// are tells more or less; what there is exactly, the charts tell. It draws at 30 frames a
// second, 20 where links are many, while anything moves, and not at all while it is out of sight.

import { colour } from './colours.mjs';
import { reducedMotion } from './dom.mjs';

const frame = 1000 / 30; // ms
const slowFrame = 1000 / 20; // where links are many
const manyLinks = 40;
const journey = 1100; // ms from one end of a link to the other
const dotsMost = 90;
const perLinkMost = 1.1; // dots a second on one link
const newMost = 60; // dots a second in all

export class Traffic {
  #lines; // the canvas of the links, drawn when they change
  #moving; // the canvas of what travels, drawn in each frame
  #at;
  #links = [];
  #rates = { scores: 0, features: 0, up: 0 };
  #dots = []; // {link, began}
  #size = { w: 0, h: 0 };
  #awake = false;
  #visible = true;
  #dirty = true;
  #dotted = false; // whether there are dots on the canvas
  #last = 0;
  #half = 30;

  /** at tells where a peer's node is. */
  constructor(lines, moving, at) {
    this.#lines = new Sheet(lines);
    this.#moving = new Sheet(moving);
    this.#at = at;
    new ResizeObserver(([entry]) => {
      this.#size = { w: entry.contentRect.width, h: entry.contentRect.height };
      this.#dirty = true;
      this.wake();
    }).observe(lines);
    new IntersectionObserver(([entry]) => {
      this.#visible = entry.isIntersecting;
      this.wake();
    }).observe(lines);
    document.addEventListener('visibilitychange', () => this.wake());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.moved();
      this.wake();
    });
  }

  /** Takes the links that there are. */
  connect(links, laid) {
    this.#half = laid.size === 'card' ? 30 : 16;
    const same = links.length === this.#links.length && links.every((l, i) => l.from === this.#links[i].from && l.to === this.#links[i].to && l.kind === this.#links[i].kind);
    if (same) return;
    this.#links = links;
    this.#dots = this.#dots.filter((d) => links.some((l) => l.from === d.link.from && l.to === d.link.to));
    this.#dirty = true;
  }

  /** Takes how many samples a second put something on a link of each kind. */
  rates(rates) {
    this.#rates = rates;
    this.wake();
  }

  /** Says that nodes have moved. */
  moved() { this.#dirty = true; }

  /** Goes on, if there is anything to draw. */
  wake() {
    if (this.#awake || !this.#visible || document.hidden) return;
    this.#awake = true;
    const wait = this.#last + this.#pace() - performance.now();
    if (wait < 12) requestAnimationFrame((t) => this.#frame(t));
    else setTimeout(() => requestAnimationFrame((t) => this.#frame(t)), wait - 8); // frames in which nothing is drawn cost too
  }

  #pace() { return this.#links.length > manyLinks ? slowFrame : frame; }

  #frame(t) {
    this.#awake = false;
    if (!this.#visible || document.hidden) return;
    const over = t - this.#last;
    if (over >= this.#pace() - 8) {
      this.#last = t;
      if (!reducedMotion()) this.#spawn(t, Math.min(over, 200) / 1000);
      else this.#dots.length = 0;
      this.#draw(t);
    }
    const moves = !reducedMotion() && ((this.#rates.scores > 0 && this.#links.length > 0) || this.#dots.length > 0);
    if (moves || this.#dirty || this.#dotted) this.wake();
  }

  #spawn(t, seconds) {
    this.#dots = this.#dots.filter((d) => t - d.began < journey);
    const rates = this.#links.map((l) => Math.min(perLinkMost, this.#rates[l.kind]));
    const total = rates.reduce((sum, r) => sum + r, 0);
    const share = total > newMost ? newMost / total : 1;
    this.#links.forEach((link, i) => {
      if (this.#dots.length < dotsMost && Math.random() < rates[i] * share * seconds) this.#dots.push({ link, began: t });
    });
  }

  /** The links are drawn where they have changed alone: a hundred curves, half of them of dashes,
   * take as long as everything else in a frame. */
  #draw(t) {
    if (this.#dirty) {
      const c = this.#lines.begin(this.#size);
      c.lineWidth = 1.2;
      for (const kind of ['features', 'scores', 'up']) this.#curves(c, kind);
    }
    this.#dirty = false;
    if (this.#dots.length === 0 && !this.#dotted) return;
    this.#dotted = this.#dots.length > 0;
    const c = this.#moving.begin(this.#size);
    for (const dot of this.#dots) this.#dot(c, dot, (t - dot.began) / journey);
  }

  #curves(c, kind) {
    c.strokeStyle = colour(kind === 'scores' ? 'scores' : 'features');
    c.globalAlpha = (this.#links.length > manyLinks ? 0.28 : 0.5) * (kind !== 'features' ? 1 : this.#links.length > manyLinks ? 0.4 : 0.7);
    c.setLineDash(kind === 'features' ? [2, 4] : []);
    c.beginPath();
    for (const link of this.#links) {
      if (link.kind !== kind) continue;
      const curve = this.#curve(link);
      if (!curve) continue;
      c.moveTo(curve.x0, curve.y0);
      c.bezierCurveTo(curve.x0, curve.m, curve.x1, curve.m, curve.x1, curve.y1);
    }
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 1;
  }

  /** From the upper edge of the one to the lower edge of the other; from side to side where
   * they stand beside one another. */
  #curve(link) {
    const [a, b] = [this.#at(link.from), this.#at(link.to)];
    if (!a || !b) return null;
    const level = Math.abs(a.y - b.y) < 2 * this.#half;
    const up = level ? 0 : a.y > b.y ? -this.#half : this.#half;
    const y0 = a.y + up;
    const y1 = b.y - up;
    return { x0: a.x, y0, x1: b.x, y1, m: level ? y0 - 1.6 * this.#half : (y0 + y1) / 2 };
  }

  #dot(c, { link }, share) {
    const curve = this.#curve(link);
    if (!curve) return;
    const s = 1 - share;
    const x = curve.x0 * (s ** 3 + 3 * s * s * share) + curve.x1 * (3 * s * share * share + share ** 3);
    const y = curve.y0 * s ** 3 + 3 * curve.m * s * share + curve.y1 * share ** 3;
    const round = link.kind === 'scores';
    c.fillStyle = colour(round ? 'scores' : 'features');
    if (round) {
      c.beginPath();
      c.arc(x, y, 3.2, 0, 2 * Math.PI);
      c.fill();
    } else c.fillRect(x - 3.5, y - 3.5, 7, 7);
  }
}

/** A canvas that covers the map. */
class Sheet {
  #canvas;
  #context;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
  }

  /** Clears it; what is drawn on it is in CSS pixels. */
  begin(size) {
    const scale = Math.min(2, globalThis.devicePixelRatio || 1);
    const [w, h] = [Math.round(size.w * scale), Math.round(size.h * scale)];
    if (this.#canvas.width !== w || this.#canvas.height !== h) {
      this.#canvas.width = w;
      this.#canvas.height = h;
    }
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
    this.#context.clearRect(0, 0, size.w, size.h);
    return this.#context;
  }
}
