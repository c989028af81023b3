package node

import (
	"slices"

	"ganglion/node/metrics"
	"ganglion/node/source"
	"ganglion/roles"
)

// capture looks through every source at the moments that are due, runs the device sections
// on what they see, and returns what came of it.
func (e *engine) capture(now roles.Instant, due []roles.Capture) []*roles.Observation {
	var out []*roles.Observation
	for i := range due {
		c := &due[i]
		o := &roles.Observation{
			Sample: c.Sample, Bundle: c.Bundle, Settings: c.Settings, Captured: now, Ref: -1, Label: -1,
		}
		b := e.catalog.loaded[c.Bundle]
		for _, h := range e.views.held {
			o.Views = append(o.Views, e.look(b, h.View, c, o))
		}
		if len(o.Views) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// look is what one view comes to.
func (e *engine) look(b *bundled, view int, c *roles.Capture, o *roles.Observation) roles.ViewResult {
	if b == nil || view >= len(b.Topology.Views) { // a device judges by no threshold
		return roles.ViewResult{View: view, Reason: roles.NoBundle}
	}
	if c.Inputs != nil {
		i := slices.IndexFunc(c.Inputs, func(in roles.Input) bool { return in.View == view })
		if i < 0 {
			return roles.ViewResult{View: view} // not among the pictures: nothing in view
		}
		return e.section(b, view, c.Inputs[i].Pixels)
	}
	f := e.views.feeding(view)
	if f == nil || f.src == nil {
		return roles.ViewResult{View: view, Reason: roles.Faulty}
	}
	ref := c.Ref
	if r, ok := f.src.(*source.Replay); ok {
		if ref < 0 {
			ref = r.RefAt(uint64(c.Sample.Beat))
		}
		o.Ref, o.Label = ref, r.Label(ref) // one that is not of its split is a fault below
	}
	pixels, look, err := f.src.Pixels(ref, view)
	switch look {
	case source.Seen:
		if f.src.Live() {
			e.audience.saw(c.Sample, view, b.Topology.Input, pixels)
		}
		return e.section(b, view, pixels)
	case source.Nothing:
		return roles.ViewResult{View: view}
	default:
		e.log.Debug("view not captured", "view", view, "error", err)
		return roles.ViewResult{View: view, Reason: roles.Faulty}
	}
}

// section runs the device section of a view; in deployment (a) the pixels themselves go up.
func (e *engine) section(b *bundled, view int, pixels []byte) roles.ViewResult {
	r := roles.ViewResult{View: view}
	switch {
	case len(pixels) != b.Topology.Input.Size():
		r.Reason = roles.Faulty
	case !b.Topology.Presence.Present(pixels):
	case b.Topology.Device.Raw:
		r.Seen, r.Features = true, pixels
	default:
		began := e.metrics.Began()
		b.bundle.Model().Device(view, pixels, b.output, b.scratch)
		e.metrics.Ran(metrics.DeviceSection, began)
		r.Seen = true
		r.Features = slices.Clone(b.output.Features)
		r.Scores = slices.Clone(b.output.Scores)
	}
	return r
}
