// Following a node: when it is tried again, and what is said meanwhile. Time is made up.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CallError } from '../static/script/connect.mjs';
import { Watcher, backoff, stateOf } from '../static/script/watch.mjs';

/** A clock that moves when it is told to. */
class Clock {
  time = 1_000_000;
  #timers = new Map();
  #next = 1;

  now() { return this.time; }

  random() { return 0.5; }

  after(ms, act) {
    this.#timers.set(this.#next, { at: this.time + ms, act });
    return this.#next++;
  }

  cancel(timer) { this.#timers.delete(timer); }

  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.time = due[1].at;
      due[1].act();
    }
    this.time = end;
    await settle();
  }
}

async function settle() { for (let i = 0; i < 20; i++) await null; }

/** A node whose streams a test plays: each is asked, answers, and ends as it is told. */
class Played {
  streams = [];

  async* stream(method, request, { signal }) {
    const one = { request, queue: [], wake: () => {} };
    signal.addEventListener('abort', () => one.fail(new CallError('canceled', 'ended')));
    one.say = (answer) => { one.queue.push({ answer }); one.wake(); };
    one.fail = (error) => { one.queue.push({ error }); one.wake(); };
    this.streams.push(one);
    for (;;) {
      while (one.queue.length === 0) await new Promise((resolve) => { one.wake = resolve; });
      const { answer, error } = one.queue.shift();
      if (error) throw error;
      yield answer;
    }
  }

  get last() { return this.streams.at(-1); }
}

function watching() {
  const [node, clock, states, answers] = [new Played(), new Clock(), [], []];
  const watcher = new Watcher(node, { verdicts: 8 }, { onState: (s) => states.push(s), onAnswer: (a) => answers.push(a) }, clock);
  watcher.run();
  return { node, clock, states, answers, watcher };
}

test('waits double, up to five seconds, and are spread', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 60].map((n) => backoff(n, 0.5)), [250, 500, 1000, 2000, 4000, 5000, 5000]);
  assert.equal(backoff(6, 0), 3750);
  assert.ok(backoff(6, 0.999) < 6250);
});

test('errors have states', () => {
  assert.deepEqual(['unauthenticated', 'resource_exhausted', 'unimplemented', 'unavailable', 'internal'].map((code) => stateOf({ code })), ['token', 'busy', 'refused', 'lost', 'lost']);
});

test('a stream that ends is begun anew, behind the last event', async () => {
  const { node, clock, states, answers } = watching();
  await settle();
  assert.equal(states.at(-1).state, 'connecting');
  node.last.say({ status: { peer: 'p', pid: '1' }, events: [{ number: '41' }, { number: '42' }] });
  await settle();
  assert.equal(states.at(-1).state, 'live');
  assert.equal(answers.length, 1);
  node.last.fail(new CallError('unavailable', 'broke'));
  await settle();
  assert.deepEqual({ state: states.at(-1).state, since: states.at(-1).since, next: states.at(-1).next }, { state: 'lost', since: clock.time, next: clock.time + 250 });
  await clock.pass(250);
  assert.equal(node.streams.length, 2);
  assert.equal(node.last.request.afterEvent, '42');
});

test('since when it is lost stays, over many tries', async () => {
  const { node, clock, states } = watching();
  await settle();
  node.last.say({});
  await settle();
  const since = clock.time;
  for (let i = 0; i < 5; i++) {
    node.last.fail(new CallError('unavailable', 'broke'));
    await clock.pass(6000);
  }
  assert.equal(states.filter((s) => s.state === 'lost').every((s) => s.since === since), true);
  assert.equal(node.streams.length, 6);
});

test('a node that says nothing is lost', async () => {
  const { node, clock, states } = watching();
  await settle();
  node.last.say({});
  await clock.pass(5900);
  assert.equal(states.at(-1).state, 'live');
  await clock.pass(200);
  assert.equal(states.at(-1).state, 'lost');
  assert.match(states.at(-1).error.message, /nothing came for 6 s/);
});

test('a node that is slow to begin is waited for longer', async () => {
  const { node, clock, states, answers } = watching();
  await clock.pass(15_000);
  node.last.say({});
  await settle();
  assert.equal(answers.length, 1);
  assert.equal(states.at(-1).state, 'live');
  const other = watching();
  await other.clock.pass(21_000);
  assert.match(other.states.findLast((s) => s.error).error.message, /nothing came for 20 s/);
});

test('it asks for a token once, and goes on when it has one', async () => {
  const { node, clock, states, watcher } = watching();
  await settle();
  node.last.fail(new CallError('unauthenticated', 'token'));
  await clock.pass(60_000);
  assert.equal(states.at(-1).state, 'token');
  assert.equal(node.streams.length, 1);
  watcher.retry();
  await settle();
  assert.equal(node.streams.length, 2);
});

test('while nobody looks it lets go, and comes back', async () => {
  const { node, clock, states, watcher } = watching();
  await settle();
  node.last.say({});
  await settle();
  watcher.pause();
  await clock.pass(60_000);
  assert.equal(states.at(-1).state, 'hidden');
  assert.equal(node.streams.length, 1);
  watcher.resume();
  await settle();
  assert.equal(node.streams.length, 2);
});

test('a node that was started anew tells all of its events', async () => {
  const { node, clock } = watching();
  await settle();
  node.last.say({ status: { peer: 'p', pid: '1' }, events: [{ number: '900' }] });
  await settle();
  node.last.fail(new CallError('unavailable', 'broke'));
  await clock.pass(1000);
  node.last.say({ status: { peer: 'p', pid: '2' }, events: [] });
  await clock.pass(1000);
  assert.equal(node.last.request.afterEvent, '0');
});
