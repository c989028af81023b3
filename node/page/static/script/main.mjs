// Where the parts of the page meet: answers go into the model, and what changed is drawn.

import { Charts } from './charts.mjs';
import { Checkup } from './checkup.mjs';
import { Node } from './connect.mjs';
import { Detail } from './detail.mjs';
import { Frames } from './frames.mjs';
import { plain } from './format.mjs';
import { MeshMap } from './map.mjs';
import { Model } from './model.mjs';
import { NodePanel } from './nodepanel.mjs';
import { Pictures } from './pictures.mjs';
import { States } from './states.mjs';
import { Timeline } from './timeline.mjs';
import { answered, ask, takeFromAddress, token } from './token.mjs';
import { Tuning } from './tuning.mjs';
import { VerdictList } from './verdicts.mjs';
import { Watcher } from './watch.mjs';

const hiddenFor = 60_000; // ms after which a page that nobody sees lets go of its stream

function start() {
  takeFromAddress();
  const node = new Node({ token });
  const model = new Model();
  const frames = new Frames(() => model.answered > 0);
  const mark = (...names) => () => frames.mark(...names);

  const states = new States(model, () => watcher.retry());
  const announce = (text) => states.announce(text);
  const pictures = new Pictures(node, mark('pictures'));
  const list = new VerdictList(model, pictures, (verdict) => detail.open(verdict), mark('verdicts'), mark('pictures'));
  const detail = new Detail(model, pictures, (verdict, by) => list.beside(verdict, by), (verdict) => list.choose(verdict));
  const panel = new NodePanel(node, model, (peer) => {
    map.select('');
    if (peer) map.focusOn(peer);
  }, announce);
  const map = new MeshMap(model, (peer) => {
    panel.open(peer);
    map.select(panel.peer);
  }, mark('members'));
  const charts = new Charts(model, mark('charts'));
  const timeline = new Timeline(model, mark('events'));
  const tuning = new Tuning(node, model, announce);
  const checkup = new Checkup(node, model);

  frames.part('status', () => {
    states.draw();
    checkup.draw(Date.now());
  });
  frames.part('members', () => map.draw());
  frames.part('panel', () => panel.draw());
  frames.part('verdicts', () => list.draw());
  frames.part('pictures', function* () {
    detail.pictured();
    yield* list.pictured();
  });
  frames.part('events', () => timeline.draw());
  frames.part('thresholds', () => tuning.draw());
  frames.part('flow', () => map.flow());
  frames.part('charts', () => charts.draw());

  const watcher = new Watcher(node, { intervalMs: 250, verdicts: 8 }, {
    onState: (state) => {
      if (state.state === 'live') {
        model.begin();
        answered();
      }
      if (state.state === 'token') ask(() => watcher.retry());
      states.connection(state);
    },
    onAnswer: (answer) => {
      const now = Date.now();
      const changed = model.take(answer, now);
      if (changed.has('links')) charts.noteLinks(now);
      tellOf(model, answer, announce);
      frames.mark(...changed);
      if (changed.has('members')) frames.mark('status'); // how many there are
      if (['members', 'links', 'status'].some((of) => changed.has(of))) frames.mark('panel');
    },
    onFault: (error) => console.error('an answer could not be shown:', error),
  });

  setInterval(() => {
    if (document.hidden) return;
    if (model.tick(Date.now())) frames.mark('members', 'panel');
    frames.mark('status');
    if (states.state === 'live') frames.mark('flow', 'charts', 'verdicts'); // else the last picture stays
  }, 1000);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', mark('charts', 'members'));
  sleepWhileHidden(watcher);
  addEventListener('online', () => watcher.retry());
  states.draw();
  watcher.run();
}

/** Who listens is told of who went and which role moved; not of each verdict. */
function tellOf(model, answer, announce) {
  if (model.answered <= 1) return;
  const gone = (answer.events ?? []).filter((e) => e.kind === 'down').map((e) => plain(e.text, 80));
  const moved = model.moved.map((m) => `${plain(model.members.get(m.to)?.name, 40)} is ${plain(m.role, 20)} now`);
  const text = [...gone, ...moved].slice(0, 3).join('. ');
  if (text) announce(text);
}

/** A browser has six connections for all pages of one node, and a stream holds one. */
function sleepWhileHidden(watcher) {
  let timer = 0;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => watcher.pause(), hiddenFor);
    else watcher.resume();
  });
}

if (!document.documentElement.classList.contains('is-old')) start();
