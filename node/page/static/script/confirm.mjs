// A question before what nothing takes back.

import { byId, el } from './dom.mjs';

/** Asks; resolves to whether it was agreed to. The safe answer has the keyboard. */
export function confirm({ title, text, act }) {
  const dialog = byId('confirm');
  return new Promise((resolve) => {
    const no = el('button', { type: 'button', class: 'button', onclick: () => dialog.close('no') }, 'Leave it');
    const yes = el('button', { type: 'button', class: 'button danger', onclick: () => dialog.close('yes') }, act);
    dialog.replaceChildren(el('div', { class: 'stack' }, el('h2', { id: 'confirm-title', class: 'foreign' }, title), el('p', {}, text), el('div', { class: 'row end' }, no, yes)));
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
    dialog.returnValue = 'no';
    dialog.showModal();
    no.focus();
  });
}
