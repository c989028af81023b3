// One view of a sample as a small square: its picture, or why there is none.

import { el, setAttribute, setText } from './dom.mjs';
import { viewText } from './explain.mjs';

/** An empty box, to be filled by fillView. */
export function viewBox() { return el('span', { class: 'view' }, el('span')); }

/** Shows what a view did. url is the picture, or '' or undefined. */
export function fillView(box, view, url, spacious = false) {
  setAttribute(box, 'data-what', view.what);
  setAttribute(box, 'title', viewText(view));
  const img = box.querySelector('img');
  if (view.what === 'seen' && url) {
    if (img) {
      if (img.getAttribute('src') !== url) img.src = url;
    } else box.append(el('img', { alt: '', src: url, decoding: 'async' }));
  } else img?.remove();
  setText(box.firstChild, sign(view, url, spacious));
}

function sign(view, url, spacious) {
  switch (view.what) {
    case 'seen': return spacious && url === '' ? 'seen; its picture is not here' : 'seen'; // a picture covers it
    case 'nothing': return spacious ? 'nothing in view' : '–';
    default: return spacious ? `missing: ${view.reason ?? 'nobody said why'}` : '✕';
  }
}
