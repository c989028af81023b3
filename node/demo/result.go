package demo

import (
	"maps"
	"math"
	"slices"
	"time"

	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
)

// Percentiles of a latency, in milliseconds, by nearest rank.
type Percentiles struct {
	P50 evaluation.Number `json:"p50"`
	P90 evaluation.Number `json:"p90"`
	P99 evaluation.Number `json:"p99"`
	Max evaluation.Number `json:"max"`
}

// Result is what a demo came to. Its JSON is stable: keys are added, never renamed. Figures
// of nothing are null.
type Result struct {
	Planned uint64 `json:"planned"` // samples that were to come; 0: without an end
	Due     uint64 `json:"due"`     // = decided + refused + lost + open
	Decided uint64 `json:"decided"`
	NoView  uint64 `json:"no_view"` // of those decided
	Refused uint64 `json:"refused"`
	Lost    uint64 `json:"lost"`
	Open    uint64 `json:"open"`

	Accuracy     evaluation.Number                  `json:"accuracy"` // of samples with a view and a label
	Interval     evaluation.Interval                `json:"interval"` // Wilson's, 95 %
	Exits        map[string]evaluation.Number       `json:"exits"`    // share of samples, "none" included
	ExitAccuracy map[string]evaluation.ExitAccuracy `json:"exit_accuracy"`
	LatencyMS    map[string]Percentiles             `json:"latency_ms"`     // from the first frame of a sample to its sealed verdict
	LatencyAll   Percentiles                        `json:"latency_all_ms"` // the same of all samples that have an answer, whatever the exit

	AgreesWithEval bool         `json:"agrees_with_eval"` // every verdict is that of one process on all live views of its sample, bit for bit
	Differing      uint64       `json:"differing"`        // samples that are not
	Wrong          uint64       `json:"wrong"`            // of them, those that are not even what one process makes of the views that they rest on
	Differences    []Difference `json:"differences"`      // the first of them

	PayloadPerSeenView evaluation.Number `json:"payload_bytes_per_seen_view"`         // scores and features, as the devices counted them
	FramesPerSeenView  evaluation.Number `json:"frame_bytes_per_seen_view"`           // frames with scores or features, on the wire; null: not counted
	SocketPerSeenView  evaluation.Number `json:"socket_bytes_per_seen_view"`          // all that the devices sent about samples, heartbeats and seals too
	FormulaPerSeenView evaluation.Number `json:"formula_payload_bytes_per_seen_view"` // section III-E of the paper, with the share of local exits
	RawPerView         int               `json:"raw_bytes_per_view"`                  // a picture
	SeenViews          uint64            `json:"seen_views"`                          // over all samples: what these bytes are for

	Act *Act `json:"act"` // a further run in which nodes were killed, which no other figure is of; null: there was none

	Nodes          int      `json:"nodes"`
	Devices        int      `json:"devices"` // of them
	Missing        []string `json:"missing"` // views without a device
	Died           []string `json:"died"`    // nodes that ended by themselves
	Samples        int      `json:"samples"` // verdicts that the figures are of
	Model          string   `json:"model"`
	SyntheticModel bool     `json:"synthetic_model"`
	Data           string   `json:"data"`
	DataHash       string   `json:"data_hash"`
	Synthetic      bool     `json:"synthetic"`
	Split          string   `json:"split"`
	Run            string   `json:"run"`
	Rate           float64  `json:"rate"`
	CloudDelayMS   float64  `json:"cloud_delay_ms"`
	Seconds        float64  `json:"seconds"` // from the start of the demo
}

// Complete tells whether every sample that was to come was due and has an answer: one that no
// node ever heard of is in no tally.
func (r *Result) Complete() bool {
	return r.Due > 0 && (r.Planned == 0 || r.Due == r.Planned) && r.Lost == 0 && r.Open == 0 && r.Due == r.Decided+r.Refused && uint64(r.Samples) == r.Due
}

