package roles

import (
	"container/heap"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// world is a whole site in one thread: the nodes that a live mesh runs, a network that
// delays, holds, loses and breaks, and a membership that learns late. The same script and
// seed give the same run, to the last bit.
type world struct {
	seed   uint64
	rng    *rand.Rand
	now    time.Duration // since the beginning; no node knows it
	queue  events
	number int
	actors []*actor
	links  map[[2]int]*link2 // by the actors' numbers, the lower first
	top    *topology.Topology
	bundle *Bundled
	net    weather
	base   weather // when nothing is done to it

	measured time.Duration // the round trip as links measure it

	period time.Duration
	count  Beat
	loose  looseness

	runs     []RunID       // that were started
	starting bool          // a run is wanted and not there
	beats    time.Duration // when those of the last run have fallen
	reach    []int         // [actor] the part of the network that it is in
	changed  bool          // reach is to be found anew

	said     map[SampleID][]*statement // every publication that any holder made
	order    []SampleID                // of said
	verdicts map[Hash]*Verdict
	wishes   int  // samples on demand
	forgot   bool // nobody is left that knew of the run
	deaths   []death
	gone     map[SampleID]bool // verdicts that died with all who knew them, two at least
	captured map[SampleID]map[int]capturing
	models   map[SampleID]map[int][]uint64 // settings that a view was captured for
	tosses   *rand.Rand                    // of who learns of settings when: beside rng, so that scripts without any go on as they were
	trouble  []trouble
	acts     []trouble     // faults of any kind
	faulted  time.Duration // when the last fault ended
	claims   []claiming
	broken   []string // invariants that a moment broke
	lines    []string // the transcript
	seen     map[string]int
}

// bundled is a bundle of a preset that computes next to nothing.
func bundled(t testing.TB, preset string, views int) *Bundled {
	t.Helper()
	top, err := topology.Preset(preset, topology.Base{
		Views: topology.ViewNames(views), Classes: []string{"car", "bus", "person"},
	})
	if err != nil {
		t.Fatal(err)
	}
	exits := map[topology.Exit][]float64{}
	for _, e := range top.Exits()[:len(top.Exits())-1] {
		exits[e] = []float64{0.5}
	}
	thresholds, err := inference.NewThresholds(top, exits)
	if err != nil {
		t.Fatal(err)
	}
	return &Bundled{Topology: top, Thresholds: thresholds, Network: plain{}}
}

// statement is one publication, and when it was made.
type statement struct {
	*Published
	by *actor
	at time.Duration
}

// capturing is a device that captured a view of a sample.
type capturing struct {
	by   *actor
	life int
	at   time.Duration
	seen bool
}

// claiming is a claim that a node made.
type claiming struct {
	at    time.Duration
	by    *actor
	claim Claim
}

// looseness takes safeguards away: planted faults, which the world must find.
type looseness struct {
	unfenced  bool // devices follow any claim, and nobody learns that its own is stale
	unasked   bool // a claim decides without what the others answer
	unsealed  bool // verdicts are published before their seals are stored
	forgetful bool // devices drop what they have sent
	believing bool // a reported death is believed at once
	endless   bool // nobody's silence ends a wait
	hasty     bool // settings take effect at the next beat
	blind     bool // aggregators take what was captured for other settings as the sample's
	unjudged  bool // thresholds that are not known are taken for the bundle's own
}

// weather is what the network does to every frame.
type weather struct {
	way    time.Duration // of a frame, at least
	jitter time.Duration
	loss   float64       // of a frame, which is then late by a retransmission
	again  time.Duration // the retransmission
	gossip float64       // of publications that a node never hears
	late   float64       // share of the looks at which a record that is new is not yet learnt
	spares time.Duration // more from the node that is pinned to another without a view
	cloud  time.Duration // added round trip to the last tier
}

func lan() weather {
	return weather{way: 200 * time.Microsecond, jitter: 2 * ms, again: 200 * ms, gossip: 0.2, late: 0.5}
}

type event struct {
	at     time.Duration
	number int
	do     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].number < e[j].number
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) } //nolint:errcheck,forcetypeassert // nothing else is pushed
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	(*e)[len(*e)-1] = event{}
	*e = (*e)[:len(*e)-1]
	return last
}

