package roles

import "ganglion/inference"

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
