package browsertest

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// where is what has the keyboard, in words.
const where = `(() => {
	const e = document.activeElement;
	if (e === document.body) return 'the browser itself';
	const shown = e.matches(':focus-visible') && getComputedStyle(e).outlineStyle !== 'none';
	return (e.id || e.getAttribute('aria-label') || e.textContent).slice(0, 40) + (shown || e.id === 'verdicts' ? '' : ' (not to be seen)');
})()`

// TestKeyboard walks the page without a pointer: every control is reached, in the order in which
// it is read, and it is to be seen where one is; a node and a verdict are opened and left again,
// and the keyboard is then where it was.
func TestKeyboard(t *testing.T) {
	f := serve(t, newMesh(8, 1, 6, 10))
	b := start(t).open(t, f.url, desk())
	b.await("a verdict", deskReady)
	b.await("thresholds", `!document.querySelector('#thresholds').hidden`)
	var stops []string
	for range 20 {
		b.press(kb.Tab)
		stops = append(stops, b.value(where))
	}
	walk := strings.Join(stops, "\n")
	at := -1
	for _, want := range []string{"Skip to the verdicts", "health", "rack, cloud", "hold", "list", "span", "timeline-kind", "timeline", "slide-local", "Threshold of the local exit", "by the number of views seen"} {
		next := strings.Index(walk, want)
		if next < 0 || next < at {
			t.Errorf("the tab key does not reach %q in its place:\n%s", want, walk)
		}
		at = max(at, next)
	}
	if strings.Contains(walk, "not to be seen") {
		t.Errorf("the keyboard is where nobody sees it:\n%s", walk)
	}

	// The map: arrows walk, Enter opens, Escape closes and gives the keyboard back.
	b.do(`document.querySelector('.node[data-tier="cloud"]').focus()`)
	b.press(kb.ArrowDown)
	if got := b.value(where); !strings.HasPrefix(got, "hub") {
		t.Errorf("below the cloud is %q, want the aggregator", got)
	}
	b.press(kb.ArrowDown, kb.ArrowRight, kb.Enter)
	b.await("the panel", `!document.querySelector('#node').hidden && document.querySelector('#node').contains(document.activeElement)`)
	name := b.value(`document.querySelector('#node-name').textContent`)
	b.press(kb.Escape)
	b.await("the panel closes", `document.querySelector('#node').hidden`)
	if got := b.value(where); !strings.HasPrefix(got, name) {
		t.Errorf("after the panel of %s the keyboard is at %q", name, got)
	}

	// The list: it holds still for who walks in it.
	b.do(`document.querySelector('#list').focus()`)
	b.press(kb.ArrowDown, kb.ArrowDown)
	chosen := b.value(`document.querySelector('.verdict[aria-selected="true"]').getAttribute('aria-label')`)
	b.await("the list holds", `/held: \d+ newer/.test(document.querySelector('#verdicts-note').textContent)`)
	if got := b.value(`document.getElementById(document.querySelector('#list').getAttribute('aria-activedescendant')).getAttribute('aria-label')`); got != chosen {
		t.Errorf("the list moved under the keyboard: %q, it was %q", got, chosen)
	}
	b.press(kb.Enter)
	b.await("the explanation", `document.querySelector('#explain').open`)
	title := b.value(`document.querySelector('#explain-title').textContent`)
	b.press(kb.ArrowRight)
	b.await("an older one", `document.querySelector('#explain-title').textContent !== `+quoted(title))
	b.press(kb.Escape)
	b.await("the list again", `!document.querySelector('#explain').open && document.activeElement.id === 'list'`)
}

