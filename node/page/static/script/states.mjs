// What is said of the connection, of emptiness and in the header; and the few things that a
// screen reader is told unasked.

import { byId, setAttribute, setText } from './dom.mjs';
import { merged, summary } from './figures.mjs';
import { bytes, clock, count, duration, number, percent, plain } from './format.mjs';

const unsaidMost = 5;
const heardAfter = 1_500; // ms that one announcement stands

const pills = { loading: 'connecting', connecting: 'connecting', live: 'live', lost: 'connection lost', busy: 'too many pages', refused: 'refused', token: 'locked', hidden: 'asleep' };

export class States {
  #model;
  #retry;
  #now = { state: 'loading', error: null, since: 0, next: 0 };
  #spoken = new Map(); // text to when it was told
  #unsaid = []; // what waits until the one before was heard

  constructor(model, retry) {
    this.#model = model;
    this.#retry = retry;
    byId('banner-act').addEventListener('click', () => this.#retry());
  }

  /** Takes the state of the connection. */
  connection(state) {
    const before = this.#now.state;
    this.#now = state;
    document.body.dataset.state = state.state;
    if (state.state === 'lost' && before === 'live') this.announce('The connection to the node is lost. It is tried again.');
    if (state.state === 'live' && before !== 'live' && before !== 'loading' && before !== 'connecting') this.announce('The node answers again.');
    this.draw();
  }

  get state() { return this.#now.state; }

  /** Tells who listens: one thing after another, none twice in ten seconds, and where much
   * happens at once the first of it and the last. */
  announce(text) {
    const now = performance.now();
    for (const [told, at] of this.#spoken) if (now - at > 10_000) this.#spoken.delete(told);
    if (this.#spoken.has(text)) return;
    this.#spoken.set(text, now);
    this.#unsaid.push(text);
    if (this.#unsaid.length > unsaidMost) this.#unsaid.splice(unsaidMost - 1, 1);
    if (this.#unsaid.length === 1) this.#tell();
  }

  #tell() {
    setText(byId('live'), this.#unsaid[0]);
    setTimeout(() => {
      this.#unsaid.shift();
      if (this.#unsaid.length > 0) this.#tell();
    }, heardAfter);
  }

  /** Draws what the connection is, and the header. It is called once a second too. */
  draw() {
    const { state } = this.#now;
    const pill = byId('connection');
    setAttribute(pill, 'data-state', state);
    setText(byId('connection-text'), pills[state] ?? state);
    this.#banner();
    this.#header();
    this.#empty();
  }

  #banner() {
    const { state, error, since, next } = this.#now;
    const now = Date.now();
    const again = next > now ? `Next try in ${Math.ceil((next - now) / 1000)} s.` : 'Trying…';
    let text = '';
    const last = this.#model.lastAt ? ` since ${clock(since)}, ${duration(Math.max(1000, Math.round((now - since) / 1000) * 1000))}. What you see is the last picture.` : '.';
    switch (state) {
      case 'lost': text = `${this.#model.lastAt ? 'No connection to the node' : 'The node does not answer'}${last} ${again} (${plain(error?.message, 160)})`; break;
      case 'busy': text = `The node has as many watchers as it takes. Close another page of it. ${again} (${plain(error?.message, 160)})`; break;
      case 'refused': text = `The node does not let this page watch it: ${plain(error?.message, 300)}. ${again}`; break;
      default: break;
    }
    const banner = byId('banner');
    banner.hidden = text === '';
    setAttribute(banner, 'data-kind', state === 'busy' ? 'warn' : 'bad');
    setText(byId('banner-text'), text);
    byId('banner-act').hidden = text === '';
  }

  #header() {
    const { status } = this.#model;
    if (!status) return;
    const name = plain(status.name, 40);
    setText(byId('seen-by'), `mesh ${plain(status.mesh, 16)}${status.open ? ', open to all' : ''}, as ${name} sees it`);
    const title = `ganglion: ${name}`;
    if (document.title !== title) document.title = title;
    const s = summary(merged(this.#model.seconds.last(10, Math.floor(this.#model.lastAt / 1000) + 1)));
    setText(byId('head-rate'), Number.isFinite(s.rate) && s.total > 0 ? `${number(s.rate)}/s` : '–');
    setText(byId('head-local'), percent(s.share('local')));
    setText(byId('head-latency'), duration(s.latency(0.5)));
    setText(byId('head-accuracy'), percent(s.accuracy));
    setText(byId('head-payload'), Number.isFinite(s.bytesPerVerdict) ? bytes(s.bytesPerVerdict) : '–');
    const alive = this.#model.present.length;
    const gone = this.#model.all.length - alive;
    setText(byId('head-nodes'), gone > 0 ? `${alive} (−${gone})` : String(alive));
    setText(byId('map-note'), this.#mapNote(alive, gone));
  }

  #mapNote(alive, gone) {
    const parts = [count(alive, 'node')];
    if (gone > 0) parts.push(`${gone} gone`);
    const { views = [] } = this.#model.status;
    const held = new Set(this.#model.present.flatMap((m) => m.views ?? []));
    const free = views.filter((v) => !held.has(v));
    if (views.length > 0) parts.push(free.length === 0 ? (views.length === 1 ? 'its view is held' : `all ${views.length} views held`) : free.length <= 4 ? `nobody is view ${free.map((v) => plain(v, 20)).join(', ')}` : `${free.length} of ${views.length} views held by nobody`);
    return parts.join(' · ');
  }

  /** Why there are no verdicts, and what to do. */
  #empty() {
    if (this.#model.verdicts.length > 0) return;
    const { status } = this.#model;
    let [title, text, act] = ['Connecting', 'The first answer of the node is awaited.', ''];
    if (status && !status.run) {
      const sources = this.#model.present.some((m) => m.views?.length > 0);
      title = 'No run';
      text = sources ? 'The views are there; nobody has begun a run of this site yet.' : 'No node has a camera or a replay. A run begins when one has:';
      act = sources ? '' : 'ganglion node --token-file - --source street';
    } else if (status) {
      title = 'No verdicts yet';
      text = `The run has begun, a beat each ${duration(Number(status.run.periodNs ?? 0) / 1e6)}. The first verdict comes when its devices have spoken.`;
    }
    setText(byId('list-empty-title'), title);
    setText(byId('list-empty-text'), text);
    byId('list-empty-do').hidden = act === '';
    setText(byId('list-empty-do').firstChild, act);
  }
}
