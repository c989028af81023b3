// When parts are drawn: in animation frames, each part once however often it was marked, and
// no more of them in one frame than there is time for.

const budget = 4; // ms in one frame, after which the rest waits for the next: layout and paint follow, and take as much again
const openingBudget = 20; // for who opens a page waits for the first view, and has nothing yet that would jerk
const opening = 1500; // ms since the page was asked for

export class Frames {
  #parts = new Map(); // name to function
  #marked = new Set();
  #begun = new Map(); // name to the iterator of a part that is drawn in slices
  #asked = false;

  /** Names a part and what draws it, the more urgent first: a function or, for what is large, a generator function,
   * which yields where it can be left for the next frame, and yields true where it has to be. A
   * part that is marked while it is half drawn is drawn again when it is whole. */
  part(name, draw) { this.#parts.set(name, draw); }

  /** Has parts drawn soon. */
  mark(...names) {
    for (const name of names) if (this.#parts.has(name)) this.#marked.add(name);
    this.#ask();
  }

  #ask() {
    if (this.#asked || this.#marked.size + this.#begun.size === 0) return;
    this.#asked = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#asked = false;
    const began = performance.now();
    const until = began + (began < opening ? openingBudget : budget);
    const fresh = [...this.#parts.keys()].filter((name) => this.#marked.has(name) && !this.#begun.has(name));
    for (const name of [...this.#begun.keys(), ...fresh]) {
      try {
        this.#one(name, until);
      } catch (error) {
        this.#begun.delete(name);
        console.error(`draw ${name}:`, error); // one part that fails must not stop the others
      }
      if (performance.now() > until) break;
    }
    this.#ask();
  }

  #one(name, until) {
    let slices = this.#begun.get(name);
    if (!slices) {
      this.#marked.delete(name);
      slices = this.#parts.get(name)();
      if (typeof slices?.next !== 'function') return;
    }
    this.#begun.delete(name);
    let step;
    do step = slices.next(); while (!step.done && step.value !== true && performance.now() < until);
    if (!step.done) this.#begun.set(name, slices); // behind the others
  }
}