func (w *world) after(d time.Duration, do func()) {
	w.number++
	heap.Push(&w.queue, event{w.now + max(0, d), w.number, do})
}

func (w *world) at(t time.Duration, do func()) { w.after(t-w.now, do) }

// run lets time pass.
func (w *world) run(until time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= until {
		e := heap.Pop(&w.queue).(event) //nolint:errcheck,forcetypeassert // nothing else is in it
		w.now = e.at
		e.do()
	}
	w.now = until
}

// upTo is a random duration of at most d.
func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d) + 1)) }

// between is a random duration.
func (w *world) between(least, most time.Duration) time.Duration { return least + w.upTo(most-least) }

// note writes a line of the transcript.
func (w *world) note(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf("%8.3fs  ", w.now.Seconds())+fmt.Sprintf(format, args...))
}

// breaks notes an invariant that does not hold, once each.
func (w *world) breaks(name, format string, args ...any) {
	text := name + ": " + fmt.Sprintf(format, args...)
	if w.seen[name]++; w.seen[name] <= 3 {
		w.broken = append(w.broken, text)
	}
}

// setting is what a script says of a world before it begins.
type setting struct {
	preset  string
	cameras int
	spares  int
	count   Beat
	period  time.Duration
	weather weather
	parts   map[int]part // by the number of the node
}

// part is what a script says of one node.
type part struct {
	ppm       int64
	camera    string // "": what it captures is good; nan, stuck
	retention int    // bytes; 0: plenty
	absent    bool   // until it is started
}

func newWorld(t testing.TB, seed uint64, s *setting, loose looseness) *world {
	t.Helper()
	w := &world{
		seed: seed, rng: rand.New(rand.NewPCG(seed, 11)), links: map[[2]int]*link2{}, net: s.weather, base: s.weather, loose: loose,
		measured: 2 * s.weather.way,
		period:   s.period, count: s.count, said: map[SampleID][]*statement{}, verdicts: map[Hash]*Verdict{},
		beats:    3*time.Second + time.Duration(s.count)*s.period,
		captured: map[SampleID]map[int]capturing{}, changed: true, seen: map[string]int{},
		models: map[SampleID]map[int][]uint64{}, tosses: rand.New(rand.NewPCG(seed, 31)),
	}
	w.bundle = bundled(t, s.preset, s.cameras)
	w.top = w.bundle.Topology
	for i := range s.cameras + s.spares {
		n := &actor{w: w, id: i, peer: Peer(fmt.Sprintf("n%d", i)), part: s.parts[i], claims: map[Role]Epoch{}}
		if i < s.cameras {
			n.views = 1 << i
		}
		w.actors = append(w.actors, n)
	}
	for _, n := range w.actors {
		if !n.part.absent {
			n.start()
		}
	}
	if limits := SealWait / 2; w.net.loss > 0 || w.net.jitter > limits {
		w.trouble = append(w.trouble, trouble{0, time.Hour}) // no pair answers in time all the while
	}
	w.at(3*time.Second, func() { w.starting = true })
	w.after(gossipLook, w.gossip)
	return w
}

// node is the live actor of a name; the number of the name where it has several.
func (w *world) node(name string) *actor {
	for _, n := range w.actors {
		if string(n.peer) == name && n.original == nil {
			return n
		}
	}
	return nil
}

// running is the actors that live.
func (w *world) running() []*actor {
	return slices.DeleteFunc(slices.Clone(w.actors), func(n *actor) bool { return !n.up })
}

// holder is the live node whose claim to a role is in force at itself and highest.
func (w *world) holder(role Role) *actor {
	var best *actor
	var epoch Epoch
	for _, n := range w.actors {
		if !n.up || n.original != nil {
			continue
		}
		if c := n.node.claims[role]; c != nil {
			if claim, mine := c.Mine(); mine && epoch.Below(claim.Epoch) {
				best, epoch = n, claim.Epoch
			}
		}
	}
	return best
}

