// The connect protocol, as far as a page needs it: unary calls and server streams with JSON.
// https://connectrpc.com/docs/protocol

const service = '/ganglion.control.v1.NodeService/';

// The largest frame that is taken. Nothing that a node says to a page comes near.
const frameBytesMax = 16 << 20;

const headBytes = 5; // of a frame: one of flags, four of length, big-endian
const flagCompressed = 1;
const flagEnd = 2;

/** A call that failed, with connect's code, such as "unavailable". */
export class CallError extends Error {
  constructor(code, message) {
    super(message || code);
    this.name = 'CallError';
    this.code = code;
  }
}

/** The code of an answer that is not connect's own, by its HTTP status. */
export function codeOfStatus(status) {
  switch (status) {
    case 400: return 'internal';
    case 401: return 'unauthenticated';
    case 403: return 'permission_denied';
    case 404: return 'unimplemented';
    case 408: return 'deadline_exceeded';
    case 421: return 'permission_denied';
    case 429: case 502: case 503: case 504: return 'unavailable';
    default: return 'unknown';
  }
}

/** One message as a frame. */
export function frame(message) {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const out = new Uint8Array(headBytes + body.length);
  new DataView(out.buffer).setUint32(1, body.length);
  out.set(body, headBytes);
  return out;
}

/** Cuts a stream of bytes, however it was chopped, into frames. */
export class Deframer {
  #kept = new Uint8Array(0); // storage: of it, bytes from #from to #to are to come
  #from = 0;
  #to = 0;

  /** Takes some bytes; returns the frames that are whole, as {flags, text}. */
  push(chunk) {
    this.#append(chunk);
    const frames = [];
    for (;;) {
      const has = this.#to - this.#from;
      if (has < headBytes) return frames;
      const view = new DataView(this.#kept.buffer, this.#kept.byteOffset + this.#from);
      const flags = view.getUint8(0);
      const length = view.getUint32(1);
      if (length > frameBytesMax) throw new CallError('internal', `a frame of ${length} bytes: more than is taken`);
      if (flags & flagCompressed) throw new CallError('internal', 'a compressed frame: none was asked for');
      if (has < headBytes + length) return frames;
      const start = this.#from + headBytes;
      frames.push({ flags, text: new TextDecoder().decode(this.#kept.subarray(start, start + length)) });
      this.#from = start + length;
    }
  }

  /** Whether bytes of a frame that is not whole are left. */
  get partial() { return this.#to > this.#from; }

  #append(chunk) {
    if (this.#from === this.#to) {
      this.#kept = chunk;
      this.#from = 0;
      this.#to = chunk.length;
      return;
    }
    const has = this.#to - this.#from;
    const joined = new Uint8Array(Math.max(has + chunk.length, 2 * has)); // doubling: many small chunks stay cheap
    joined.set(this.#kept.subarray(this.#from, this.#to));
    joined.set(chunk, has);
    this.#kept = joined;
    this.#from = 0;
    this.#to = has + chunk.length;
  }
}

/** A node, at the address that served the page unless another is given. */
export class Node {
  #base;
  #token;
  #fetch;

  /** token is a function that returns the API token, or nothing. */
  constructor({ base = '', token = () => '', fetch = globalThis.fetch.bind(globalThis) } = {}) {
    this.#base = base;
    this.#token = token;
    this.#fetch = fetch;
  }

  #headers(type) {
    const headers = { 'Content-Type': type, 'Connect-Protocol-Version': '1' };
    const token = this.#token();
    if (token) headers.Authorization = `Bearer ${token}`;
    return headers;
  }

  async #post(method, type, body, signal) {
    try {
      return await this.#fetch(this.#base + service + method, {
        method: 'POST', headers: this.#headers(type), body, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
      });
    } catch (error) {
      if (signal?.aborted) throw new CallError('canceled', 'the call was ended');
      throw new CallError('unavailable', `the node does not answer (${error.message})`);
    }
  }

  /** Asks and returns the answer. */
  async call(method, request = {}, { signal, timeout = 10_000 } = {}) {
    const limit = AbortSignal.timeout(timeout);
    const both = signal ? AbortSignal.any?.([signal, limit]) ?? signal : limit;
    const response = await this.#post(method, 'application/json', JSON.stringify(request), both);
    try {
      if (!response.ok) throw await refusal(response);
      return await response.json();
    } catch (error) {
      if (error instanceof CallError) throw error;
      throw new CallError(both.aborted ? 'canceled' : 'unavailable', `the answer broke off (${error.message})`);
    }
  }

  /** Asks and yields each answer. It ends when the node ends the stream, and throws where
   * that was not said or was an error. */
  async* stream(method, request = {}, { signal } = {}) {
    const response = await this.#post(method, 'application/connect+json', frame(request), signal);
    if (!response.ok) throw await refusal(response);
    const type = response.headers.get('Content-Type') ?? '';
    if (!type.startsWith('application/connect+json')) throw new CallError('internal', `an answer of type ${type || 'none'}: is this a node?`);
    const reader = response.body.getReader();
    const deframer = new Deframer();
    try {
      for (;;) {
        const { done, value } = await read(reader, signal);
        if (done) throw new CallError('unavailable', deframer.partial ? 'the node broke off within an answer' : 'the node broke off');
        for (const { flags, text } of deframer.push(value)) {
          if (flags & flagEnd) {
            ended(text);
            return;
          }
          yield parse(text);
        }
      }
    } finally {
      reader.cancel().catch(() => {}); // whoever stops reading lets go of the connection
    }
  }
}

async function read(reader, signal) {
  try {
    return await reader.read();
  } catch (error) {
    if (signal?.aborted) throw new CallError('canceled', 'the call was ended');
    throw new CallError('unavailable', `the connection broke (${error.message})`);
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new CallError('internal', 'an answer that is no JSON');
  }
}

/** Throws the error of a stream's last frame, if it has one. */
function ended(text) {
  const { error } = parse(text || '{}');
  if (error) throw new CallError(String(error.code ?? 'unknown'), String(error.message ?? ''));
}

/** The error that an answer is: connect's, or that of a guard in front of it, in plain text. */
async function refusal(response) {
  const text = (await response.text().catch(() => '')).slice(0, 2000).trim();
  try {
    const { code, message } = JSON.parse(text);
    if (code) return new CallError(String(code), String(message ?? ''));
  } catch { /* not connect's */ }
  return new CallError(codeOfStatus(response.status), text || `HTTP status ${response.status}`);
}
