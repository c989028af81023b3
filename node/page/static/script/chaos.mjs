// Harm on purpose to one node, where it allows that: what, for how long, how bad. To kill asks
// again, for nothing takes it back.

import { el, setText } from './dom.mjs';
import { duration, fromNs, plain } from './format.mjs';
import { confirm } from './confirm.mjs';

/** What can be done, as package chaos says it. */
const deeds = [
  ['pause', 'Pause: it stands still'], ['cut', 'Cut: no packet in or out'], ['slow', 'Slow: answers come late'],
  ['lose', 'Lose: packets vanish'], ['kill', 'Kill: the process ends at once'], ['heal', 'Heal: end all of it'],
];

/** The Fault message of what the fields say; times in seconds and ms, the loss in per cent. */
export function faultOf(what, { seconds, delay, loss }) {
  const fault = { do: what };
  if (what !== 'kill' && what !== 'heal') fault.forNs = String(Math.round(seconds * 1e9));
  if (what === 'slow') fault.delayNs = String(Math.round(delay * 1e6));
  if (what === 'lose') fault.loss = loss / 100;
  return fault;
}

export class Chaos {
  #node;
  #announce;
  #parts = null;
  #peer = '';

  constructor(node, announce) {
    this.#node = node;
    this.#announce = announce;
  }

  /** The controls for a member. */
  of(member) {
    this.#peer = member.peer;
    if (!member.allowsChaos) {
      this.#parts = null;
      return el('p', { class: 'quiet chaos' }, 'It takes no faults on purpose: it was started without --allow-chaos.');
    }
    const field = (text, value, min, max, step = 1) => {
      const input = el('input', { type: 'number', value, min, max, step, inputmode: 'decimal', required: true });
      return { input, label: el('label', {}, text, input) };
    };
    const what = el('select', { 'aria-label': 'What is done to it' }, deeds.map(([value, text]) => el('option', { value }, text)));
    const seconds = field('for, seconds', 10, 1, 600);
    const delay = field('late by, ms', 100, 1, 10_000);
    const loss = field('lost, %', 5, 1, 90);
    const act = el('button', { type: 'submit', class: 'button danger' }, 'Do it');
    const said = el('p', { class: 'quiet foreign', role: 'status' });
    const inForce = el('p', { class: 'quiet' });
    const fit = () => {
      seconds.label.hidden = what.value === 'kill' || what.value === 'heal';
      delay.label.hidden = what.value !== 'slow';
      loss.label.hidden = what.value !== 'lose';
      for (const { label, input } of [seconds, delay, loss]) input.disabled = label.hidden;
    };
    what.addEventListener('change', fit);
    fit();
    this.#parts = { said, inForce, act };
    return el('form', {
      class: 'chaos',
      onsubmit: (event) => {
        event.preventDefault();
        this.#do(member, faultOf(what.value, { seconds: Number(seconds.input.value), delay: Number(delay.input.value), loss: Number(loss.input.value) }));
      },
    }, el('h3', {}, 'Do harm on purpose'), what, el('div', { class: 'fields' }, seconds.label, delay.label, loss.label), el('div', { class: 'row' }, act), inForce, said);
  }

  /** Shows what is in force, where that is known: faults of this node, or null. */
  follow(member, faults) {
    if (!this.#parts || member.peer !== this.#peer) return;
    const text = (faults ?? []).map(({ fault, leftNs }) => `${plain(fault?.do, 20)}, ${duration(Math.ceil(fromNs(leftNs) / 1000) * 1000)} left`).join('; ');
    setText(this.#parts.inForce, text ? `In force: ${text}` : '');
    this.#parts.act.disabled = Boolean(member.goneAt) && member.state === 'left';
  }

  async #do(member, fault) {
    const parts = this.#parts;
    const name = plain(member.name, 60);
    if (fault.do === 'kill' && !(await confirm({
      title: `Kill ${name}?`, act: 'Kill it',
      text: `Its process ends at once, as by kill -9, and does not come back by itself.${member.self ? ' It is the node that serves this page: the page ends with it.' : ''}`,
    }))) return;
    setText(parts.said, 'asking…');
    try {
      await this.#node.call('Inject', { peer: member.peer, fault });
      setText(parts.said, `${fault.do}: ${name} took it`);
      this.#announce(`${fault.do}: ${name} took it`);
    } catch (error) {
      setText(parts.said, `${name} did not take it: ${plain(error.message, 300)}`);
    }
  }
}
