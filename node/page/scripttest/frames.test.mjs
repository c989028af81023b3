// Frames: each part once, no more in a frame than there is time for, and nobody waits for ever.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { Frames } from '../static/script/frames.mjs';

let now;
let asked;
const real = globalThis.performance.now;

beforeEach(() => {
  now = 60_000; // the page has been open for a while
  asked = [];
  globalThis.performance.now = () => now;
  globalThis.requestAnimationFrame = (draw) => asked.push(draw);
});

afterEach(() => {
  globalThis.performance.now = real;
  delete globalThis.requestAnimationFrame;
});

/** One frame; returns whether there was one. */
function frame() {
  const draw = asked.shift();
  draw?.();
  return Boolean(draw);
}

test('a part that is marked twice is drawn once', () => {
  const frames = new Frames();
  let drawn = 0;
  frames.part('a', () => { drawn++; });
  frames.mark('a', 'nobody');
  frames.mark('a');
  while (frame());
  assert.equal(drawn, 1);
});

test('what takes long leaves the rest to the next frame', () => {
  const frames = new Frames();
  const drawn = [];
  frames.part('long', () => {
    now += 9;
    drawn.push('long');
  });
  frames.part('short', () => drawn.push('short'));
  frames.mark('long', 'short');
  frame();
  assert.deepEqual(drawn, ['long']);
  frame();
  assert.deepEqual(drawn, ['long', 'short']);
  assert.equal(frame(), false);
});

test('a page that opens draws more in a frame where frames are slow, until all that is known is drawn', () => {
  now = 0;
  let known = false;
  const frames = new Frames(() => known);
  let drawn = 0;
  frames.part('slices', function* () {
    for (let i = 0; i < 10; i++) {
      now += 2;
      drawn++;
      yield;
    }
  });
  const after = (ms) => { drawn = 0; now += ms; frames.mark('slices'); frame(); return drawn; };
  assert.equal(after(16), 2, 'sixty times a second');
  while (frame());
  assert.equal(after(400), 10, 'twice a second');
  known = true;
  while (frame());
  assert.equal(after(400), 10, 'what was known last is drawn');
  while (frame());
  assert.equal(after(300), 2, 'open');
});

test('slices go on in the next frames, and others come in between', () => {
  const frames = new Frames();
  const drawn = [];
  frames.part('slices', function* () {
    for (let i = 0; i < 6; i++) {
      now += 2;
      drawn.push(i);
      yield;
    }
  });
  frames.part('other', () => drawn.push('other'));
  frames.mark('slices');
  frame();
  assert.deepEqual(drawn, [0, 1]);
  frames.mark('other');
  while (frame());
  assert.deepEqual(drawn.filter((x) => x !== 'other'), [0, 1, 2, 3, 4, 5]);
  assert.equal(drawn.filter((x) => x === 'other').length, 1);
});

test('a slice that says so is the last of its frame', () => {
  const frames = new Frames();
  const drawn = [];
  frames.part('canvases', function* () {
    for (let i = 0; i < 3; i++) {
      yield true;
      drawn.push(i);
    }
  });
  frames.mark('canvases');
  const after = [];
  while (frame()) after.push(drawn.length);
  assert.deepEqual(after, [0, 1, 2, 3]);
});

test('a part that is marked while it is half drawn is drawn to its end, and again', () => {
  const frames = new Frames();
  let begun = 0;
  let ended = 0;
  frames.part('slices', function* () {
    begun++;
    yield true;
    ended++;
  });
  frames.mark('slices');
  frame();
  frames.mark('slices');
  while (frame());
  assert.deepEqual([begun, ended], [2, 2]);
});

test('on a machine that is too slow for all of it, each part has its turn', () => {
  const frames = new Frames();
  const drawn = { a: 0, b: 0, slices: 0 };
  const slow = (name) => () => {
    now += 9;
    drawn[name]++;
  };
  frames.part('a', slow('a'));
  frames.part('b', slow('b'));
  frames.part('slices', function* () {
    for (;;) {
      slow('slices')();
      yield;
    }
  });
  for (let i = 0; i < 30; i++) {
    frames.mark('a', 'slices', 'b'); // faster than they can be drawn
    frame();
  }
  assert.deepEqual(drawn, { a: 10, b: 10, slices: 10 });
});

test('a part that fails half drawn stops neither the others nor its next time', () => {
  const frames = new Frames();
  const { error } = console;
  const said = [];
  console.error = (...words) => said.push(words);
  try {
    let times = 0;
    let other = 0;
    frames.part('bad', function* () {
      yield true;
      times++;
      throw new Error('no');
    });
    frames.part('other', () => { other++; });
    for (let i = 0; i < 2; i++) {
      frames.mark('bad', 'other');
      while (frame());
    }
    assert.deepEqual([times, other, said.length], [2, 2, 2]);
  } finally {
    console.error = error;
  }
});
