// The protocol's client: whatever way a network chops a stream, and whatever it says in place
// of an answer, a page must not be confused.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CallError, Deframer, Node, codeOfStatus, frame } from '../static/script/connect.mjs';

const join = (...parts) => Buffer.concat(parts.map((p) => Buffer.from(p)));
const endFrame = (message) => {
  const out = frame(message);
  out[0] = 2;
  return out;
};

/** A fetch that answers with these chunks, and notes what it was asked. */
function answering(chunks, { status = 200, type = 'application/connect+json', breaks = false } = {}) {
  const asked = [];
  const fetch = async (url, options) => {
    asked.push({ url, ...options });
    const body = new ReadableStream({
      start(c) {
        for (const chunk of chunks) c.enqueue(Uint8Array.from(chunk));
        if (breaks) c.error(new Error('reset'));
        else c.close();
      },
    });
    return new Response(body, { status, headers: { 'Content-Type': type } });
  };
  return { asked, fetch };
}

async function all(stream) {
  const out = [];
  for await (const one of stream) out.push(one);
  return out;
}

test('a frame says its length', () => {
  const out = frame({ a: 'ä' });
  assert.equal(out[0], 0);
  assert.equal(new DataView(out.buffer).getUint32(1), Buffer.byteLength('{"a":"ä"}'));
});

test('frames come whole, however they are chopped', () => {
  const bytes = join(frame({ n: 1 }), frame({ n: 'zwei – äöü' }), endFrame({}));
  for (let size = 1; size <= bytes.length; size++) {
    const deframer = new Deframer();
    const got = [];
    for (let at = 0; at < bytes.length; at += size) got.push(...deframer.push(bytes.subarray(at, at + size)));
    assert.deepEqual(got.map((f) => [f.flags, JSON.parse(f.text)]), [[0, { n: 1 }], [0, { n: 'zwei – äöü' }], [2, {}]], `chunks of ${size}`);
    assert.equal(deframer.partial, false);
  }
});

test('a frame that is too long, or compressed, is refused before it is kept', () => {
  assert.throws(() => new Deframer().push(Uint8Array.from([0, 255, 255, 255, 255])), /more than is taken/);
  assert.throws(() => new Deframer().push(Uint8Array.from([1, 0, 0, 0, 1, 0])), /compressed/);
});

test('a stream yields its answers and ends', async () => {
  const { asked, fetch } = answering([join(frame({ n: 1 }), frame({ n: 2 })), endFrame({})]);
  assert.deepEqual(await all(new Node({ fetch, token: () => 'secret' }).stream('Watch', { site: 's' })), [{ n: 1 }, { n: 2 }]);
  assert.equal(asked[0].url, '/ganglion.control.v1.NodeService/Watch');
  assert.equal(asked[0].headers.Authorization, 'Bearer secret');
  assert.equal(asked[0].headers['Content-Type'], 'application/connect+json');
  assert.deepEqual([...asked[0].body.subarray(0, 5)], [0, 0, 0, 0, 12]);
});

test('an error in the last frame is thrown, after the answers before it', async () => {
  const { fetch } = answering([frame({ n: 1 }), endFrame({ error: { code: 'resource_exhausted', message: '16 watch' } })]);
  const got = [];
  await assert.rejects(async () => { for await (const one of new Node({ fetch }).stream('Watch')) got.push(one); }, { code: 'resource_exhausted', message: '16 watch' });
  assert.deepEqual(got, [{ n: 1 }]);
});

for (const [name, chunks, options, code, message] of [
  ['a stream that breaks off', [frame({ n: 1 })], {}, 'unavailable', /broke off/],
  ['one that breaks off within a frame', [frame({ n: 1 }), [0, 0, 0]], {}, 'unavailable', /within an answer/],
  ['a connection that breaks', [frame({ n: 1 })], { breaks: true }, 'unavailable', /reset/],
  ['an answer that is no JSON', [join([0, 0, 0, 0, 1], '{')], {}, 'internal', /no JSON/],
  ['a page of something else', [Buffer.from('<html>')], { type: 'text/html' }, 'internal', /is this a node/],
  ['a guard that asks for a token', [Buffer.from('show the token\n')], { status: 401, type: 'text/plain' }, 'unauthenticated', /^show the token$/],
  ['a refusal in words of connect', [Buffer.from('{"code":"not_found","message":"no such view"}')], { status: 404, type: 'application/json' }, 'not_found', /no such view/],
]) {
  test(`${name} is an error that says so`, async () => {
    const { fetch } = answering(chunks, options);
    await assert.rejects(all(new Node({ fetch }).stream('Watch')), (error) => {
      assert.ok(error instanceof CallError);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  });
}

test('a reader that stops lets go of the connection', async () => {
  let cancelled = false;
  const body = new ReadableStream({ pull(c) { c.enqueue(frame({ n: 1 })); }, cancel() { cancelled = true; } });
  const fetch = async () => new Response(body, { headers: { 'Content-Type': 'application/connect+json' } });
  for await (const one of new Node({ fetch }).stream('Watch')) {
    assert.deepEqual(one, { n: 1 });
    break;
  }
  assert.equal(cancelled, true);
});

test('a call returns its answer, and nobody there is unavailable', async () => {
  const { fetch } = answering([Buffer.from('{"png":"AA=="}')], { type: 'application/json' });
  assert.deepEqual(await new Node({ fetch }).call('Look', {}), { png: 'AA==' });
  await assert.rejects(new Node({ fetch: async () => { throw new TypeError('refused'); } }).call('Look'), { code: 'unavailable' });
});

test('statuses have codes', () => {
  assert.deepEqual([400, 401, 403, 404, 421, 429, 503, 500].map(codeOfStatus),
    ['internal', 'unauthenticated', 'permission_denied', 'unimplemented', 'permission_denied', 'unavailable', 'unavailable', 'unknown']);
});
