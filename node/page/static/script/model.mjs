// What is known of the mesh: answers of Watch, folded into one picture of bounded size. Pure:
// it draws nothing, and time is an argument, in ms.

import { Seconds, add } from './figures.mjs';
import { tierOf } from './layout.mjs';

/** The bounds of what is kept. */
export const bounds = { verdicts: 400, events: 400, seconds: 600, gone: 24, marks: 64, members: 1024 };

const goneFor = 60_000; // ms that a member that has gone stays on the map
const recentFor = 15_000; // ms that it is kept in mind what a member did
const silentFor = 5_000; // ms that a broken connection is shown where nothing more is heard of it

/** Who is silent, gone, or about to be: what a member is to the eye. */
export function standing(member) {
  if (member.state === 'down' || member.state === 'left') return member.state;
  if (member.silent) return 'silent';
  return member.state || 'alive';
}

/** A Model is one site as one node sees it. */
export class Model {
  status = null;
  members = new Map(); // peer to member, with tier, silent (its connection broke) and goneAt
  links = new Map(); // peer to {up, roundTripUs, sent, received, sentRate, receivedRate}
  thresholds = null;
  verdicts = []; // the newest first
  skipped = 0; // verdicts that came in figures alone, since the page was opened
  events = []; // the newest first
  marks = []; // of the charts: {at, kind}
  seconds = new Seconds(bounds.seconds);
  groupOf = new Map(); // aggregator's peer to the group that it aggregates
  hops = new Set(); // that verdicts told of
  answered = 0; // answers of Watch so far
  moved = []; // roles that went from one peer to another in the last answer: {role, from, to}
  lastAt = 0;
  #lastLinks = 0;
  #nodeAt = 0; // the node's time of the answer before; 0: of another stream

  /** Folds an answer in. Returns what changed: a Set of status, members, links, figures,
   * verdicts, events, thresholds. */
  take(answer, now) {
    const changed = new Set();
    this.answered++;
    this.lastAt = now;
    this.moved = [];
    if (answer.status) {
      this.#restart(answer.status);
      if (String(this.status?.views) !== String(answer.status.views)) changed.add('members'); // they stand in the order of views
      this.status = answer.status;
      changed.add('status');
    }
    if (answer.members) {
      this.#takeMembers(answer.members, now);
      changed.add('members');
    }
    if (answer.links) {
      changed.add('links');
      if (this.#takeLinks(answer.links, now)) changed.add('members');
    }
    const nodeNow = Number(answer.atUnixNs ?? 0) / 1e6 || now;
    const bin = this.seconds.at(Math.floor(now / 1000));
    bin.overMs += this.#covered(nodeNow, answer.figures);
    if (answer.figures) {
      add(bin, answer.figures);
      const before = this.hops.size;
      for (const { hop } of answer.figures.payloadBytes ?? []) if (this.hops.size < 8) this.hops.add(hop);
      if (this.hops.size > before) changed.add('members'); // who is linked with whom
      changed.add('figures');
    }
    if (answer.verdicts?.length > 0) {
      for (const verdict of answer.verdicts) if (this.#takeVerdict(verdict, now)) changed.add('members');
      changed.add('verdicts');
    }
    this.skipped += Number(answer.skipped ?? 0);
    for (const event of answer.events ?? []) {
      this.#takeEvent(event, nodeNow, now);
      changed.add('events');
    }
    if (answer.events?.some((e) => e.kind === 'noticed')) changed.add('members');
    if (answer.thresholds) {
      this.thresholds = answer.thresholds;
      changed.add('thresholds');
    }
    return changed;
  }

  /** Notes that a stream begins: its first answer covers no time. */
  begin() { this.#nodeAt = 0; }

  /** The time that an answer covers, in ms: since the one before, whether it has figures or
   * not; by the node's clock, and by its own word where that clock was set. */
  #covered(nodeNow, figures) {
    const since = this.#nodeAt === 0 ? 0 : nodeNow - this.#nodeAt;
    this.#nodeAt = nodeNow;
    return since >= 0 && since < 15_000 ? since : Number(figures?.overMs ?? 0);
  }

  /** Forgets those who went long ago; reports whether there were any. */
  tick(now) {
    let any = false;
    for (const [peer, m] of this.members) {
      if (m.goneAt && now - m.goneAt > goneFor) {
        this.members.delete(peer);
        any = true;
      }
      if (m.silent && now - m.silentAt > silentFor && this.links.get(peer)?.up !== false) {
        m.silent = false;
        any = true;
      }
    }
    return any;
  }

  /** The members in the map, those that went a while ago included. */
  get all() { return [...this.members.values()]; }

  /** The members that are there. */
  get present() { return this.all.filter((m) => !m.goneAt); }

  /** Whether nobody else is there. */
  get alone() { return this.status !== null && this.present.length <= 1; }

  #peerNamed(name) {
    for (const [peer, m] of this.members) if (m.name === name) return peer;
    return undefined;
  }

  #restart(status) {
    const before = this.status;
    if (!before || (before.peer === status.peer && before.pid === status.pid)) return;
    this.links.clear(); // its counts begin anew
    if (before.peer !== status.peer) { // another node answers at this address
      this.members.clear();
      this.verdicts.length = 0;
      this.events.length = 0;
    }
  }

