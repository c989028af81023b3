// What is known: who dies is seen to die, whose role moves is seen to move, and nothing grows.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Model, bounds, standing } from '../static/script/model.mjs';

const second = 1000;
const member = (peer, more = {}) => ({ peer, name: peer.toUpperCase(), state: 'alive', roles: [], views: [], ...more });
const nodeTime = (t) => String((t + 1.7e12) * 1e6); // its clock is its own
const at = (t) => ({ atUnixNs: nodeTime(t) });

function started() {
  const model = new Model();
  model.begin();
  model.take({
    ...at(0), status: { peer: 'a', pid: '1', name: 'A' }, links: [{ peer: 'b', up: true }, { peer: 'c', up: true }],
    members: [member('a', { self: true, roles: ['cloud'] }), member('b', { roles: ['aggregator'], standbyFor: ['cloud'] }), member('c', { roles: ['device'], views: ['0'], standbyFor: ['aggregator'] })],
  }, 0);
  model.take({ ...at(100), links: [{ peer: 'b', up: true }, { peer: 'c', up: true }] }, 100);
  return model;
}

test('a broken connection is seen before the death is certain', () => {
  const model = started();
  model.take({ ...at(second), links: [{ peer: 'b', up: false }, { peer: 'c', up: true }] }, second);
  assert.equal(standing(model.members.get('b')), 'silent');
  assert.equal(standing(model.members.get('c')), 'alive');
  model.take({ ...at(2 * second), links: [{ peer: 'b', up: true }] }, 2 * second);
  assert.equal(standing(model.members.get('b')), 'alive');
});

test('so is what an event says of one, if it is fresh', () => {
  const model = started();
  const noticed = (t) => ({ kind: 'noticed', number: '1', atUnixNs: nodeTime(t), attributes: { peer: 'b', how: 'connection' } });
  model.take({ ...at(60 * second), events: [noticed(second)] }, 60 * second);
  assert.equal(standing(model.members.get('b')), 'alive', 'an old event');
  model.take({ ...at(61 * second), events: [noticed(61 * second)] }, 61 * second);
  assert.equal(standing(model.members.get('b')), 'silent');
});

test('who dies stays where it stood for a minute, and its role moves', () => {
  const model = started();
  model.take({ ...at(second), members: [member('a', { roles: ['cloud'] }), member('b', { state: 'down', roles: [] }), member('c', { roles: ['device'], views: ['0'] })] }, second);
  const dead = model.members.get('b');
  assert.deepEqual([standing(dead), dead.tier, dead.did], ['down', 'aggregator', ['aggregator']]);
  assert.deepEqual(model.moved, []);
  model.take({ ...at(2 * second), members: [member('a', { roles: ['cloud'] }), member('b', { state: 'down' }), member('c', { roles: ['device', 'aggregator'], views: ['0'] })] }, 2 * second);
  assert.deepEqual(model.moved, [{ role: 'aggregator', from: 'b', to: 'c' }]);
  assert.deepEqual([model.members.get('c').tier, model.members.get('b').tier], ['aggregator', 'aggregator']);
  assert.equal(model.tick(30 * second), false);
  assert.equal(model.tick(62 * second), true);
  assert.equal(model.members.has('b'), false);
  model.take({ ...at(63 * second), members: [member('a', { roles: ['cloud'] }), member('b', { state: 'down', sinceMs: '62000' }), member('c', { roles: ['device', 'aggregator'], views: ['0'] })] }, 63 * second);
  assert.equal(model.members.has('b'), false, 'it does not rise again as dead');
});

test('what it did is kept, though others took its roles before it was known to be gone', () => {
  const model = started();
  model.take({ ...at(second), events: [{ kind: 'noticed', number: '1', atUnixNs: nodeTime(second), attributes: { peer: 'b', how: 'connection' } }] }, second);
  model.take({ ...at(2 * second), members: [member('a', { roles: ['cloud'] }), member('b'), member('c', { roles: ['device', 'aggregator'], views: ['0'] })] }, 2 * second);
  assert.equal(model.members.get('b').tier, 'aggregator', 'silent, it waits where it stood');
  model.take({ ...at(4 * second), members: [member('a', { roles: ['cloud'] }), member('b', { state: 'down' }), member('c', { roles: ['device', 'aggregator'], views: ['0'] })] }, 4 * second);
  const dead = model.members.get('b');
  assert.deepEqual([dead.tier, dead.did], ['aggregator', ['aggregator']]);
});

