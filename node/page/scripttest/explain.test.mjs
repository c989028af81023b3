// What a person reads of a verdict must be what the verdict says.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { against, judged, spoken, views, why } from '../static/script/explain.mjs';
import { bytes, count, duration, listed, number, percent, plain, shortened } from '../static/script/format.mjs';

const local = { exit: 'local', entropy: 0.12, threshold: 0.8 };
const unsure = { exit: 'local', entropy: 0.93, threshold: 0.8 };
const cloud = { exit: 'cloud', entropy: 0.2, threshold: 1 };

for (const [name, verdict, want] of [
  ['sure at once', { exit: 'local', proposals: [local] }, 'local: entropy 0.12 ≤ 0.80'],
  ['gone up', { exit: 'cloud', answered: 1, proposals: [unsure, cloud] }, 'cloud: local was not sure (entropy 0.93 > 0.80)'],
  ['the tier above was silent', { exit: 'local', stoppedEarly: true, proposals: [unsure] }, 'local: entropy 0.93 > 0.80, but the tier above was silent'],
  ['two groups', { exit: 'local', answered: 1, proposals: [unsure, { ...local, group: 1 }] }, 'local 1: local 0 was not sure (entropy 0.93 > 0.80)'],
  ['nothing in view', { exit: 'none', answered: -1, nothing: ['a'] }, 'nothing to answer: no view saw anything'],
  ['nothing in view, one missing', { exit: 'none', answered: -1, missing: [{ view: 'a' }] }, 'nothing to answer: one view was missing, the others saw nothing'],
  ['refused', { exit: 'refused', answered: -1 }, 'refused: every device was full'],
]) test(`why: ${name}`, () => assert.equal(why(verdict), want));

test('figures that are compared never look equal unless they are', () => {
  assert.deepEqual(against(0.8004, 0.8), ['0.8004', '0.8000']);
  assert.deepEqual(against(0.8, 0.8), ['0.80', '0.80']);
});

test('views stand in the order of the bundle, each with what it did', () => {
  const got = views({ seen: ['b', 'x'], used: ['b'], nothing: ['a'], missing: [{ view: 'c', reason: 'silent' }] }, ['a', 'b', 'c']);
  assert.deepEqual(got.map((v) => [v.view, v.what, v.reason]), [['a', 'nothing', undefined], ['b', 'seen', undefined], ['c', 'missing', 'silent'], ['x', 'seen', undefined]]);
});

test('a verdict that is heard says all that matters', () => {
  assert.equal(spoken({ beat: '7', class: 'bus', label: 'car', exit: 'local', proposals: [local], seen: ['0'], missing: [{ view: '1', reason: 'silent' }] }),
    'beat 7: bus, but labelled car, local: entropy 0.12 ≤ 0.80, 1 view seen, missing 1 (silent)');
  assert.equal(judged({ class: 'a', label: '' }), '');
});

test('numbers are short and true', () => {
  assert.deepEqual([0, 0.0004, 0.1234, 1.234, 12.34, 99.97, 1234.5].map(number), ['0', '<0.001', '0.123', '1.23', '12.3', '100', '1,235']);
  assert.deepEqual([0, 0.0004, 0.9995, 1, NaN].map(percent), ['0 %', '<0.1 %', '>99.9 %', '100 %', '–']);
  assert.deepEqual([0, 999, 1000, 128_000, 5e9].map(bytes), ['0 B', '999 B', '1 kB', '128 kB', '5 GB']);
  assert.deepEqual([0.006, 1.5, 1500, 90_000, 7_200_000].map(duration), ['6 µs', '1.5 ms', '1.5 s', '1 min 30 s', '2 h 0 min']);
  assert.equal(count(1, 'view'), '1 view');
  assert.equal(listed(['a', 'b', 'c'], 2), 'a, b and 1 more');
});

test('text that hides or reorders is shown, and cut', () => {
  assert.equal(plain('a\u202eb\u0000\u200bc'), 'a\ufffdb\ufffd\ufffdc');
  assert.equal(plain('x'.repeat(500), 10), `${'x'.repeat(9)}…`);
  assert.equal(plain('😀😀😀', 2), '😀…');
  assert.equal(plain(undefined), '');
});

test('names that begin alike are cut behind what they share', () => {
  assert.deepEqual(shortened(['camera-01', 'camera-02', 'camera-17']), ['01', '02', '17']);
  assert.deepEqual(shortened(['ann', 'bob', 'cy']), ['ann', 'bob', 'cy']);
  assert.deepEqual(shortened(['a', 'a', 'a']), ['a', 'a', 'a']);
  assert.deepEqual(shortened(['camera-1', 'camera-2']), ['camera-1', 'camera-2']);
});
