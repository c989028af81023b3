// The timeline: what happened at the node that is asked, the newest first.

import { byId, el } from './dom.mjs';
import { clock, plain } from './format.mjs';

const shownMost = 150;

/** What stands before an event, in a glyph and a tone; words for who listens. */
const kinds = {
  found: ['·', '', 'found'], joined: ['+', 'good', 'joined'], left: ['−', 'warn', 'left'], down: ['✕', 'bad', 'lost'],
  noticed: ['!', 'warn', 'noticed'], claimed: ['⚑', 'role', 'claim'], elected: ['♛', 'role', 'role'], handed_over: ['⇄', 'role', 'handed over'],
  view: ['◉', '', 'view'], bundle: ['▣', '', 'model'], run: ['▶', '', 'run'], verdict: ['?', '', 'verdict'],
  chaos: ['ϟ', 'bad', 'fault'], warning: ['!', 'warn', 'warning'], setting: ['⚙', '', 'setting'],
};

const filters = {
  all: () => true,
  members: (k) => ['found', 'joined', 'left', 'down', 'noticed', 'view'].includes(k),
  roles: (k) => ['claimed', 'elected', 'handed_over'].includes(k),
  faults: (k) => ['chaos', 'down', 'noticed', 'warning'].includes(k),
  model: (k) => ['bundle', 'run', 'setting'].includes(k),
};

export class Timeline {
  #model;
  #list = byId('timeline');
  #kind = byId('timeline-kind');
  #top = null; // the newest event that is shown
  #filter = '';

  constructor(model, redraw) {
    this.#model = model;
    this.#kind.addEventListener('change', redraw);
  }

  /** Draws what is new, an event in a slice; all of it where another filter was chosen. */
  * draw() {
    const wanted = filters[this.#kind.value] ?? filters.all;
    const events = this.#model.events;
    let upTo = this.#filter === this.#kind.value ? events.indexOf(this.#top) : -1;
    if (upTo < 0) {
      this.#list.replaceChildren();
      upTo = events.length;
    }
    this.#filter = this.#kind.value;
    this.#top = events[0] ?? null;
    const fresh = events.slice(0, upTo).filter((e) => wanted(e.kind)).slice(0, shownMost);
    const below = this.#list.firstChild;
    const none = fresh.length === 0 && below === null;
    this.#list.hidden = none;
    byId('timeline-empty').hidden = !none;
    for (const event of fresh) {
      this.#list.insertBefore(entry(event), below);
      yield;
    }
    while (this.#list.childElementCount > shownMost) this.#list.lastChild.remove();
  }
}

function entry(event) {
  const [glyph, tone, word] = Object.hasOwn(kinds, event.kind) ? kinds[event.kind] : ['·', '', plain(event.kind, 20)];
  const at = new Date(event.at);
  return el('li', { 'data-tone': tone, 'data-kind': word },
    el('time', Number.isNaN(at.getTime()) ? {} : { datetime: at.toISOString() }, clock(event.at)),
    el('span', { class: 'glyph', title: word }, el('span', { 'aria-hidden': 'true' }, glyph), el('span', { class: 'unseen' }, word)),
    el('span', { class: 'foreign' }, plain(event.text, 400)));
}
