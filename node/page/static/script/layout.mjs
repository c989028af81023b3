// Where each node of the map stands: bands from the devices below to the cloud above, groups
// side by side, as large as the width allows. Pure: members and a width in, places out.

import { shortened } from './format.mjs';

/** The bands, the highest first. */
export const tiers = ['cloud', 'aggregator', 'device', 'spare'];

/** The sizes in which a node is drawn, in CSS pixels, and the gap around it. */
export const sizes = {
  card: { w: 122, h: 60, gap: 10 },
  chip: { w: 96, h: 32, gap: 6 },
  dot: { w: 50, h: 30, gap: 4 },
};

const chipLetters = 9; // that a chip has room for
const bandTitle = 24; // height of a band's title
const bandGap = 30; // between bands: room for links
const groupPad = 8;
const groupTitle = 20;

/** The band of a member: that of its highest role. */
export function tierOf(member) {
  const roles = member.roles ?? [];
  if (roles.includes('cloud')) return 'cloud';
  if (roles.includes('aggregator') || roles.includes('edge')) return 'aggregator';
  if ((member.views?.length ?? 0) > 0 || roles.includes('device')) return 'device';
  return 'spare';
}

/** A band's title. */
export function tierTitle(tier, nodes) {
  switch (tier) {
    case 'cloud': return nodes.some((n) => n.roles?.includes('aggregator')) ? 'Cloud, aggregator too' : 'Cloud';
    case 'aggregator': {
      const edge = nodes.some((n) => n.roles?.includes('edge'));
      return `Aggregator${nodes.length > 1 ? 's' : ''}${edge ? ' and edge' : ''}`;
    }
    case 'device': return 'Devices';
    default: return nodes.every((n) => n.goneAt) ? 'Gone' : 'Standing by, without a view';
  }
}

/** Lays members out. Each has peer, name, tier, group, and views, whose place in views (the
 * bundle's) orders them. groupOf tells the group of an aggregator, where it is known.
 *
 * Returns {size, height, bands: [{tier, title, y, h}], groups: [{group, x, y, w, h}],
 * places: Map of peer to {x, y} (of the centre), labels: Map of peer to a short name}. */
export function layout(members, { width, most = Infinity, views = [], groupOf = new Map() }) {
  const order = new Map(views.map((view, i) => [view, i]));
  const sorted = [...members].sort((a, b) => compare(a, b, order));
  let out = null;
  for (const size of ['card', 'chip', 'dot']) {
    out = place(sorted, size, width, groupOf);
    if (out.height <= most && out.fits) break;
  }
  out.labels = labelled(sorted, out.size);
  return out;
}

/** What stands on each node. Where room is little, names of a band that begin alike are cut. */
function labelled(members, size) {
  const out = new Map();
  for (const tier of tiers) {
    const of = members.filter((m) => m.tier === tier);
    const names = of.map((m) => m.name);
    const whole = size === 'card' || (size === 'chip' && names.every((n) => n.length <= chipLetters));
    const shown = whole ? names : shortened(names);
    of.forEach((m, i) => out.set(m.peer, shown[i]));
  }
  return out;
}

function compare(a, b, order) {
  const rank = (m) => order.get(m.views?.[0] ?? m.didViews?.[0] ?? m.recent?.views[0]) ?? 1e9; // who is gone stands where it stood
  return (a.group ?? 0) - (b.group ?? 0) || rank(a) - rank(b) || text(a.name, b.name) || text(a.peer, b.peer);
}

function text(a, b) { return a < b ? -1 : a > b ? 1 : 0; }

function place(members, size, width, groupOf) {
  const cell = sizes[size];
  const out = { size, height: 0, bands: [], groups: [], places: new Map(), fits: true };
  const of = Object.fromEntries(tiers.map((tier) => [tier, members.filter((m) => m.tier === tier)]));
  const groups = [...new Set(of.device.map((m) => m.group ?? 0))].sort((a, b) => a - b);
  const boxes = boxesOf(groups.map((g) => of.device.filter((m) => (m.group ?? 0) === g).length), cell, width);
  const centre = new Map(groups.map((g, i) => [g, boxes[i].x + boxes[i].w / 2]));
  let y = 0;
  for (const tier of tiers) {
    if (of[tier].length === 0) continue;
    const top = y + bandTitle;
    let bottom;
    if (tier === 'device') bottom = devices(out, of.device, groups, boxes, cell, top);
    else if (tier === 'aggregator') bottom = above(out, of[tier], centre, groupOf, cell, width, top);
    else bottom = rows(out, of[tier], cell, 0, width, top);
    if ((tier === 'cloud' || tier === 'aggregator') && size === 'card' && bottom - top > 2 * (cell.h + cell.gap)) out.fits = false;
    out.bands.push({ tier, title: tierTitle(tier, of[tier]), y, h: bottom - y });
    y = bottom + bandGap;
  }
  out.height = Math.max(0, y - bandGap);
  if (size === 'card' && width < 2 * (cell.w + cell.gap) + 2 * groupPad) out.fits = false;
  return out;
}

