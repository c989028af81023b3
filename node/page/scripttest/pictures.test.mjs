// What views saw: a replay's picture is asked for once, a camera's for each sample.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { CallError } from '../static/script/connect.mjs';
import { Pictures } from '../static/script/pictures.mjs';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

/** A node that answers with the picture of a view, and notes what it was asked. */
function node(answer) {
  const asked = [];
  return { asked, call: async (method, of) => {
    asked.push(`${of.sample} ${of.view}`);
    return answer(of);
  } };
}

/** Lets what was asked for come. */
async function come() {
  for (let i = 0; i < 8; i++) await Promise.resolve();
  mock.timers.tick(250);
}

const sample = (beat, ref) => ({ sample: `hall/7/${beat}`, ref });

test('what is replayed is asked for once, whichever pass it is', async () => {
  const of = node(() => ({ png: btoa('a'), replayed: true }));
  let told = 0;
  const pictures = new Pictures(of, () => { told++; });
  assert.equal(pictures.get(sample(3, 8), 'north'), undefined);
  await come();
  assert.equal(told, 1);
  const url = pictures.get(sample(3, 8), 'north');
  assert.match(url, /^blob:/);
  assert.equal(pictures.get(sample(203, 8), 'north'), url, 'the next pass');
  assert.deepEqual(of.asked, ['hall/7/3 north']);
  assert.equal(pictures.get(sample(4, 9), 'north'), undefined, 'another element');
});

test('what a camera took is of its sample alone, also beside nodes that replay', async () => {
  const of = node(({ sample: name }) => ({ png: btoa(name) }));
  const pictures = new Pictures(of, () => {});
  for (const beat of [3, 203]) {
    assert.equal(pictures.get(sample(beat, 8), 'roof'), undefined, `beat ${beat}`);
    await come();
  }
  assert.notEqual(pictures.get(sample(3, 8), 'roof'), pictures.get(sample(203, 8), 'roof'));
  assert.deepEqual(of.asked, ['hall/7/3 roof', 'hall/7/203 roof']);
});

test('what the node may not have is not asked for again', async () => {
  const of = node(() => { throw new CallError('not_found', 'a camera of another node'); });
  const pictures = new Pictures(of, () => {});
  pictures.get(sample(3, 8), 'roof');
  await come();
  assert.equal(pictures.get(sample(3, 8), 'roof'), '');
  assert.deepEqual(of.asked, ['hall/7/3 roof']);
});
