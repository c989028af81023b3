// When parts are drawn: in animation frames, each part once however often it was marked, and
// no more of them in one frame than there is time for.

const budget = 8; // ms in one frame, after which the rest waits for the next

export class Frames {
  #parts = new Map(); // name to function
  #marked = new Set();
  #asked = false;

  /** Names a part and what draws it. */
  part(name, draw) { this.#parts.set(name, draw); }

  /** Has parts drawn soon. */
  mark(...names) {
    for (const name of names) if (this.#parts.has(name)) this.#marked.add(name);
    this.#ask();
  }

  #ask() {
    if (this.#asked || this.#marked.size === 0) return;
    this.#asked = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#asked = false;
    const began = performance.now();
    for (const name of [...this.#marked]) {
      this.#marked.delete(name);
      try {
        this.#parts.get(name)();
      } catch (error) {
        console.error(`draw ${name}:`, error); // one part that fails must not stop the others
      }
      if (performance.now() - began > budget) break;
    }
    this.#ask();
  }
}
