// A question before what nothing takes back.

import { byId, el } from './dom.mjs';

/** Asks; resolves to whether it was agreed to. The safe answer has the keyboard. */
export function confirm({ title, text, act }) {
  const dialog = byId('confirm');
  return new Promise((resolve) => {
    // Not by the dialog's close event: that of the question before may come late.
    const answer = (agreed) => () => {
      dialog.close();
      resolve(agreed);
    };
    const no = el('button', { type: 'button', class: 'button', onclick: answer(false) }, 'Leave it');
    const yes = el('button', { type: 'button', class: 'button danger', onclick: answer(true) }, act);
    dialog.replaceChildren(el('div', { class: 'stack' }, el('h2', { id: 'confirm-title', class: 'foreign' }, title), el('p', {}, text), el('div', { class: 'row end' }, no, yes)));
    dialog.oncancel = () => resolve(false); // Escape
    dialog.showModal();
    no.focus();
  });
}
