package train

import "time"

// Head is a kind of classifier that training looks at: every device's own exit,
// or the exits of one tier.
type Head int

// The heads.
const (
	HeadDevice Head = iota
	HeadLocal
	HeadEdge
	HeadCloud
	Heads // the number of heads
)

func (h Head) String() string { return [...]string{"device", "local", "edge", "cloud"}[h] }

// Tally sums up the answers of one kind of head. The zero value is a head that
// the topology does not have, or that nobody asked.
type Tally struct {
	Count   int     // labelled vectors of scores
	Correct int     // of which the largest score is the label's
	Loss    float64 // sum of their cross-entropies, in nats
}

func (t *Tally) add(u Tally) {
	t.Count += u.Count
	t.Correct += u.Correct
	t.Loss += u.Loss
}

// Accuracy is the share of correct answers, 0 if there are none.
func (t Tally) Accuracy() float64 { return float64(t.Correct) / float64(max(t.Count, 1)) }

// MeanLoss is the mean cross-entropy in nats, 0 if there is none.
func (t Tally) MeanLoss() float64 { return t.Loss / float64(max(t.Count, 1)) }

// Figures are the tallies of every head, indexed by Head.
type Figures [Heads]Tally

func (f *Figures) add(g Figures) {
	for h := range f {
		f[h].add(g[h])
	}
}

// Validation is what was measured on the validation samples, with the statistics
// that a deployed network would have.
type Validation struct {
	Full    Figures // every view that the samples have
	Missing Figures // one to three of them hidden, the same ones at every validation
	Score   float64 // smaller is better: what the best epoch is chosen by
}

// Progress is where a run is. Run reports it after every batch and every
// validation.
type Progress struct {
	Epoch, Epochs  int         // the epoch under way, from 1
	Batch, Batches int         // batches of it that are done
	Rate           float64     // learning rate of the last batch
	Loss           float64     // joint loss of the last batch
	Train          Figures     // of this epoch so far, views dropped and varied
	Validation     *Validation // the latest; nil before the first
	BestEpoch      int         // of the best validation so far, from 1; 0: none yet
	Elapsed        time.Duration
	Remaining      time.Duration // estimate, if training does not stop early
}

// reporter makes Progress of what a run does.
type reporter struct {
	t       *trainer
	report  func(Progress)
	p       Progress
	started time.Time
	done    int // batches of this process
}

func newReporter(t *trainer, report func(Progress)) *reporter {
	return &reporter{t: t, report: report, started: time.Now()}
}

func (r *reporter) begin() { r.p.Train = Figures{} }

func (r *reporter) batch(rate, loss float64, figures Figures) {
	r.done++
	r.p.Rate, r.p.Loss = rate, loss
	r.p.Train.add(figures)
	r.send()
}

func (r *reporter) validated() {
	r.p.Validation = r.t.latest
	r.p.BestEpoch = r.t.state.best.epoch
	r.send()
}

func (r *reporter) send() {
	s, batches := &r.t.state, r.t.batches()
	r.p.Epoch, r.p.Epochs = s.epoch+1, r.t.cfg.Epochs
	r.p.Batch, r.p.Batches = s.batch, batches
	r.p.Elapsed = time.Since(r.started)
	left := (r.p.Epochs-s.epoch)*batches - s.batch
	r.p.Remaining = time.Duration(float64(r.p.Elapsed) / float64(max(r.done, 1)) * float64(left))
	r.report(r.p)
}