// TestControls uses what changes something: thresholds are tried, applied and taken back, and
// nobody is killed without being asked twice.
func TestControls(t *testing.T) {
	f := serve(t, newMesh(8, 1, 6, 10))
	b := start(t).open(t, f.url, desk())
	b.await("thresholds", `!document.querySelector('#thresholds').hidden`)

	b.do(`const s = document.querySelector('#slide-local'); s.value = '0.4'; s.dispatchEvent(new Event('input'))`)
	b.await("what they would have done", `document.querySelector('.rehearsal')?.textContent.includes('40 %')`)
	if got := f.heard(); got != "rehearse" {
		t.Errorf("a slider that was moved asked for %q", got)
	}
	b.do(`document.querySelector('#thresholds').requestSubmit()`)
	b.await("in force", `document.querySelector('#thresholds-note').textContent.startsWith('set in the mesh')`)
	if got, want := f.heard(), "set thresholds/"+madeBundle+" local=0.2125,0.25,0.2875,0.325,0.3625,0.4"; !strings.Contains(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
	b.do(`[...document.querySelectorAll('#thresholds button')].find((x) => x.textContent === 'Undo').click()`)
	b.await("taken back", `document.querySelector('#thresholds-note').textContent.startsWith("the bundle's own")`)
	b.await("on the slider too", `document.querySelector('#slide-local').value === '0.8'`)

	b.do(`document.querySelector('.node[data-tier="aggregator"]').click()`)
	b.do(`const s = document.querySelector('.chaos select'); s.value = 'slow'; s.dispatchEvent(new Event('change')); document.querySelector('.chaos').requestSubmit()`)
	b.await("taken", `document.querySelector('.chaos [role=status]').textContent.includes('took it')`)
	b.do(`const s = document.querySelector('.chaos select'); s.value = 'kill'; s.dispatchEvent(new Event('change')); document.querySelector('.chaos').requestSubmit()`)
	b.await("asked again", `document.querySelector('#confirm').open && document.activeElement.textContent === 'Leave it'`)
	b.press(kb.Enter)
	b.await("left", `!document.querySelector('#confirm').open`)
	if got := f.heard(); !strings.Contains(got, "slow hub for 10s") || strings.Contains(got, "kill") {
		t.Errorf("asked for %q, want slow and no kill", got)
	}
	b.do(`document.querySelector('.chaos').requestSubmit()`)
	b.await("asked again", `document.querySelector('#confirm').open`)
	b.do(`document.querySelector('#confirm .danger').click()`)
	b.await("it is gone", `document.querySelector('.node[data-standing="down"] .name')?.textContent === 'hub'`)
	b.await("its role has moved", `[...document.querySelectorAll('.node[data-tier="aggregator"] .name')].some((n) => n.textContent === 'camera-1')`)
	b.await("who listens is told", `/camera-1 is (aggregator|coordinator) now/.test(document.querySelector('#live').textContent)`)
}

// TestToken gives the page the token of a node that asks for one: by hand, a wrong one first,
// and in the address, from which it vanishes.
func TestToken(t *testing.T) {
	const secret = "the-token-of-twenty-letters"
	m := newMesh(8, 1, 6, 10)
	f := serve(t, m)
	f.change(func(f *feed, _ *mesh) { f.token = secret })
	of := start(t)
	b := of.open(t, f.url, desk())
	b.lenient = true // the browser tells of each 401
	give := func(text string) {
		b.await("the question", `document.querySelector('#token').open`)
		b.do(`const i = document.querySelector('#token-text'); i.value = ` + quoted(text) + `; document.querySelector('#token-form').requestSubmit()`)
	}
	give("not-the-token-of-anybody")
	b.await("refused", `document.querySelector('#token-error').textContent.includes('does not take')`)
	give(secret)
	b.await("the page", `!document.querySelector('#token').open && `+deskReady)
	b.await("pictures, which need it too", `document.querySelector('.verdict img')`)

	b = of.open(t, f.url+"#token="+secret, desk())
	b.await("the page", deskReady)
	if got := b.value(`location.href + document.documentElement.outerHTML`); strings.Contains(got, secret) {
		t.Error("the token is still to be read in the address or the document")
	}
	if got := b.value(`localStorage.length + document.cookie`); got != "0" {
		t.Errorf("something is kept for longer than the tab: %q", got)
	}
}

// TestStillness asks for no motion: a role that moves is where it goes at once, and nothing
// travels on the links.
func TestStillness(t *testing.T) {
	f := serve(t, newMesh(8, 1, 6, 10))
	how := desk()
	how.still = true
	b := start(t).open(t, f.url, how)
	b.await("a verdict", deskReady)
	b.do(`window.places = new Set(); const n = [...document.querySelectorAll('.node')].find((x) => x.textContent.startsWith('camera-1')).parentElement;
		new MutationObserver(() => window.places.add(n.style.transform)).observe(n, { attributes: true })`)
	f.change(func(_ *feed, m *mesh) { m.kill("hub") })
	b.await("the role has moved", `[...document.querySelectorAll('.node[data-tier="aggregator"] .name')].some((n) => n.textContent === 'camera-1')`)
	b.await("it is there", `window.places.size > 0`)
	if got := b.value(`window.places.size`); got != "1" {
		t.Errorf("it was in %s places on its way, want the last alone", got)
	}
}
