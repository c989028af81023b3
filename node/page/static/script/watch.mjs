// One stream of Watch after another: what is asked, when it is tried again, and what a person
// is told meanwhile. Time and the network are given, so that tests have their own.

import { CallError } from './connect.mjs';

const firstWait = 250; // ms before the second try
const mostWait = 5_000; // ms between tries
const silenceMost = 6_000; // ms without an answer: a node says something every second
const firstMost = 20_000; // ms until the first: a page must not give up on a slow node again and again
const settled = 3_000; // ms after which a stream counts as good, and the waits begin anew

/** How long to wait before the try after so many failures in a row: doubling, with jitter, so
 * that many pages do not come back at the same moment. random is in [0, 1). */
export function backoff(failures, random) {
  const full = Math.min(mostWait, firstWait * 2 ** Math.max(0, failures - 1));
  return Math.round(full * (0.75 + 0.5 * random));
}

/** What a failed stream means for a person: "token" (one is asked for), "busy" (too many
 * watch), "refused" (the node cannot, or will not), or "lost". */
export function stateOf(error) {
  switch (error?.code) {
    case 'unauthenticated': return 'token';
    case 'resource_exhausted': return 'busy';
    case 'unimplemented': case 'permission_denied': case 'failed_precondition': case 'invalid_argument': return 'refused';
    default: return 'lost';
  }
}

/** Follows a node for ever. Callbacks:
 * onAnswer(answer), onState({state, error, since, next}) with state one of connecting, live,
 * lost, busy, refused, token, hidden; since and next are times of clock.now(), in ms. */
export class Watcher {
  #node;
  #clock;
  #callbacks;
  #request;
  #lastEvent = 0;
  #failures = 0;
  #since = 0; // when the last stream ended, or 0: none did
  #stream = null; // AbortController of the present one
  #wake = null; // ends a wait
  #paused = false;
  #stopped = false;
  #lostBy = '';

  constructor(node, request, callbacks, clock = systemClock()) {
    this.#node = node;
    this.#request = request;
    this.#callbacks = callbacks;
    this.#clock = clock;
  }

  /** Runs until stop is called. */
  async run() {
    while (!this.#stopped) {
      if (this.#paused) {
        this.#say('hidden');
        await this.#wait(Infinity);
        continue;
      }
      if (this.#since === 0) this.#say('connecting');
      const error = await this.#one();
      if (this.#stopped || this.#paused) continue;
      this.#failures++;
      this.#since ||= this.#clock.now();
      const state = stateOf(error);
      if (state === 'token') {
        this.#say(state, error);
        await this.#wait(Infinity);
        continue;
      }
      const wait = backoff(this.#failures, this.#clock.random());
      this.#say(state, error, this.#clock.now() + wait);
      await this.#wait(wait);
    }
  }

  /** Tries again at once, as after a token was given. */
  retry() {
    this.#failures = 0;
    this.#wake?.();
  }

  /** Lets go of the stream until resume, as while nobody looks. */
  pause() {
    this.#paused = true;
    this.#end('paused');
  }

  /** Goes on after pause. */
  resume() {
    if (!this.#paused) return;
    this.#paused = false;
    this.#since = 0;
    this.#wake?.();
  }

  /** Ends run. */
  stop() {
    this.#stopped = true;
    this.#end('stopped');
    this.#wake?.();
  }

  #end(why) {
    this.#lostBy = why;
    this.#stream?.abort();
  }

  #say(state, error = null, next = 0) {
    this.#callbacks.onState({ state, error, since: this.#since, next });
  }

  /** One stream, to its end; returns the error that it ended with. */
  async #one() {
    this.#stream = new AbortController();
    this.#lostBy = '';
    const began = this.#clock.now();
    let live = false;
    let guard = this.#clock.after(firstMost, () => this.#end('silent'));
    try {
      const request = { ...this.#request, afterEvent: String(this.#lastEvent) };
      for await (const answer of this.#node.stream('Watch', request, { signal: this.#stream.signal })) {
        this.#clock.cancel(guard);
        guard = this.#clock.after(silenceMost, () => this.#end('silent'));
        if (!live) {
          live = true;
          this.#since = 0;
          this.#say('live');
        }
        if (this.#clock.now() - began > settled) this.#failures = 0;
        this.#note(answer);
        this.#callbacks.onAnswer(answer);
      }
      return new CallError('unavailable', 'the node ended the stream: it shuts down');
    } catch (error) {
      if (this.#lostBy === 'silent') return new CallError('unavailable', `nothing came for ${(live ? silenceMost : firstMost) / 1000} s`);
      if (!(error instanceof CallError)) this.#callbacks.onFault?.(error); // ours: it must not stay silent
      return error;
    } finally {
      this.#clock.cancel(guard);
      this.#stream = null;
    }
  }

  /** Remembers up to which event all is known. A node that was started anew counts from 1. */
  #note(answer) {
    for (const event of answer.events ?? []) this.#lastEvent = Number(event.number ?? 0);
    if (answer.status && this.#restarted(answer.status)) this.#lastEvent = 0;
  }

  #pid = '';

  #restarted(status) {
    const pid = `${status.peer}/${status.pid}`;
    const other = this.#pid !== '' && this.#pid !== pid;
    this.#pid = pid;
    if (other) this.#end('another process'); // events are asked for from the first
    return other;
  }

  #wait(ms) {
    return new Promise((resolve) => {
      const timer = ms === Infinity ? 0 : this.#clock.after(ms, resolve);
      this.#wake = () => {
        this.#clock.cancel(timer);
        resolve();
      };
    }).finally(() => { this.#wake = null; });
  }
}

function systemClock() {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    after: (ms, act) => setTimeout(act, ms),
    cancel: (timer) => clearTimeout(timer),
  };
}
