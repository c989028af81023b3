package browsertest

import "testing"

// counted has the page count how often each canvas is cleared, which is how often it is drawn.
const counted = `
	window.drawn = {};
	{
		const clear = CanvasRenderingContext2D.prototype.clearRect;
		CanvasRenderingContext2D.prototype.clearRect = function (...a) {
			window.drawn[this.canvas.id] = (window.drawn[this.canvas.id] ?? 0) + 1;
			return clear.apply(this, a);
		};
	}`

// TestDrawnWhereItChanged looks at a large mesh in which nothing happens but verdicts: what
// travels is drawn in each frame, but no link is, and pictures that come into a row leave its
// other boxes where they are. Either was most of what a frame cost.
func TestDrawnWhereItChanged(t *testing.T) {
	f := serve(t, newMesh(100, 8, 64, 200))
	how := desk()
	how.before = counted
	b := start(t).open(t, f.url, how)
	b.await("nodes", `document.querySelectorAll('.node').length === 100 && `+deskReady)
	b.await("pictures", `document.querySelector('.verdict img')`)
	b.await("links and what travels", `window.drawn['map-links'] > 0 && window.drawn['map-dots'] > 20`)
	b.do(`window.before = { ...window.drawn }; window.gone = 0; window.come = 0;
		new MutationObserver((all) => {
			for (const m of all) {
				window.come += [...m.addedNodes].filter((n) => n.nodeName === 'IMG').length;
				window.gone += [...m.removedNodes].filter((n) => n.classList?.contains('view')).length;
			}
		}).observe(document.querySelector('#list-space'), { subtree: true, childList: true })`)
	b.await("more frames and pictures", `window.drawn['map-dots'] > window.before['map-dots'] + 40 && window.come > 20`)
	if got := b.value(`window.drawn['map-links'] - window.before['map-links']`); got != "0" {
		t.Errorf("links that did not change were drawn %s times", got)
	}
	if got := b.value(`window.gone`); got != "0" {
		t.Errorf("%s boxes of views were taken out of their rows", got)
	}
	f.change(func(_ *feed, m *mesh) { m.kill("camera-40") })
	b.await("links without it", `window.drawn['map-links'] > window.before['map-links']`)
}
