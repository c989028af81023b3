// The map: nobody stands on anybody, nobody beyond the edge, and who did not change stays.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connections, layout, sizes, tierOf } from '../static/script/layout.mjs';

function made(nodes, groups, devices) {
  const out = [{ peer: 'cloud', name: 'rack', roles: ['cloud'], group: -1, state: 'alive' }];
  for (let g = 0; g < groups; g++) out.push({ peer: `a${g}`, name: `hub-${g}`, roles: ['aggregator'], group: -1, state: 'alive' });
  for (let d = 0; d < devices; d++) out.push({ peer: `d${d}`, name: `camera-${d}`, roles: ['device'], views: [String(d)], group: Math.floor((d * groups) / devices), state: 'alive' });
  for (let s = 0; out.length < nodes; s++) out.push({ peer: `s${s}`, name: `spare-${s}`, roles: [], group: -1, state: 'alive' });
  return out.map((m) => ({ ...m, tier: tierOf(m) }));
}

for (const [nodes, groups, devices] of [[1, 0, 0], [2, 1, 1], [8, 1, 6], [12, 2, 8], [40, 4, 32], [100, 1, 64], [100, 8, 64], [100, 64, 64 - 30]]) {
  for (const width of [320, 560, 800, 1100]) {
    test(`${nodes} nodes in ${groups} groups on ${width} px`, () => {
      const members = made(nodes, groups, devices);
      const out = layout(members, { width, most: 560, views: members.flatMap((m) => m.views ?? []), groupOf: new Map(Array.from({ length: groups }, (_, g) => [`a${g}`, g])) });
      const { w, h } = sizes[out.size];
      const places = [...out.places.values()];
      assert.equal(places.length, members.length);
      for (const p of places) assert.ok(p.x - w / 2 >= -0.5 && p.x + w / 2 <= width + 0.5 && p.y - h / 2 >= 0 && p.y + h / 2 <= out.height + 0.5, `${JSON.stringify(p)} in ${width} x ${out.height}`);
      places.forEach((a, i) => places.slice(i + 1).forEach((b) => {
        assert.ok(Math.abs(a.x - b.x) >= w - 0.5 || Math.abs(a.y - b.y) >= h - 0.5, `${JSON.stringify(a)} is on ${JSON.stringify(b)}`);
      }));
    });
  }
}

test('the cloud is above the aggregators, which are above the devices', () => {
  const { places } = layout(made(8, 1, 6), { width: 900 });
  assert.ok(places.get('cloud').y < places.get('a0').y && places.get('a0').y < places.get('d0').y);
});

test('an aggregator stands above its group', () => {
  const out = layout(made(21, 2, 16), { width: 1000, groupOf: new Map([['a0', 1], ['a1', 0]]) });
  assert.ok(out.places.get('a1').x < out.places.get('a0').x);
});

test('order of arrival does not matter', () => {
  const members = made(30, 3, 20);
  const views = members.flatMap((m) => m.views ?? []);
  assert.deepEqual(layout([...members].reverse(), { width: 800, views }).places.get('d7'), layout(members, { width: 800, views }).places.get('d7'));
});

test('who is gone stands where it stood', () => {
  const members = made(8, 1, 6);
  const views = members.flatMap((m) => m.views ?? []);
  const before = layout(members, { width: 900, views }).places;
  const dead = members.find((m) => m.peer === 'd2');
  Object.assign(dead, { state: 'down', views: [], didViews: ['2'], roles: [] });
  assert.deepEqual([...layout(members, { width: 900, views }).places].sort(), [...before].sort());
});

test('tiers are those of the highest role', () => {
  assert.deepEqual([{ roles: ['device', 'cloud'] }, { roles: ['edge'] }, { views: ['0'] }, {}].map(tierOf), ['cloud', 'aggregator', 'device', 'spare']);
});

test('links go where scores and features go, and nobody dead has one', () => {
  const members = made(8, 1, 6);
  const all = connections(members, new Map(), ['device-local', 'device-cloud']);
  assert.deepEqual(['scores', 'features', 'up'].map((kind) => all.filter((l) => l.kind === kind).length), [6, 6, 1]);
  members.find((m) => m.peer === 'd3').state = 'down';
  assert.equal(connections(members, new Map(), []).some((l) => l.from === 'd3'), false);
});
