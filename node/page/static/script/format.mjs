// Numbers, times and foreign text for people. Nothing here knows what it formats.

/** Text that came from a network: what hides or reorders text is shown, and it is cut. Even
 * so it is only ever put in as text. */
export function plain(text, most = 200) {
  const shown = String(text ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g, '\ufffd');
  if (shown.length <= most) return shown; // as most are
  const letters = Array.from(shown);
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : shown;
}

/** A number that fits three digits: 0.123, 1.23, 12.3, 123, 1,234. */
export function number(n) {
  if (!Number.isFinite(n)) return '–';
  const size = Math.abs(n);
  if (size === 0) return '0';
  if (size < 0.001) return n < 0 ? '−<0.001' : '<0.001';
  if (size >= 99.95) return grouped(Math.round(n));
  const digits = size < 1 ? 3 : size < 9.995 ? 2 : 1;
  return trimmed(n.toFixed(digits));
}

/** A whole number with a comma between thousands: 1,234. toLocaleString loads tables first. */
export function grouped(n) { return String(n).replace(/\B(?=(\d{3})+$)/g, ','); }

function trimmed(text) { return text.includes('.') ? text.replace(/\.?0+$/, '') : text; }

/** A share of 1 in per cent; 100 % only where it is all. */
export function percent(share) {
  if (!Number.isFinite(share)) return '–';
  const p = share * 100;
  if (p > 0 && p < 0.1) return '<0.1 %';
  if (p < 100 && p > 99.9) return '>99.9 %';
  return `${trimmed(p.toFixed(1))} %`;
}

/** Bytes: 512 B, 1.2 kB, 34 MB; a kB is 1000. */
export function bytes(n) {
  if (!Number.isFinite(n)) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  while (Math.abs(n) >= 999.5 && at < units.length - 1) {
    n /= 1000;
    at++;
  }
  return `${at === 0 ? Math.round(n) : number(n)} ${units[at]}`;
}

/** A time in ms: 12 µs, 1.2 ms, 3.4 s, 5 min, 2 h, 3 d. */
export function duration(ms) {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms === 0) return '0 ms';
  if (ms < 1) return `${Math.max(1, Math.round(ms * 1000))} µs`;
  if (ms < 999.5) return `${number(ms)} ms`;
  const s = ms / 1000;
  if (s < 59.95) return `${number(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s < 600 ? ` ${Math.floor(s % 60)} s` : ''}`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** How long ago, in words that change seldom. */
export function ago(ms) {
  if (ms < 1500) return 'now';
  return `${duration(Math.round(ms / 1000) * 1000)} ago`;
}

/** A time of day, 24 hours, to the second. */
export function clock(ms) {
  const t = new Date(ms);
  return [t.getHours(), t.getMinutes(), t.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');
}

/** Nanoseconds of protojson, which is text, in ms. */
export function fromNs(text) { return Number(text ?? 0) / 1e6; }

/** A count and its word: 1 view, 2 views. */
export function count(n, word, words = `${word}s`) { return `${grouped(n)} ${n === 1 ? word : words}`; }

/** Names joined for a sentence: a, b and c. Beyond most, how many more. */
export function listed(names, most = 6) {
  if (names.length === 0) return '';
  const shown = names.slice(0, most).map((n) => plain(n, 60));
  if (names.length > most) return `${shown.join(', ')} and ${names.length - most} more`;
  return shown.length === 1 ? shown[0] : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** Short forms of names that begin alike: device-01, device-02 are 01, 02. A name stays whole
 * where too little would be left, or where only some begin alike. */
export function shortened(names) {
  if (names.length < 3) return [...names];
  let common = names[0].length;
  for (const name of names) {
    let i = 0;
    while (i < common && i < name.length && name[i] === names[0][i]) i++;
    common = i;
  }
  const cut = names[0].slice(0, common).search(/[-_. ](?!.*[-_. ])/) + 1; // behind the last separator
  return cut < 3 ? [...names] : names.map((name) => name.slice(cut) || name);
}
