package metrics

import (
	"maps"
	"slices"

	"ganglion/roles"
)

// rolesReader is what is read of the step machines.
type rolesReader struct {
	held, views, epoch                       read
	captured, released, refused, retained    read
	retainedBytes, limitBytes                read
	sealsStored, seals, sealsLimit           read
	gathers, open, lost, beat, floor, period read
	sources, lines                           read
	payload, payloadViews                    read
}

func declareRoles(b *book) rolesReader {
	return rolesReader{
		held:  b.gauge(Sum, "roles_held", "Roles that this node has. A mesh that is whole has one cloud, and an aggregator for each group of each site.", "role"),
		views: b.gauge(Sum, "views_held", "Views that this node feeds."),
		epoch: b.gauge(Each, "role_epoch", "Number of the highest claim to a role of that kind that this node knows of.", "role"),

		captured:      b.total(Sum, "observations_captured_total", "Samples that this node's device captured. Each device of a site captures the same samples."),
		released:      b.total(Sum, "observations_released_total", "Captured samples that this device no longer retains: their verdict is safe elsewhere."),
		refused:       b.total(Sum, "observations_refused_total", "Samples that this device refused, because what it retains has reached its limit."),
		retained:      b.gauge(Sum, "observations_retained", "Captured samples whose verdict is not sealed here."),
		retainedBytes: b.gauge(Sum, "retention_bytes", "Bytes of the samples that this device retains."),
		limitBytes:    b.gauge(Sum, "retention_limit_bytes", "Bytes that this device may retain; beyond it refuses what is new."),

		sealsStored: b.total(Sum, "seals_stored_total", "Seals that this node stored, each sample's once; every device of a site and its first standby store one."),
		seals:       b.gauge(Sum, "seals_held", "Seals of samples that are not known to be published."),
		sealsLimit:  b.gauge(Sum, "seals_limit", "Seals that this node may hold."),

		gathers: b.total(Sum, "gathers_total", "Gathers of this node's aggregators, by what ended them.", "end"),
		open:    b.gauge(Sum, "samples_open", "Samples of the present run in work, of which this node is the coordinator."),
		lost:    b.gauge(Sum, "samples_lost", "Samples of the present run that were due and have no verdict after their time, of which this node is the coordinator."),
		beat:    b.gauge(Each, "run_beat", "The present beat of this site's run."),
		floor:   b.gauge(Each, "run_floor_beat", "The oldest beat of this site's run that is not final."),
		period:  b.gauge(Each, "run_period_seconds", "Time from one beat to the next."),

		sources: b.gauge(Sum, "sources", "Sources of this node, by whether they can be looked through.", "state"),
		lines:   b.gauge(Each, "log_verdicts", "Publications that this node's verdict logs hold now."),

		payload: b.total(Sum, "payload_sent_bytes_total",
			"Scores and features that this node's device sent up, the first time, or again because nobody answered or somebody else took over.", "attempt"),
		payloadViews: b.total(Sum, "payload_views_total", "Seen views for which this device spoke first."),
	}
}

func (r *rolesReader) collect(out sample, s *Roles) {
	for role, n := range s.Held {
		put(out, r.held, n, RoleLabel(role).String())
	}
	put(out, r.views, s.Views)
	for _, role := range slices.Sorted(maps.Keys(s.Epochs)) {
		put(out, r.epoch, s.Epochs[role], role)
	}
	put(out, r.captured, s.Device.Captured)
	put(out, r.released, s.Device.Released)
	put(out, r.refused, s.Device.Refused)
	put(out, r.retained, s.Device.Retained)
	put(out, r.retainedBytes, s.Device.RetainedBytes)
	put(out, r.limitBytes, s.Limit)
	put(out, r.sealsStored, s.Device.Stored)
	put(out, r.seals, s.Device.Seals)
	put(out, r.sealsLimit, roles.MaxSeals)
	for end, n := range s.Ends {
		put(out, r.gathers, n, roles.GatherEnd(end).String())
	}
	if s.Coordinates {
		put(out, r.open, s.Open)
		put(out, r.lost, s.Lost)
	}
	if s.Running {
		put(out, r.beat, s.Beat)
		put(out, r.floor, s.Floor)
		put(out, r.period, s.Period.Seconds())
	}
	put(out, r.sources, s.Sources.Ready, "ready")
	put(out, r.sources, s.Sources.Faulty, "faulty")
	put(out, r.lines, s.Lines)
	put(out, r.payload, s.Payload.Bytes, "first")
	put(out, r.payload, s.Payload.Again, "again")
	put(out, r.payloadViews, s.Payload.SeenViews)
}

// lastKind is one more than the last kind of role.
const lastKind = roles.CoordinatorKind + 1

// kinds are the kinds of roles.
func kinds() []roles.RoleKind {
	return []roles.RoleKind{roles.CloudKind, roles.AggregatorKind, roles.CoordinatorKind}
}

func (m *Metrics) declareClaims() {
	claims := m.book.counters(Sum, "claims_total",
		"Claims that this node made to a role, its first ones among them. A site with one group has no claims of its own to the coordinator's part.", "role")
	takeovers := m.book.counters(Sum, "takeovers_total", "Roles that this node took over from another.", "role")
	for _, kind := range kinds() {
		m.claims[kind] = claims.WithLabelValues(kind.String())
		m.takeovers[kind] = takeovers.WithLabelValues(kind.String())
	}
}

// Claimed counts claims that this node made.
func (m *Metrics) Claimed(of []roles.Claim) {
	if m == nil {
		return
	}
	for _, c := range of {
		m.claims[c.Role.Kind].Inc()
	}
}

// TookOver counts a role that this node has in the place of another.
func (m *Metrics) TookOver(kind roles.RoleKind) {
	if m != nil {
		m.takeovers[kind].Inc()
	}
}

// LinkLost counts a link that went down.
func (m *Metrics) LinkLost(broken bool) {
	switch {
	case m == nil:
	case broken:
		m.links.broken.Inc()
	default:
		m.links.closed.Inc()
	}
}

// Filled counts verdicts that another node's log brought.
func (m *Metrics) Filled(verdicts int) {
	if m != nil {
		m.filled.Add(float64(verdicts))
	}
}

// Turned counts a turn of the engine.
func (m *Metrics) Turned() {
	if m != nil {
		m.turns.Inc()
	}
}
