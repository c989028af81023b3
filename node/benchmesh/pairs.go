package benchmesh

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"ganglion/inference/topology"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// PairsConfig says which two meshes take turns, and for how long. All fields without a word
// about zero must be given.
type PairsConfig struct {
	Program string // path of the program
	Against string // path of another one; empty: Program, with page and metrics switched off

	Pairs int           // runs of each
	Rate  float64       // beats a second of a run
	For   time.Duration // that a run lasts
}

// MostPairs is the most pairs that may be asked for.
const MostPairs = 1000

// leastPairs is how many an interval needs.
const leastPairs = 2

// Validate returns every fault of the configuration, joined, or nil.
func (c *PairsConfig) Validate() error {
	run := Config{Program: c.Program, FloorArguments: []string{""}, Throughput: true, Rounds: 1, Samples: 1, Rate: c.Rate, For: c.For, Quiet: time.Second}
	faults := []error{run.Validate()}
	if c.Pairs < leastPairs || c.Pairs > MostPairs {
		faults = append(faults, fmt.Errorf("pairs %d: use %d to %d", c.Pairs, leastPairs, MostPairs))
	}
	return errors.Join(faults...)
}

// Pairs is two meshes side by side, each figure of the one over that of the other in the run
// beside it.
type Pairs struct {
	Machine

	Pairs int     `json:"pairs"`
	Rate  float64 `json:"rate"`

	// The figures: the one's over the other's.
	PerSecond Ratio  `json:"decided_per_second"`
	Processor *Ratio `json:"processor_per_sample"` // of all nodes; nil: the system does not tell
	Local     Ratio  `json:"local_p50"`
	Runs      []Pair `json:"runs"`
}

// Ratio is the geometric mean of ratios, and its 95 % interval by Student's t of their
// logarithms.
type Ratio struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Pair is a run of each, one beside the other in time.
type Pair struct {
	One   PairRun `json:"one"`
	Other PairRun `json:"other"`
}

// PairRun is one run.
type PairRun struct {
	PerSecond float64       `json:"decided_per_second"`
	Sample    time.Duration `json:"processor_per_sample_ns"` // of all nodes; 0: the system does not tell
	Local     time.Duration `json:"local_p50_ns"`            // latency of what exits locally
	Undecided uint64        `json:"undecided"`               // refused, open or lost
}

// rival is one of the two meshes.
type rival struct {
	name    string
	program string
	extra   []string // arguments of its nodes
	watched bool     // a page shows it and its metrics are scraped, during its runs

	launcher *launch.Launcher // nil until it is raised
	mesh     *liveMesh
}

// raise starts the mesh, in a folder that it makes.
func (r *rival) raise(ctx context.Context, dir string) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make room: %w", err)
	}
	r.launcher = launch.New(r.program, dir)
	r.mesh, err = raise(ctx, r.launcher, dir, r.extra...)
	return err
}

// close ends the mesh.
func (r *rival) close(hurry <-chan struct{}) {
	if r.launcher != nil {
		r.launcher.Close(hurry)
	}
}

// RunPairs has two meshes take turns. It returns when no process of it is left. hurry is as in
// [Run].
func RunPairs(ctx context.Context, c PairsConfig, progress Progress, hurry <-chan struct{}) (out *Pairs, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ganglion-bench-") // of mode 0700
	if err != nil {
		return nil, fmt.Errorf("make room: %w: name another folder with TMPDIR", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	begun := time.Now()
	out = &Pairs{Machine: ThisMachine(), Pairs: c.Pairs, Rate: c.Rate}
	both := [2]*rival{{name: "one", program: c.Program}, {name: "other", program: c.Against}}
	if c.Against == "" {
		both[0].watched = true
		both[1].program, both[1].extra = c.Program, []string{"--no-page", "--no-metrics"}
	}
	defer func() {
		for _, of := range both {
			of.close(hurry)
		}
	}()
	for _, of := range both {
		progress("the nodes of the "+of.name+" mesh come together", 0, 0)
		if err := of.raise(ctx, filepath.Join(dir, of.name)); err != nil {
			return nil, err
		}
	}
	r := &running{config: &Config{Rate: c.Rate, For: c.For}, progress: func(string, int, int) {}}
	for i := range c.Pairs {
		progress("pairs", i, c.Pairs)
		p, err := r.pair(ctx, both, i%2 == 1)
		if err != nil {
			return nil, err
		}
		out.Runs = append(out.Runs, p)
	}
	out.After(begun)
	return out, out.sum()
}

// pair runs both, the other first where it is told so: what comes second has the caches.
func (r *running) pair(ctx context.Context, both [2]*rival, otherFirst bool) (p Pair, err error) {
	runs := []func() error{
		func() (err error) { p.One, err = r.contend(ctx, both[0]); return err },
		func() (err error) { p.Other, err = r.contend(ctx, both[1]); return err },
	}
	if otherFirst {
		slices.Reverse(runs)
	}
	for _, run := range runs {
		if err := run(); err != nil {
			return p, err
		}
	}
	return p, nil
}

// contend is one run of one mesh.
func (r *running) contend(ctx context.Context, of *rival) (PairRun, error) {
	stop := func() error { return nil }
	if of.watched {
		stop = watch(ctx, of.mesh)
	}
	t, err := r.throughput(ctx, of.mesh)
	if err = errors.Join(err, stop()); err != nil {
		return PairRun{}, err
	}
	out := PairRun{PerSecond: t.PerSecond, Local: t.Local.P50, Undecided: t.Lost + t.Refused + t.Open}
	for _, w := range t.Work {
		if w.Sample != nil {
			out.Sample += *w.Sample
		}
	}
	if out.PerSecond == 0 || out.Local == 0 {
		return out, fmt.Errorf("the %s mesh answered nothing locally in %v: use a lower rate", of.name, r.config.For)
	}
	return out, nil
}

// isLocal reports whether a verdict was answered locally.
func isLocal(v *controlpb.Verdict) bool { return v.GetExit() == topology.ExitLocal.String() }

// sum fills in the ratios.
func (p *Pairs) sum() error {
	of := func(figure func(PairRun) float64) (Ratio, error) {
		var logs []float64
		for _, run := range p.Runs {
			logs = append(logs, math.Log(figure(run.One)/figure(run.Other)))
		}
		return ratioOf(logs)
	}
	var err1, err2, err3 error
	p.PerSecond, err1 = of(func(r PairRun) float64 { return r.PerSecond })
	p.Local, err2 = of(func(r PairRun) float64 { return float64(r.Local) })
	if p.Runs[0].One.Sample > 0 {
		var processor Ratio
		processor, err3 = of(func(r PairRun) float64 { return float64(r.Sample) })
		p.Processor = &processor
	}
	return errors.Join(err1, err2, err3)
}

// ratioOf is the mean of ratios, of which it takes the logarithms.
func ratioOf(logs []float64) (Ratio, error) {
	n := float64(len(logs))
	mean, deviation := stat.MeanStdDev(logs, nil)
	if math.IsNaN(mean) || math.IsInf(mean, 0) || n < leastPairs {
		return Ratio{}, errors.New("a figure of a run is zero: nothing to compare; let runs last longer (--for)")
	}
	const upper = 0.975
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(upper) * deviation / math.Sqrt(n)
	return Ratio{math.Exp(mean), math.Exp(mean - half), math.Exp(mean + half)}, nil
}
