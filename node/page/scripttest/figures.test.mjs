// Counts into figures: what a chart shows must be what happened.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Seconds, add, emptyBin, merged, percentile, summary } from '../static/script/figures.mjs';
import { inSteps, linearMarks, logMarks, position } from '../static/script/scale.mjs';

test('percentiles lie in their bucket', () => {
  assert.ok(Number.isNaN(percentile([], 0.5)));
  assert.equal(percentile([4], 0.5), 0.125);
  assert.equal(percentile([0, 2], 1), 0.5);
  // 100 verdicts in 2 to 4 ms, bucket 4: the middle on a logarithmic scale.
  assert.ok(Math.abs(percentile([0, 0, 0, 0, 100], 0.5) - 2 * Math.SQRT2) < 1e-9);
  assert.ok(percentile([90, 0, 0, 0, 10], 0.5) < 0.25);
  assert.ok(percentile([90, 0, 0, 0, 10], 0.99) > 2);
});

test('percentiles of the verdicts themselves are met within a bucket', () => {
  const buckets = new Array(16).fill(0);
  const times = Array.from({ length: 5000 }, (_, i) => 0.1 * 1.0015 ** i);
  for (const t of times) {
    let i = 0;
    while (t >= 0.25 * 2 ** i && i < 15) i++;
    buckets[i]++;
  }
  for (const share of [0.1, 0.5, 0.9, 0.99]) {
    const want = times[Math.floor(share * times.length)];
    const got = percentile(buckets, share);
    assert.ok(got / want < 2 && want / got < 2, `${share}: ${got} for ${want}`);
  }
});

test('figures sum up', () => {
  const bin = emptyBin(7);
  bin.overMs = 500;
  add(bin, {
    viewsMissing: '3', payloadBytes: [{ hop: 'device-local', bytes: '240' }, { hop: 'device-cloud', bytes: '1280' }],
    exits: [{ exit: 'local', count: '18', labelled: '10', right: '9', latencies: [0, 18] }, { exit: 'cloud', count: '2', labelled: '2', right: '2', latencies: [0, 0, 0, 2] }],
  });
  const s = summary(merged([bin, bin]));
  assert.equal(s.total, 40);
  assert.equal(s.rate, 40);
  assert.equal(s.share('local'), 0.9);
  assert.equal(s.accuracy, 22 / 24);
  assert.equal(s.bytesPerVerdict, 76);
  assert.equal(s.bytesPerSecond('device-local'), 480);
  assert.ok(s.latency(0.99, 'cloud') > 1);
  assert.equal(summary(emptyBin(1)).accuracy, NaN);
});

test('names of exits and hops that nobody knows cannot grow', () => {
  const bin = emptyBin(1);
  for (let i = 0; i < 1000; i++) add(bin, { exits: [{ exit: `x${i}`, count: '1' }], payloadBytes: [{ hop: `h${i}`, bytes: '1' }] });
  assert.deepEqual(Object.keys(bin.exits), ['none']);
  assert.ok(Object.keys(bin.hops).length <= 8);
});

test('seconds are a ring: an hour holds what ten minutes do', () => {
  const seconds = new Seconds(600);
  for (let s = 1000; s < 4600; s++) seconds.at(s).overMs = 1000;
  assert.equal(seconds.between(0, 4600).length, 600);
  assert.equal(seconds.last(60, 4600).length, 60);
  assert.equal(seconds.last(60, 4650).length, 10);
  assert.equal(seconds.between(3000, 3005).every((b) => b === null), true);
});

test('axes have few round marks, which hold all', () => {
  for (const most of [0.003, 0.9, 1, 7, 9.68, 33, 200, 123456]) {
    const marks = linearMarks(most, 3);
    assert.ok(marks.length <= 5 && marks.at(-1) >= most && marks[0] === 0, `${most}: ${marks}`);
  }
  assert.deepEqual(linearMarks(NaN), [0, 1]);
  assert.deepEqual(logMarks(0.9, 12), [0.1, 1, 10, 100]);
  assert.deepEqual(logMarks(Infinity, -Infinity), [1, 10]);
  assert.equal(position(10, [1, 10, 100], true), 0.5);
  assert.equal(position(5, [0, 10], false), 0.5);
});

test('steps begin at multiples, so that points do not dance', () => {
  const seconds = new Seconds(600);
  for (let s = 0; s < 600; s++) seconds.at(s).overMs = 1000;
  const a = inSteps(seconds, 0, 600, 90).map((s) => s.from);
  const b = inSteps(seconds, 3, 600, 90).map((s) => s.from);
  assert.equal(a.at(-1), b.at(-1));
  assert.ok(a.length <= 90);
});
