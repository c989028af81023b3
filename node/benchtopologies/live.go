package benchtopologies

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ganglion/inference/evaluation"
	"ganglion/node/demo"
)

// Live is a live run of a network at one delay.
type Live struct {
	DelayMS float64 `json:"cloud_delay_ms"`

	Due     uint64 `json:"due"`
	Decided uint64 `json:"decided"`
	Refused uint64 `json:"refused"`
	Lost    uint64 `json:"lost"`
	Open    uint64 `json:"open"`
	Short   uint64 `json:"short"` // verdicts that do not rest on all views of their samples
	Wrong   uint64 `json:"wrong"` // verdicts that are not what the network in one process makes of the views that they rest on

	Accuracy         evaluation.Number `json:"accuracy"` // of answered samples
	PayloadPerSample evaluation.Number `json:"payload_bytes_per_sample"`
	SocketPerSample  evaluation.Number `json:"socket_bytes_per_sample"`
	PayloadPerView   evaluation.Number `json:"payload_bytes_per_seen_view"`
	SocketPerView    evaluation.Number `json:"socket_bytes_per_seen_view"`
	LatencyMS        demo.Percentiles  `json:"latency_ms"` // of answered samples, from the first frame to the sealed verdict
}

// fault says what is wrong with a live run of so many samples; nil: nothing.
func (l *Live) fault(samples int) error {
	switch {
	case l.Due != uint64(samples):
		return fmt.Errorf("%d samples were to come, %d were due", samples, l.Due)
	case l.Due != l.Decided:
		return fmt.Errorf("of %d samples %d are decided, %d refused, %d lost, %d open", l.Due, l.Decided, l.Refused, l.Lost, l.Open)
	case l.Wrong > 0:
		return fmt.Errorf("%d of %d verdicts are not what one process answers", l.Wrong, l.Decided)
	}
	return nil
}

// tries is how often nodes that do not come together on a busy machine are started.
const tries = 3

// live runs a contender on a mesh of processes.
func (r *running) live(ctx context.Context, c *contender, delay time.Duration) (*Live, error) {
	config := demo.Config{
		Program: r.config.Program, Bundle: c.bundle, Publish: true,
		Set: c.set, Samples: c.split.Test, Split: evaluation.SplitTest,
		Devices: len(c.set.Views), Rate: r.config.Rate, CloudDelay: delay, Calm: true, LogDir: r.config.LogDir,
	}
	if c.view < 0 {
		config.Source = r.config.Source
	}
	told := teller{what: fmt.Sprintf("run %s, cloud %v away, samples", c.file, delay), progress: r.progress}
	for try := 1; ; try++ {
		result, err := demo.Run(ctx, config, told, r.hurry)
		if err == nil {
			return liveOf(result), nil
		}
		if !errors.Is(err, demo.ErrNotReady) || try == tries || ctx.Err() != nil {
			return nil, fmt.Errorf("run %s live: %w", c.file, err)
		}
		r.progress(fmt.Sprintf("run %s: once more, %v", c.file, err), 0, 0)
	}
}

func liveOf(d *demo.Result) *Live {
	perSample := func(perView evaluation.Number) evaluation.Number {
		return perView * evaluation.Number(d.SeenViews) / evaluation.Number(max(d.Due, 1))
	}
	return &Live{
		DelayMS: d.CloudDelayMS, Due: d.Due, Decided: d.Decided, Refused: d.Refused, Lost: d.Lost, Open: d.Open,
		Short: d.Differing - d.Wrong, Wrong: d.Wrong, Accuracy: d.Accuracy,
		PayloadPerSample: perSample(d.PayloadPerSeenView), SocketPerSample: perSample(d.SocketPerSeenView),
		PayloadPerView: d.PayloadPerSeenView, SocketPerView: d.SocketPerSeenView, LatencyMS: d.LatencyAll,
	}
}

// teller keeps of a demo's story how far it is.
type teller struct {
	what     string
	progress Progress
}

// Tell leaves out what the story is made of.
func (teller) Tell(demo.Event) {}

// Progress passes on how many samples have a verdict.
func (t teller) Progress(done, of int) { t.progress(t.what, done, of) }

// Waits leaves out what nodes wait for.
func (teller) Waits(string) {}
