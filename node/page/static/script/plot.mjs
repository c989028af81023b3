// One small chart on a canvas: axes with units, lines or stacked areas, marks of events. Lines
// differ by dashes as well as by colour.

import { position } from './scale.mjs';

const left = 46; // room for the numbers
const bottom = 16;
const top = 6;
const right = 4;

export const dashes = [[], [6, 3], [2, 3], [9, 3, 2, 3], []];

/** What a chart is drawn on; it knows its size without asking the document each time. */
export class Plot {
  #canvas;
  #context;
  #width = 0;
  #height = 0;
  #scale = 1;

  constructor(canvas, onSize) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    new ResizeObserver(([entry]) => {
      this.#width = entry.contentRect.width;
      this.#height = entry.contentRect.height;
      onSize();
    }).observe(canvas);
  }

  /** Draws. colours are the page's; marks and text those of the y axis; of is
   * [{values, colour, dash, stacked}] with a value per step, NaN for none; events are
   * [{at (0 to 1), bad}]. */
  draw({ colours, marks, text, logarithmic = false, of, events, spanText }) {
    if (this.#width === 0) return;
    const c = this.#begin();
    const [w, h] = [this.#width - left - right, this.#height - top - bottom];
    const y = (v) => top + h * (1 - position(v, marks, logarithmic));
    c.font = '11px system-ui, sans-serif';
    c.textBaseline = 'middle';
    c.textAlign = 'right';
    for (const mark of marks) {
      c.fillStyle = colours.line;
      c.fillRect(left, Math.round(y(mark)), w, 1);
      c.fillStyle = colours.quiet;
      c.fillText(text(mark), left - 5, Math.min(y(mark), top + h));
    }
    c.textBaseline = 'bottom';
    c.textAlign = 'left';
    c.fillText(spanText, left, this.#height);
    c.textAlign = 'right';
    c.fillText('now', left + w, this.#height);
    c.save();
    c.beginPath();
    c.rect(left, 0, w, top + h + 1);
    c.clip();
    for (const { at, bad } of events) this.#event(c, left + at * w, h, bad ? colours.bad : colours.quiet, bad);
    let under = null;
    for (const line of of) {
      if (line.stacked) under = this.#area(c, line, under, w, y);
      else this.#line(c, line, w, y);
    }
    c.restore();
  }

  #begin() {
    const scale = Math.min(2, globalThis.devicePixelRatio || 1);
    const [w, h] = [Math.round(this.#width * scale), Math.round(this.#height * scale)];
    if (this.#canvas.width !== w || this.#canvas.height !== h || this.#scale !== scale) {
      this.#canvas.width = w;
      this.#canvas.height = h;
      this.#scale = scale;
    }
    const c = this.#context;
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, this.#width, this.#height);
    return c;
  }

  #event(c, x, h, colour, bad) {
    c.strokeStyle = colour;
    c.lineWidth = 1;
    c.setLineDash([2, 2]);
    c.beginPath();
    c.moveTo(x, top);
    c.lineTo(x, top + h);
    c.stroke();
    c.setLineDash([]);
    if (!bad) return;
    c.fillStyle = colour;
    c.beginPath();
    c.moveTo(x - 4, 0);
    c.lineTo(x + 4, 0);
    c.lineTo(x, 7);
    c.fill();
  }

  #line(c, { values, colour, dash }, w, y) {
    c.strokeStyle = colour;
    c.lineWidth = 1.8;
    c.lineJoin = 'round';
    c.setLineDash(dashes[dash % dashes.length]);
    c.beginPath();
    let down = false;
    values.forEach((v, i) => {
      if (!Number.isFinite(v)) {
        down = false;
        return;
      }
      const x = left + ((i + 0.5) / values.length) * w;
      if (down) c.lineTo(x, y(v));
      else c.moveTo(x, y(v));
      if (!down && !Number.isFinite(values[i + 1])) c.lineTo(x + 1.5, y(v)); // a lone point
      down = true;
    });
    c.stroke();
    c.setLineDash([]);
  }

  /** A band above another; its upper edge is drawn with the dash. Returns that edge. */
  #area(c, { values, colour, dash }, under, w, y) {
    const over = values.map((v, i) => (Number.isFinite(v) ? v + (under?.[i] || 0) : under?.[i] ?? NaN));
    const step = w / values.length;
    c.fillStyle = colour;
    c.globalAlpha = 0.3;
    c.beginPath();
    values.forEach((v, i) => {
      if (!(v > 0)) return;
      const [from, to] = [y(over[i]), y(under?.[i] || 0)];
      c.rect(left + i * step, from, step + 0.4, to - from);
    });
    c.fill();
    c.globalAlpha = 1;
    this.#line(c, { values: over.map((v, i) => (values[i] > 0 ? v : NaN)), colour, dash }, w, y);
    return over;
  }
}
