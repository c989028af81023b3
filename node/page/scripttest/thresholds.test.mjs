// What a slider sets must be what the node takes: in [0, 1], and never falling with more views.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { equal, keyOf, messageOf, rehearsed, rounded, set, slid, textOf, valuesOf } from '../static/script/thresholds.mjs';

const force = { bundle: 'abc', exits: [{ exit: 'local', bySeen: [0.2, 0.4, 0.8] }, { exit: 'edge', bySeen: [0.7] }] };
const rises = (values) => values.every((v, i) => v >= 0 && v <= 1 && (i === 0 || v >= values[i - 1]));

test('the text is the setting', () => {
  assert.equal(textOf(valuesOf(force)), 'local=0.2,0.4,0.8;edge=0.7');
  assert.equal(keyOf(force), 'thresholds/abc');
  assert.deepEqual(messageOf({ local: [0.5] }), { exits: [{ exit: 'local', bySeen: [0.5] }] });
  assert.ok(equal(valuesOf(force), valuesOf(structuredClone(force))));
  assert.deepEqual(valuesOf({ exits: [{ exit: 'cloud', bySeen: [1] }] }), {});
});

test('a slider keeps the shares of fewer views', () => {
  assert.deepEqual(slid([0.2, 0.4, 0.8], 0.4), [0.1, 0.2, 0.4]);
  assert.deepEqual(slid([0, 0, 0], 0.5), [0.5, 0.5, 0.5]);
  assert.deepEqual(slid([0.2, 0.4, 0.8], 1), [0.25, 0.5, 1]);
});

test('whatever is set, in any order, rises', () => {
  let values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
  let seed = 7;
  const draw = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let i = 0; i < 2000; i++) {
    values = draw() < 0.5 ? slid(values, rounded(draw())) : set(values, Math.floor(draw() * 6), rounded(draw()));
    assert.ok(rises(values), `${i}: ${values}`);
  }
});

test('what is typed is taken, or refused', () => {
  assert.deepEqual(['0.5', ' .25 ', '7', '-1'].map(rounded), [0.5, 0.25, 1, 0]);
  assert.ok(['', 'x', 'NaN', 'Infinity'].map(rounded).every(Number.isNaN));
});

test('a rehearsal is told in shares', () => {
  const got = rehearsed({
    samples: '100', unknown: '5', changed: '2', before: { payloadBytes: '1000', exits: [{ exit: 'local', count: '90', labelled: '90', right: '81' }, { exit: 'cloud', count: '10' }] },
    after: { payloadBytes: '2000', exits: [{ exit: 'local', count: '50', labelled: '50', right: '50' }, { exit: 'cloud', count: '50' }] },
  });
  assert.deepEqual(got.rows, [
    { name: 'answered by local', kind: 'share', before: 0.9, after: 0.5 }, { name: 'answered by cloud', kind: 'share', before: 0.1, after: 0.5 },
    { name: 'right', kind: 'share', before: 0.9, after: 1 }, { name: 'payload of each', kind: 'bytes', before: 10, after: 20 },
  ]);
  assert.deepEqual([got.samples, got.unknown, got.changed], [100, 5, 2]);
});