test('one that nobody tells of any more is gone, and one that comes back is there', () => {
  const model = started();
  model.take({ ...at(second), members: [member('a', { roles: ['cloud'] }), member('c')] }, second);
  assert.equal(standing(model.members.get('b')), 'down');
  model.take({ ...at(2 * second), members: [member('a', { roles: ['cloud'] }), member('b'), member('c')] }, 2 * second);
  assert.deepEqual([standing(model.members.get('b')), model.members.get('b').goneAt], ['alive', undefined]);
  assert.equal(model.present.length, 3);
});

test('rates count quiet answers too', () => {
  const model = started();
  for (let t = 250; t <= 1000; t += 250) {
    model.take({ ...at(100 + t), figures: t === 500 ? { exits: [{ exit: 'local', count: '1' }], overMs: 250 } : undefined }, 100 + t);
  }
  const bins = model.seconds.last(2, 2);
  assert.equal(bins.reduce((sum, b) => sum + b.overMs, 0), 1100);
});

test('a stream that begins anew counts no time that nobody watched', () => {
  const model = started();
  model.begin();
  model.take({ ...at(10 * second) }, 10 * second);
  assert.equal(model.seconds.last(1, 11).length, 0);
});

test('a superseded verdict is marked where it stands', () => {
  const model = started();
  model.take({ ...at(second), verdicts: [{ hash: 'x', beat: '1' }, { hash: 'y', beat: '2' }] }, second);
  model.take({ ...at(2 * second), verdicts: [{ hash: 'x', beat: '1', supersededBy: 'z' }] }, 2 * second);
  assert.deepEqual(model.verdicts.map((v) => [v.hash, v.supersededBy]), [['y', undefined], ['x', 'z']]);
});

test('an hour at 200 verdicts a second and with churn holds no more than the bounds', () => {
  const model = started();
  for (let i = 0; i < 3600 * 4; i++) {
    const t = 1000 + i * 250;
    model.take({
      ...at(t), verdicts: Array.from({ length: 8 }, (_, n) => ({ hash: `${i}-${n}`, aggregators: ['B'] })), skipped: '42',
      members: i % 40 === 0 ? [member('a', { roles: ['cloud'] }), member(`n${i}`)] : undefined,
      events: [{ kind: 'joined', number: String(i), atUnixNs: nodeTime(t) }], figures: { exits: [{ exit: 'local', count: '50' }] },
    }, t);
    model.tick(t);
  }
  assert.equal(model.verdicts.length, bounds.verdicts);
  assert.equal(model.events.length, bounds.events);
  assert.equal(model.marks.length, bounds.marks);
  assert.ok(model.members.size <= bounds.gone + 2, `${model.members.size} members`);
});

test('the map changes where a member or a link between two does, not with every figure', () => {
  const model = started();
  const links = (b) => [{ peer: 'b', up: b, sentBytes: '10' }, { peer: 'c', up: true, sentBytes: '20' }];
  const changes = (answer, now) => model.take({ ...at(now), ...answer }, now).has('members');
  assert.ok(!changes({ links: links(true) }, second), 'links as they were');
  assert.ok(changes({ links: links(false) }, 2 * second), 'a connection broke');
  assert.ok(!changes({ links: links(false) }, 3 * second), 'it is broken still');
  assert.ok(changes({ links: links(true) }, 4 * second), 'it stands again');
  const verdict = { hash: 'x', beat: '1', aggregators: ['B'] };
  assert.ok(changes({ verdicts: [verdict] }, 5 * second), 'who aggregates which group');
  assert.ok(!changes({ verdicts: [{ ...verdict, hash: 'y' }] }, 6 * second), 'the same once more');
  assert.ok(changes({ verdicts: [{ hash: 'z', aggregators: ['B', 'B'] }] }, 6.2 * second), 'who aggregates two');
  assert.ok(!changes({ verdicts: [{ hash: 'u', aggregators: ['B', 'B'] }] }, 6.4 * second), 'both once more');
  const figures = { exits: [], overMs: 250, payloadBytes: [{ hop: 'device-cloud', bytes: '1' }] };
  assert.ok(changes({ figures }, 7 * second), 'a hop that there was none of');
  assert.ok(!changes({ figures }, 8 * second), 'the same once more');
  const status = { peer: 'a', pid: '1', name: 'A', views: ['0', '1'] };
  assert.ok(changes({ status }, 9 * second), 'views in another order');
  assert.ok(!changes({ status: structuredClone(status) }, 10 * second), 'the same once more');
});
