// What views saw, as pictures: asked for a few at a time, the newest first, and kept in a
// bounded number.

const keptMost = 800; // pictures of some kilobytes each
const waitingMost = 32;
const atOnceMost = 4;
const pace = 30; // ms from one to the next: they cost their node too
const coldFor = 4_000; // ms that a view is not asked about after refusals
const refusalsMost = 3;
const together = 200; // ms in which those that come are gathered

/** What names a picture that a camera took: there is no other of its sample. */
function ownKey(sample, view) { return `${sample} ${view}`; }

/** What names a picture where it is replayed: the same one comes again at each pass. A camera may
 * be beside nodes that replay, so that its samples have an element of the data set too. */
function keyOf(verdict, view) {
  const sample = String(verdict.sample);
  return verdict.ref === undefined ? ownKey(sample, view) : `${sample.slice(0, sample.lastIndexOf('/'))}#${verdict.ref} ${view}`;
}

export class Pictures {
  #node;
  #onCome;
  #kept = new Map(); // key to the URL of a blob, or '' for one that this node may not have
  #waiting = new Map(); // key to {sample, view}, the newest last
  #asking = new Set();
  #paced = false; // one was asked for a moment ago
  #telling = 0; // timer of those that came
  #refusals = new Map(); // view to {count, until}

  /** onCome is called when pictures have come. */
  constructor(node, onCome) {
    this.#node = node;
    this.#onCome = onCome;
  }

  /** The picture as a URL of this document; '' where this node may not have it; undefined while it is
   * being asked for, or is to be asked for later. ask has it asked for. */
  get(verdict, view, ask = true) {
    const key = keyOf(verdict, view);
    const known = this.#kept.get(key) ?? this.#kept.get(ownKey(verdict.sample, view));
    if (known !== undefined || !ask) return known;
    if (this.#asking.has(key) || (this.#refusals.get(view)?.until ?? 0) > performance.now()) return undefined;
    this.#waiting.delete(key);
    this.#waiting.set(key, { sample: verdict.sample, view });
    if (this.#waiting.size > waitingMost) this.#waiting.delete(this.#waiting.keys().next().value);
    this.#next();
    return undefined;
  }

  #next() {
    if (this.#paced || this.#asking.size >= atOnceMost || this.#waiting.size === 0) return;
    const [key, of] = [...this.#waiting].at(-1);
    this.#waiting.delete(key);
    this.#asking.add(key);
    this.#ask(key, of).finally(() => {
      this.#asking.delete(key);
      this.#next();
    });
    this.#paced = true;
    setTimeout(() => {
      this.#paced = false;
      this.#next();
    }, pace);
  }

  async #ask(key, { sample, view }) {
    try {
      const { png, replayed } = await this.#node.call('Look', { sample, view });
      this.#keep(replayed ? key : ownKey(sample, view), urlOf(png));
      this.#refusals.delete(view);
      this.#tell();
    } catch (error) {
      if (error.code === 'unavailable' || error.code === 'canceled') return; // asked again when it is looked at again
      this.#keep(ownKey(sample, view), '');
      const count = (this.#refusals.get(view)?.count ?? 0) + 1;
      this.#refusals.set(view, { count, until: count >= refusalsMost ? performance.now() + coldFor : 0 });
      if (this.#refusals.size > 256) this.#refusals.clear();
      this.#tell();
    }
  }

  /** Pictures are shown several at once: each alone would have the list laid out and painted. */
  #tell() {
    this.#telling ||= setTimeout(() => {
      this.#telling = 0;
      this.#onCome();
    }, together);
  }

  #keep(key, url) {
    this.#kept.set(key, url);
    if (this.#kept.size <= keptMost) return;
    const [oldest, gone] = this.#kept.entries().next().value;
    this.#kept.delete(oldest);
    if (gone) URL.revokeObjectURL(gone); // where it is shown, it stays
  }
}

/** A picture of protojson, which is base64, as a URL; '' where there is none. */
function urlOf(png) {
  if (!png) return '';
  return URL.createObjectURL(new Blob([Uint8Array.from(atob(png), (c) => c.charCodeAt(0))], { type: 'image/png' }));
}