func (w *world) coordinator() Role { return CoordinatorOf(hall, len(w.top.Groups)) }

// newRun numbers runs in the order in which they are started.
func (w *world) newRun() RunID {
	id := run7 + RunID(len(w.runs))
	w.runs = append(w.runs, id)
	return id
}

// encode writes all of a verdict that could differ, and remembers the verdict.
func (w *world) encode(v *Verdict) []byte {
	b := fmt.Appendf(nil, "%s %s %d %v %d %t %t %s %q", v.Sample, v.Epoch, v.Settings, v.Answer.Exit, v.Answer.Class,
		v.Refused, v.StoppedEarly, v.Cloud, v.Aggregators)
	b = fmt.Appendf(b, " %b %b %b %b", v.Answer.Seen, v.Answer.Nothing, v.Answer.Missing, v.Views)
	for _, p := range slices.Concat(v.Answer.Proposals, v.Others) {
		b = fmt.Appendf(b, " %v/%d/%d/%d/%x", p.Exit, p.Group, p.Seen, p.Class, p.Entropy)
	}
	for view := range w.top.Views {
		b = append(b, byte(v.Reasons[view]))
	}
	w.verdicts[sha256.Sum256(b)] = v
	return b
}

// plain is a network whose answers are a pure function of what it gets, sure of some
// samples and not of others.
type plain struct{}

func (plain) Local(_ int, scores [][]float32, seen uint64) []float32 {
	out := make([]float32, 3)
	for v := range each(seen) {
		for c := range out {
			out[c] = max(out[c], scores[v][c])
		}
	}
	return out
}

func (plain) Edge(_ int, features [][]byte, seen uint64) ([]byte, []float32) {
	out := make([]byte, 128)
	for v := range each(seen) {
		for i := range out {
			out[i] ^= features[v][i%len(features[v])]
		}
	}
	return out, []float32{0, 0, 0}
}

func (plain) Cloud(features [][]byte, seen uint64) []float32 {
	h := uint32(2166136261)
	for v := range each(seen) {
		for _, b := range features[v][:16] {
			h = (h ^ uint32(b)) * 16777619
		}
	}
	return []float32{float32(h & 255), float32(h >> 8 & 255), float32(h >> 16 & 255)}
}

// trouble is a time in which some pair of live nodes, or what one remembers, was not to be
// relied on: within it "one component" is not promised.
type trouble struct {
	from, to time.Duration
}

// troubled notes a fault that lasts from now on, and the time that it takes to get over.
func (w *world) troubled(lasts time.Duration) {
	w.trouble = append(w.trouble, trouble{w.now, w.now + lasts})
	w.faulted = max(w.faulted, w.now+lasts)
}

// calm reports whether no pair was out of touch between two times.
func (w *world) calm(from, to time.Duration) bool { return !touches(w.trouble, from, to) }

// quiet reports whether nothing at all was done to the world between two times, and no
// role moved.
func (w *world) quiet(from, to time.Duration) bool {
	return w.calm(from, to) && !touches(w.acts, from, to) &&
		!slices.ContainsFunc(w.claims, func(c claiming) bool { return from <= c.at && c.at <= to })
}

func touches(all []trouble, from, to time.Duration) bool {
	return slices.ContainsFunc(all, func(t trouble) bool { return t.from <= to && from <= t.to })
}

// transcript is what happened, in words.
func (w *world) transcript() string { return strings.Join(w.lines, "\n") + "\n" }

// samples is every sample that was spoken of, in order.
func (w *world) samples() []SampleID {
	return slices.SortedFunc(slices.Values(w.order), SampleID.Compare)
}

// nameOf is the name of an actor; a second life of one identity has a mark.
func (n *actor) String() string {
	if n.original != nil {
		return string(n.peer) + "'"
	}
	return string(n.peer)
}
