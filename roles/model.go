package roles

import (
	"maps"

	"ganglion/inference"
)

// model is what the sample is of, by the group that saw most of it, of equals the first.
func (w *work) model() (of Model, spoke bool) {
	most := -1
	for _, p := range w.local {
		if p != nil && countOf(p.Seen|p.Nothing) > most {
			of, most = p.model(), countOf(p.Seen|p.Nothing)
		}
	}
	return of, most >= 0
}

// agree takes from what the groups say all that is not of the sample. Of another bundle or other
// settings: some device of the group has missed a change, and its views are missing. Of views that
// the site does not have in that group: who said it has another deployment in mind, or lies.
func (c *Coordinator) agree(w *work) {
	of, _ := w.model()
	for g, p := range w.local {
		if p == nil {
			continue
		}
		if p.model() != of {
			p = p.missed()
		}
		w.local[g] = p.within(c.ofGroupViews(of.Bundle, g))
	}
	for g, p := range w.edges { // sections ask for no threshold: the settings do not matter
		if p != nil && p.Bundle != of.Bundle {
			w.edges[g] = nil
		} else if p != nil {
			w.edges[g] = p.within(c.ofGroupViews(of.Bundle, g))
		}
	}
}

// missed is the proposal with all its views missing.
func (p *Proposed) missed() *Proposed {
	if p.Seen|p.Nothing == 0 && p.Exit == nil {
		return p
	}
	out := *p
	out.Seen, out.Nothing, out.Exit, out.Reasons = 0, 0, nil, maps.Clone(p.Reasons)
	if out.Reasons == nil {
		out.Reasons = map[int]Reason{}
	}
	for v := range each(p.Seen | p.Nothing) {
		out.Reasons[v] = NoBundle
	}
	return &out
}

// bundle is what the sample is of, for whoever needs no threshold; nil where it is not loaded
// here, or nobody spoke of it.
func (c *Coordinator) bundle(w *work) *Bundled {
	of, spoke := w.model()
	if !spoke {
		return nil
	}
	return c.catalog.network(of.Bundle)
}

// thresholds is those of the sample's settings. Where this node does not know them it asks the
// others, and waits for as long as a sample may take; then all goes up, since the last exit
// needs none.
func (c *Coordinator) thresholds(now Instant, w *work, b *Bundled, fx *Effects) (t inference.Thresholds, known bool) {
	of, _ := w.model()
	if under := c.catalog(of.Bundle, of.Settings); under != nil {
		return under.Thresholds, true
	}
	if now < max(w.opened, w.spoke).Add(Budget+c.longest()) {
		fx.Lacks = append(fx.Lacks, of)
		return t, false
	}
	return b.Thresholds.WithAll(0), true
}
