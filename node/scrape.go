package node

import (
	"context"
	"time"

	"ganglion/node/metrics"
	"ganglion/roles"
)

// scrapeWait is how long a scrape waits for the engine.
const scrapeWait = 2 * time.Second

// snapshot is what the node knows, for a scrape.
func (e *engine) snapshot() metrics.Snapshot {
	s := metrics.Snapshot{
		Mesh:   metrics.Mesh{Status: e.mesh.Status(), Traffic: e.mesh.Traffic(), Members: e.mesh.Members()},
		Unsent: e.counters.unsent.Load(), Refused: e.counters.refused.Load(),
		Parcels: len(e.parcels), State: metrics.DiskOf(e.config.Dir),
	}
	for i := range s.Mesh.Members {
		if h := e.mesh.Health(s.Mesh.Members[i].ID); h.Up {
			s.Mesh.Links = append(s.Mesh.Links, h)
		}
	}
	s.Warnings = len(s.Mesh.Status.Warnings)
	of, own := &metrics.Roles{Epochs: map[string]uint64{}}, 0
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWait) // a collector is given none
	defer cancel()
	if err := e.do(ctx, func() {
		e.tellParts(of)
		own = e.tellWork(of)
	}); err == nil {
		s.Roles = of
		s.Warnings += own
	}
	return s
}

// tellParts tells which roles the node has, and what it knows of claims.
func (e *engine) tellParts(out *metrics.Roles) {
	edge := e.plan.current.Topology().Edge != nil
	for _, site := range e.roles.Sites() {
		scene := e.roles.Scene(site)
		for _, h := range scene.Aggregators {
			if h.Peer == e.self {
				out.Held[metrics.Aggregator]++
			}
		}
		if scene.Coordinator.Peer == e.self {
			out.Held[metrics.Coordinator]++
		}
		if scene.Cloud.Peer == e.self {
			out.Held[metrics.Cloud] = 1 // the mesh has one, whatever the sites are
		}
	}
	if edge {
		out.Held[metrics.Edge] = out.Held[metrics.Aggregator]
	}
	for role, epoch := range e.roles.Seen() { // a maximum does not depend on the order
		kind := role.Kind.String()
		out.Epochs[kind] = max(out.Epochs[kind], epoch.Counter)
	}
	for _, p := range e.roles.Scene(e.config.Site).Views {
		if p == e.self {
			out.Views++
		}
	}
}

// tellWork tells what became of samples, and how many warnings the node has of its own.
func (e *engine) tellWork(out *metrics.Roles) (warnings int) {
	now := e.now()
	out.Device, out.Payload, out.Ends = e.before.with(e.roles)
	out.Limit = e.config.RetentionBytes
	sources, faults := e.views.describe()
	for _, s := range sources {
		if s.GetReady() {
			out.Sources.Ready++
		} else {
			out.Sources.Faulty++
		}
	}
	warnings = len(faults) + len(e.pinnedInVain())
	if e.plan.fault != "" {
		warnings++
	}
	for _, site := range e.roles.Sites() {
		log := e.roles.Log(site)
		out.Lines += log.Len()
		c := e.roles.Coordinator(site)
		if c == nil {
			continue
		}
		out.Coordinates = true
		if run, _ := c.Running(now); run != nil {
			t := log.Tally(now, run.Run, roles.Budget+roles.Grace, true)
			out.Open, out.Lost = out.Open+t.Open, out.Lost+t.Lost
		}
	}
	if run := e.runRecord(e.config.Site); run != nil {
		told := e.describeRun(now, run)
		out.Running, out.Period = true, run.Period
		out.Beat, out.Floor = uint64(max(0, told.GetBeat())), told.GetFloor()
	}
	return warnings
}

// carried is what the step machines counted before they were made anew for another
// topology: a counter goes on.
type carried struct {
	device  roles.Counts
	payload roles.Payload
	ends    [roles.GatherEnds]uint64
}

// with is what was counted by those before and these.
func (c *carried) with(n *roles.Node) (roles.Counts, roles.Payload, [roles.GatherEnds]uint64) {
	device, payload, ends := n.Device().Retention().Counts(), n.Device().Payload(), n.Gathers()
	device.Captured += c.device.Captured
	device.Released += c.device.Released
	device.Refused += c.device.Refused
	device.Stored += c.device.Stored
	payload.Bytes += c.payload.Bytes
	payload.Again += c.payload.Again
	payload.SeenViews += c.payload.SeenViews
	for end := range ends {
		ends[end] += c.ends[end]
	}
	return device, payload, ends
}

// add carries over what these counted.
func (c *carried) add(n *roles.Node) { c.device, c.payload, c.ends = c.with(n) }
