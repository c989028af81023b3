// When parts are drawn: in animation frames, each part once however often it was marked, and
// no more of them in one frame than there is time for.

const budget = 4; // ms in one frame, after which the rest waits for the next: layout and paint follow, and take as much again
// Until the first view is whole it is a share of the time from frame to frame: where they come
// three times a second, slices of 4 ms would take seconds.
const openingShare = 1 / 16;
const openingMost = 30; // ms
const openingEnd = 10_000; // ms since the page was asked for, after which that counts as so

export class Frames {
  #parts = new Map(); // name to function
  #queue = new Map(); // name to the iterator of a part that is half drawn, undefined of one that is not begun; the next first
  #again = new Set(); // those that were marked while they were half drawn
  #asked = false;
  #began = 0; // when the last frame did
  #known;
  #whole = false; // all that was known at first is drawn

  /** known reports whether there is anything to show. */
  constructor(known = () => true) { this.#known = known; }

  /** Names a part and what draws it: a function or, for what is large, a generator function,
   * which yields where it can be left for the next frame, and yields true where it has to be. A
   * part that is marked while it is half drawn is drawn again when it is whole. */
  part(name, draw) { this.#parts.set(name, draw); }

  /** Has parts drawn soon: in turn, so that on a slow machine too each is. */
  mark(...names) {
    for (const name of names) {
      if (!this.#parts.has(name)) continue;
      if (this.#queue.get(name)) this.#again.add(name);
      else if (!this.#queue.has(name)) this.#queue.set(name, undefined);
    }
    this.#ask();
  }

  #ask() {
    if (this.#asked || this.#queue.size === 0) return;
    this.#asked = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#asked = false;
    const began = performance.now();
    const opening = !this.#whole && began <= openingEnd;
    const share = (began - (this.#began || began)) * openingShare;
    const until = began + (opening ? Math.min(openingMost, Math.max(budget, share)) : budget);
    this.#began = began;
    for (const [name, slices] of [...this.#queue]) {
      this.#queue.delete(name);
      try {
        this.#one(name, slices ?? this.#parts.get(name)(), until);
      } catch (error) {
        console.error(`draw ${name}:`, error); // one part that fails must not stop the others
      }
      if (!this.#queue.has(name) && this.#again.delete(name)) this.#queue.set(name, undefined);
      if (performance.now() > until) break;
    }
    if (this.#queue.size === 0 && this.#known()) this.#whole = true;
    this.#ask();
  }

  #one(name, slices, until) {
    if (typeof slices?.next !== 'function') return;
    let step;
    do step = slices.next(); while (!step.done && step.value !== true && performance.now() < until);
    if (step.done) return;
    if (this.#queue.has(name)) this.#again.add(name); // it marked itself
    this.#queue.set(name, slices); // behind the others
  }
}
