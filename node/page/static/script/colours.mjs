// The colours of colours.css, for what is drawn on a canvas. They are read once: to ask has the
// document's style computed.

const known = new Map();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => known.clear());

/** The colour of a name, such as "local". */
export function colour(name) {
  if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return known.get(name);
}
