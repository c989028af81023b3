// Making and changing elements. Text is only ever text; there is no way here to put HTML, a
// style attribute or a script in.

/** An element with attributes and children, which are elements or text. A value of false,
 * null or undefined is left out; a function becomes a listener ("on..."). */
export function el(tag, attributes = {}, ...children) {
  const out = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') out.addEventListener(name.slice(2), value);
    else out.setAttribute(name, value === true ? '' : String(value));
  }
  out.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return out;
}

/** The element of an id, which is in index.html. */
export function byId(id) { return document.getElementById(id); }

/** Sets a text, where it is another: a document that does not change costs nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute, where it is another; null takes it away. */
export function setAttribute(node, name, value) {
  if (value === null) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** A heading with a button that closes the dialog or panel around it. The heading has the
 * keyboard first: it says where one is, and a key that is still down does nothing there. */
export function head(id, title, close, level = 'h2') {
  return el('div', { class: 'dialog-head' }, el(level, { id, class: 'foreign', tabindex: -1, autofocus: true }, title),
    el('button', { type: 'button', class: 'button', 'aria-label': 'Close', onclick: close }, '✕'));
}

/** Pairs of a name and a text. */
export function facts(pairs) {
  return el('dl', { class: 'facts' }, pairs.flatMap(([name, text]) => [el('dt', {}, name), el('dd', { class: 'foreign' }, text)]));
}

/** Whether a person wants things to keep still. It is asked anew each time: it may change. */
const still = matchMedia('(prefers-reduced-motion: reduce)');
export function reducedMotion() { return still.matches; }