/** Rows of nodes in the middle of a stretch; returns where they end. */
function rows(out, members, cell, x, w, top) {
  const step = cell.w + cell.gap;
  const perRow = Math.max(1, Math.floor((w + cell.gap) / step));
  const count = Math.ceil(members.length / perRow);
  const even = Math.ceil(members.length / Math.max(1, count)); // full rows and a lone node look worse
  members.forEach((m, i) => {
    const row = Math.floor(i / even);
    const inRow = Math.min(even, members.length - row * even);
    const left = x + (w - (inRow * step - cell.gap)) / 2;
    out.places.set(m.peer, { x: left + (i % even) * step + cell.w / 2, y: top + row * (cell.h + cell.gap) + cell.h / 2 });
  });
  return top + count * (cell.h + cell.gap) - cell.gap;
}

/** The boxes of the groups, side by side; in several rows where they are many. Each has x, w,
 * row, and the height of its nodes. */
function boxesOf(counts, cell, width) {
  const step = cell.w + cell.gap;
  const least = step + 2 * groupPad;
  const perRow = Math.max(1, Math.min(counts.length, Math.floor((width + groupPad) / (least + groupPad))));
  const boxes = [];
  for (let from = 0, row = 0; from < counts.length; from += perRow, row++) {
    const some = counts.slice(from, from + perRow);
    const room = width - (some.length - 1) * groupPad;
    const total = some.reduce((sum, n) => sum + n, 0);
    let x = 0;
    for (const n of some) {
      const w = some.length === 1 ? width : Math.max(least, Math.min(room - least * (some.length - 1), (room * n) / total));
      const perLine = Math.max(1, Math.floor((w - 2 * groupPad + cell.gap) / step));
      boxes.push({ x, w, row, h: Math.ceil(n / perLine) * (cell.h + cell.gap) - cell.gap });
      x += w + groupPad;
    }
  }
  return boxes;
}

function devices(out, members, groups, boxes, cell, top) {
  const several = groups.length > 1;
  const title = several ? groupTitle : groupPad;
  let y = top;
  for (let row = 0; row <= (boxes.at(-1)?.row ?? 0); row++) {
    let bottom = y;
    groups.forEach((group, i) => {
      const box = boxes[i];
      if (box.row !== row) return;
      const mine = members.filter((m) => (m.group ?? 0) === group);
      const end = rows(out, mine, cell, box.x + groupPad, box.w - 2 * groupPad, y + title) + groupPad;
      if (several) out.groups.push({ group, x: box.x, y, w: box.w, h: end - y });
      bottom = Math.max(bottom, end);
    });
    y = bottom + groupPad;
  }
  return y - groupPad;
}

/** Aggregators above their groups, where that is known of all and there is room. */
function above(out, members, centre, groupOf, cell, width, top) {
  const at = members.map((m) => centre.get(groupOf.get(m.peer)));
  const known = at.every((x) => x !== undefined);
  const wanted = known ? members.map((m, i) => ({ m, x: clamp(at[i], cell.w / 2, width - cell.w / 2) })).sort((a, b) => a.x - b.x) : [];
  if (!known || wanted.some((one, i) => i > 0 && one.x - wanted[i - 1].x < cell.w + cell.gap / 2)) return rows(out, members, cell, 0, width, top);
  for (const { m, x } of wanted) out.places.set(m.peer, { x, y: top + cell.h / 2 });
  return top + cell.h;
}

function clamp(x, least, most) { return Math.min(Math.max(x, least), Math.max(least, most)); }

/** What connects whom: {from, to, kind} by peer. kind "scores" is device to aggregator,
 * "features" device to the tier that asks for them, "up" aggregator to cloud. hops are those
 * that verdicts told of. */
export function connections(members, groupOf, hops = []) {
  const able = members.filter((m) => m.state === 'alive' || m.state === 'suspect');
  const aggregators = able.filter((m) => m.roles?.includes('aggregator') || m.roles?.includes('edge'));
  const cloud = able.find((m) => m.roles?.includes('cloud'));
  const straight = hops.includes('device-cloud');
  const out = [];
  for (const m of able) {
    if ((m.views?.length ?? 0) === 0) continue;
    const to = aggregators.find((a) => groupOf.get(a.peer) === (m.group ?? 0)) ?? (aggregators.length === 1 ? aggregators[0] : undefined);
    if (to && to.peer !== m.peer) out.push({ from: m.peer, to: to.peer, kind: 'scores' });
    if (straight && cloud && cloud.peer !== m.peer && cloud.peer !== to?.peer) out.push({ from: m.peer, to: cloud.peer, kind: 'features' });
  }
  for (const a of aggregators) if (cloud && a.peer !== cloud.peer) out.push({ from: a.peer, to: cloud.peer, kind: 'up' });
  return out;
}