  #takeMembers(list, now) {
    const holders = this.#holders();
    const next = new Map();
    for (const of of list.slice(0, bounds.members)) {
      const before = this.members.get(of.peer);
      const gone = of.state === 'down' || of.state === 'left';
      // Who has been gone for long when the page opens is told of by the timeline.
      if (gone && !before && Number(of.sinceMs ?? 0) > goneFor) continue;
      const m = { ...of, group: of.group ?? 0, tier: tierOf(of), silent: !gone && Boolean(before?.silent), silentAt: before?.silentAt };
      this.#remember(m, before, now);
      if (gone) this.#bury(m, before, now);
      else if (m.recent && (m.silent || m.state === 'suspect')) m.tier = m.recent.tier; // it waits where it stood
      next.set(of.peer, m);
    }
    for (const [peer, before] of this.members) { // no longer told of
      if (next.has(peer) || (before.goneAt && now - before.goneAt > goneFor)) continue;
      const m = { ...before, state: before.goneAt ? before.state : 'down' }; // with what it did
      this.#bury(m, before, now);
      next.set(peer, m);
    }
    this.members = next;
    const gone = this.all.filter((m) => m.goneAt).sort((a, b) => b.goneAt - a.goneAt);
    for (const m of gone.slice(bounds.gone)) this.members.delete(m.peer);
    this.#seeMoves(holders);
  }

  /** Keeps in mind what a member did of late: its roles are often taken before it is known to
   * be gone. */
  #remember(m, before, now) {
    if (m.state === 'alive' && !m.silent && (m.roles?.length > 0 || m.views?.length > 0)) {
      m.recent = { roles: m.roles ?? [], views: m.views ?? [], tier: m.tier, group: m.group, at: now };
    } else if (before?.recent && now - before.recent.at < recentFor) m.recent = before.recent;
  }

  /** One that is gone stays where it stood, for a while. */
  #bury(m, before, now) {
    m.goneAt = before?.goneAt || now;
    m.silent = false;
    if (!before) return;
    const was = before.recent ?? before;
    m.tier = before.goneAt ? before.tier : was.tier;
    m.group = before.goneAt ? before.group : was.group;
    m.had = before.had ?? before.roles ?? []; // those that nobody took yet
    m.did = before.did ?? was.roles ?? []; // and this all that it did of late, for people
    m.didViews = before.didViews ?? was.views ?? [];
    m.roles = [];
    m.views = [];
  }

  /** The holder of each role that one node has. */
  #holders() {
    const out = new Map();
    for (const m of this.members.values()) {
      if (m.goneAt && !m.had) continue;
      for (const role of m.goneAt ? m.had : m.roles ?? []) if (role !== 'device') out.set(role, [...(out.get(role) ?? []), m.peer]);
    }
    return out;
  }

  /** Roles that somebody has who had not, and that somebody lost. */
  #seeMoves(before) {
    for (const m of this.members.values()) {
      if (m.goneAt) continue;
      for (const role of m.roles ?? []) {
        const had = before.get(role);
        if (!had || had.includes(m.peer)) continue;
        const from = had.find((peer) => !(this.members.get(peer)?.roles ?? []).includes(role));
        if (from) this.moved.push({ role, from, to: m.peer });
      }
    }
    if (this.moved.length === 0) return;
    // Who lost a role that somebody took has lost it for good.
    for (const m of this.members.values()) if (m.goneAt && m.had) m.had = m.had.filter((role) => !this.moved.some((one) => one.role === role && one.from === m.peer));
  }

  /** Reports whether a member is to the eye what it was not. */
  #takeLinks(list, now) {
    let any = false;
    const over = (now - this.#lastLinks) / 1000;
    this.#lastLinks = now;
    const next = new Map();
    for (const of of list.slice(0, bounds.members)) {
      const before = this.links.get(of.peer);
      const sent = Number(of.sentBytes ?? 0);
      const received = Number(of.receivedBytes ?? 0);
      const rate = (n, was) => (before && over > 0.2 && n >= was ? (n - was) / over : NaN);
      next.set(of.peer, {
        up: Boolean(of.up), roundTripUs: Number(of.roundTripUs ?? 0), sent, received,
        sentRate: rate(sent, before?.sent ?? 0), receivedRate: rate(received, before?.received ?? 0),
      });
      const m = this.members.get(of.peer);
      const was = m?.silent;
      if (m && of.up) m.silent = false;
      if (m && !of.up && before?.up && !m.goneAt) this.#hush(m, now);
      if (m?.silent !== was) any = true;
    }
    this.links = next;
    return any;
  }

  #hush(m, now) {
    m.silent = true;
    m.silentAt = now;
  }

  /** Reports whether it told which group somebody aggregates. */
  #takeVerdict(verdict, now) {
    if (verdict.supersededBy) {
      const known = this.verdicts.find((v) => v.hash === verdict.hash);
      if (known) {
        Object.assign(known, verdict);
        return false;
      }
    }
    verdict.at = now;
    this.verdicts.unshift(verdict);
    if (this.verdicts.length > bounds.verdicts) this.verdicts.length = bounds.verdicts;
    let any = false;
    (verdict.aggregators ?? []).forEach((name, group, all) => {
      const peer = name && all.lastIndexOf(name) === group && this.#peerNamed(name); // of several groups, the last
      if (!peer || this.groupOf.get(peer) === group) return;
      this.groupOf.set(peer, group);
      any = true;
    });
    if (this.groupOf.size > bounds.members) this.groupOf.clear();
    return any;
  }

  /** Events have the node's time of day; on charts they stand in the browser's. */
  #takeEvent(event, nodeNow, now) {
    const at = Number(event.atUnixNs ?? 0) / 1e6;
    const age = nodeNow - at;
    this.events.unshift({ ...event, at });
    if (this.events.length > bounds.events) this.events.length = bounds.events;
    const { peer, how } = event.attributes ?? {};
    const m = this.members.get(peer);
    if (m && !m.goneAt && event.kind === 'noticed' && how === 'connection' && age < silentFor) this.#hush(m, now);
    if (['down', 'left', 'joined', 'elected', 'claimed', 'chaos'].includes(event.kind)) {
      this.marks.push({ at: now - age, kind: event.kind });
      if (this.marks.length > bounds.marks) this.marks.shift();
    }
  }
}