// spent is what the devices have sent.
type spent struct {
	payload, views, frames, socket uint64
}

// spentOf is what a device says it has sent.
func spentOf(t *controlpb.Traffic) spent {
	return spent{t.GetPayloadSentBytes(), t.GetSeenViews(), t.GetDeviceSentBytes(), t.GetSampleSentBytes()}
}

// since is what was sent since another look; what did not grow counts as nothing.
func (s spent) since(before spent) spent {
	less := func(a, b uint64) uint64 { return max(a, b) - b }
	return spent{
		less(s.payload, before.payload), less(s.views, before.views), less(s.frames, before.frames), less(s.socket, before.socket),
	}
}

func (s spent) plus(o spent) spent {
	return spent{s.payload + o.payload, s.views + o.views, s.frames + o.frames, s.socket + o.socket}
}

// figures fills in what follows from the verdicts.
func (r *Result) figures(l *Ledger, t *topology.Topology, cost spent) {
	r.Samples = l.Len()
	correct := l.Correct()
	r.Accuracy, r.Interval = share(correct.Right, correct.Of), evaluation.Wilson(correct.Right, correct.Of)
	r.Exits, r.ExitAccuracy = map[string]evaluation.Number{}, map[string]evaluation.ExitAccuracy{}
	r.LatencyMS = map[string]Percentiles{}
	var all []time.Duration
	for _, e := range l.Exits(t) {
		r.Exits[e.Exit] = share(e.Samples, l.Len())
		answers := e.Exit != topology.ExitNone.String() && e.Exit != refused
		if answers {
			r.ExitAccuracy[e.Exit] = evaluation.ExitAccuracy{
				Samples: e.Correct.Of, Accuracy: share(e.Correct.Right, e.Correct.Of), Interval: evaluation.Wilson(e.Correct.Right, e.Correct.Of),
			}
		}
		if answers || e.Samples > 0 {
			r.LatencyMS[e.Exit] = percentilesOf(e.Latency)
		}
		if answers {
			all = append(all, e.Latency...)
		}
	}
	slices.Sort(all)
	r.LatencyAll = percentilesOf(all)
	r.Differing, r.Wrong, r.Differences = l.Differing()
	if r.Differences == nil {
		r.Differences = []Difference{}
	}
	r.AgreesWithEval = r.Differing == 0 && r.Samples > 0
	local := l.LocalViews()
	r.FormulaPerSeenView = evaluation.Number(math.NaN())
	if !math.IsNaN(local) {
		r.FormulaPerSeenView = evaluation.Number(t.PayloadPerView(local))
	}
	r.PayloadPerSeenView, r.SocketPerSeenView = perView(cost.payload, cost.views), perView(cost.socket, cost.views)
	r.FramesPerSeenView = evaluation.Number(math.NaN())
	if cost.frames > 0 {
		r.FramesPerSeenView = perView(cost.frames, cost.views)
	}
	r.RawPerView, r.SeenViews = t.RawBytes(), cost.views
}

// percentilesOf is those of ascending latencies.
func percentilesOf(l []time.Duration) Percentiles {
	return Percentiles{percentile(l, 0.5), percentile(l, 0.9), percentile(l, 0.99), percentile(l, 1)}
}

func share(n, of int) evaluation.Number {
	if of == 0 {
		return evaluation.Number(math.NaN())
	}
	return evaluation.Number(float64(n) / float64(of))
}

func perView(bytes, views uint64) evaluation.Number {
	if views == 0 {
		return evaluation.Number(math.NaN())
	}
	return evaluation.Number(float64(bytes) / float64(views))
}

// tallied fills in the tally.
func (r *Result) tallied(t *controlpb.Tally) {
	r.Due, r.Decided, r.NoView = t.GetDue(), t.GetDecided(), t.GetNoView()
	r.Refused, r.Lost, r.Open = t.GetRefused(), t.GetLost(), t.GetOpen()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
