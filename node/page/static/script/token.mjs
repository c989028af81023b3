// The API token of a node that asks for one: given by hand, or behind "#token=" in the address,
// which is taken out of it at once. It is kept for this tab alone.

import { byId, setText } from './dom.mjs';

const kept = 'ganglion.token';

/** The token, or ''. */
export function token() {
  try {
    return sessionStorage.getItem(kept) ?? '';
  } catch {
    return memory; // a browser that keeps nothing
  }
}

let memory = '';

function keep(text) {
  memory = text;
  try {
    sessionStorage.setItem(kept, text);
  } catch { /* it is kept until the page is left */ }
}

/** Takes the token out of the address, before anything else sees it. */
export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return;
  history.replaceState(null, '', location.pathname + location.search);
  if (given.trim() !== '') keep(given.trim());
}

/** Asks for it until onGiven is called. */
export function ask(onGiven) {
  const dialog = byId('token');
  const input = byId('token-text');
  setText(byId('token-error'), token() ? 'The node does not take this token.' : '');
  if (!dialog.open) dialog.showModal();
  byId('token-form').onsubmit = (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!/^[\x21-\x7e]{16,256}$/.test(text)) {
      setText(byId('token-error'), 'A token is one word of 16 to 256 characters.');
      return;
    }
    keep(text);
    input.value = '';
    dialog.close();
    onGiven();
  };
}

/** Takes the question away, when the node answers. */
export function answered() { if (byId('token').open) byId('token').close(); }
