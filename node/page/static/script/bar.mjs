// An entropy as a bar from 0 to 1, with the mark of its threshold. Filled where the exit was
// sure, hatched where it was not: colour alone says nothing.

import { el, setAttribute } from './dom.mjs';
import { comparison, sure } from './explain.mjs';

/** A bar, to be filled by fillBar. */
export function bar() { return el('span', { class: 'bar', role: 'img' }, el('i'), el('b')); }

/** Shows a proposal. */
export function fillBar(node, proposal) {
  setAttribute(node, 'data-sure', sure(proposal));
  setAttribute(node, 'aria-label', comparison(proposal));
  setAttribute(node, 'title', comparison(proposal));
  setAttribute(node, 'class', `bar tone-${tone(proposal.exit)}`);
  node.firstChild.style.width = width(proposal.entropy ?? 0);
  node.lastChild.style.left = width(proposal.threshold ?? 0);
  node.lastChild.hidden = false;
}

/** Shows a share, without a threshold. */
export function fillShare(node, share, of) {
  setAttribute(node, 'data-sure', true);
  setAttribute(node, 'class', `bar tone-${tone(of)}`);
  node.firstChild.style.width = width(share);
  node.lastChild.hidden = true;
}

function width(share) { return `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`; }

/** The class name of an exit's colour: one of ours, whatever the network says. */
export function tone(exit) { return ['local', 'edge', 'cloud', 'refused'].includes(exit) ? exit : 'none'; }
