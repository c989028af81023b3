// Colours are read by everybody: text at 4.5 to 1 on every ground that it stands on, marks at
// 3 to 1, in both schemes (WCAG 2.2, 1.4.3 and 1.4.11). Computed from the style sheet itself.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const sheet = readFileSync(new URL('../static/style/colours.css', import.meta.url), 'utf8');
const [lightText, darkText] = sheet.split('@media');
const colours = (text) => Object.fromEntries([...text.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
const schemes = { light: colours(lightText), dark: { ...colours(lightText), ...colours(darkText) } };

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

test('the computation knows black and white', () => assert.equal(contrast('#000000', '#ffffff'), 21));

for (const [scheme, of] of Object.entries(schemes)) {
  for (const [least, text, grounds] of [
    [4.5, ['text', 'quiet', 'good', 'warn', 'bad', 'accent'], ['ground', 'panel', 'raised']],
    [4.5, ['text', 'bad'], ['bad-ground', 'warn-ground']],
    [4.5, ['on-accent'], ['accent']],
    [4.5, ['panel'], ['warn']], // the badge
    [3, ['local', 'edge', 'cloud', 'none', 'refused', 'scores', 'features', 'focus', 'strong-line'], ['panel', 'raised']],
  ]) {
    for (const name of text) {
      for (const ground of grounds) {
        test(`${scheme}: ${name} on ${ground}`, () => {
          assert.ok(of[name] && of[ground], 'both are in the sheet');
          const got = contrast(of[name], of[ground]);
          assert.ok(got >= least, `${got.toFixed(2)} to 1, want ${least}`);
        });
      }
    }
  }
}
