package chaos

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// The times of a conductor.
const (
	askWait    = 3 * time.Second        // for a node to take a fault, or to tell of the members
	settleWait = 10 * time.Second       // for what a fault still causes when it is over
	calmWait   = 3 * time.Second        // that is listened on when there seems to be nothing more
	warmWait   = 2 * time.Second        // for the verdicts before the first fault
	warmEnough = 8                      // of these
	readPace   = time.Second            // of reading a log for what was missed
	orderWait  = 50 * time.Millisecond  // for what was said before, by another node
	tickPace   = 250 * time.Millisecond // of looking what is over, and for new nodes
	healWait   = 5 * time.Second        // for healing at the end
	goneAfter  = 2 * time.Second        // what a node says so shortly after its fault is its own view yet
	failPace   = 100 * time.Millisecond // before events are asked for again
	failsMost  = 3                      // after which nobody is there
	triesMost  = 3                      // of asking a node, and then another
	watchMost  = 64                     // nodes whose events are listened to
	eyesMost   = 2                      // nodes whose verdicts are followed, of those that no fault is in force at
	heardMost  = 4096                   // events and verdicts that wait
)

// Teller is told what a conductor does, one call at a time.
type Teller interface {
	// Entry takes an entry of the timeline.
	Entry(e Entry)
	// Report takes the sum of an injection, once the next is made or all is over.
	Report(r Report)
	// Remark takes a sentence for people.
	Remark(text string)
}

// ConductorConfig says where a conductor works.
type ConductorConfig struct {
	// Asked is the node by which the mesh is known.
	Asked *control.Node
	// Local returns the nodes of the mesh that run on this machine, but those whose run file
	// is to be skipped. Nil: those that the run files name.
	Local func(ctx context.Context, skip func(control.RunFile) bool) ([]*control.Node, error)
	// Seed decides who is drawn.
	Seed uint64
}

// Summary is what came of a plan.
type Summary struct {
	Seed    uint64            `json:"seed"`
	Faults  []Report          `json:"faults"`
	Failed  []string          `json:"failed"` // injections that could not be made, and why
	Healed  []string          `json:"healed"` // at the end, because the plan was ended
	Run     string            `json:"run"`    // the last; empty: none
	Lost    *uint64           `json:"lost"`   // samples, since the first fault; nil: nobody could say, or there was no run, or no fault
	Tally   *controlpb.Tally  `json:"-"`      // of the whole of that run; nil as Lost
	Targets map[string]string `json:"-"`      // names, by peer, of all that were struck

	Uncounted error `json:"-"` // why nobody could say what was lost of the run; nil: Lost says it, or nothing was to be counted
}

// Conductor carries out plans. It is used once.
type Conductor struct {
	config ConductorConfig
	to     Teller
	draw   *rand.Rand
	line   *Timeline

	locals   map[string]*control.Node // by peer
	inForce  map[string]harm          // by peer
	watched  map[string]bool          // streams of verdicts, see streamOf
	lost     map[string]time.Time     // when such a stream ended
	heard    chan heard
	pending  []heard // by time, until what was said before has come too
	found    chan []*control.Node
	streams  errgroup.Group
	start    time.Time
	read     time.Time // when a log was read last
	several  bool      // injections are planned
	running  bool      // a run goes on at the start
	reported int       // injections
	counted  bool      // before is
	before   lostBefore
	summary  Summary
}

// lostBefore is what a run had lost when the first fault was about to be injected.
type lostBefore struct {
	run  string
	lost uint64
	err  error // why nobody could say
}

// harm is what was done to a node, as its conductor believes.
type harm struct {
	name  string
	since time.Time // of the last
	until time.Time // zero: its process was killed
	pid   int       // of that process; 0: it is elsewhere
	lasts bool      // it can be healed
	mute  bool      // what the node says is its own view alone
}

// heard is what a node said, and when that was heard.
type heard struct {
	at      time.Time
	by      *control.Node
	event   *controlpb.EventsResponse
	verdict *controlpb.Verdict

	presence presence // where there is neither
}

// presence is what is known of a process.
type presence int

// Whether a node is there.
const (
	hushed presence = iota // its stream of verdicts has ended
	absent                 // it has ended, or nobody answers where it was
	again                  // it is there again
)

// NewConductor is a conductor that tells to.
func NewConductor(c ConductorConfig, to Teller) *Conductor {
	if c.Local == nil {
		finder, mesh := control.Finder{}, c.Asked.Status.GetMesh()
		c.Local = func(ctx context.Context, skip func(control.RunFile) bool) ([]*control.Node, error) {
			return finder.Local(ctx, mesh, skip)
		}
	}
	return &Conductor{
		config: c, to: to, draw: rand.New(rand.NewPCG(c.Seed, 0)), line: NewTimeline(),
		locals: map[string]*control.Node{}, inForce: map[string]harm{}, watched: map[string]bool{}, lost: map[string]time.Time{},
		heard: make(chan heard, heardMost), found: make(chan []*control.Node, 1), start: time.Now(),
		summary: Summary{Seed: c.Seed, Targets: map[string]string{}},
	}
}

// Run carries a plan out and returns what came of it, once everything that the faults caused
// is over. Where ctx is done before, it heals what can be healed. The error is ctx's, or says
// that nobody is left to ask; what could not be injected is in the summary.
func (c *Conductor) Run(ctx context.Context, p Plan) (*Summary, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	c.several = len(p.Steps) > 1 || p.Steps[0].Every > 0
	streaming, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		_ = c.streams.Wait() // they end with an error or without, by the end of their context
	}()
	found, err := c.config.Local(ctx, func(control.RunFile) bool { return false })
	if err != nil {
		return nil, err
	}
	asked := c.config.Asked // it may be elsewhere, or known by its address
	if i := slices.IndexFunc(found, func(n *control.Node) bool { return n.Status.GetPeer() == asked.Status.GetPeer() }); i >= 0 {
		asked = found[i]
	}
	c.meet(streaming, append([]*control.Node{asked}, found...))
	c.running = c.config.Asked.Status.GetRun() != nil
	c.look(streaming, nil)
	c.refreshRun(ctx)
	c.streams.Go(func() error { return c.seek(streaming) })
	err = c.conduct(ctx, streaming, newAgenda(p))
	if err != nil {
		c.healAll(ctx)
	}
	c.reports(c.line.Len())
	c.count(ctx)
	return &c.summary, err
}

// conduct does what is due, listens, and returns when nothing is left to wait for.
func (c *Conductor) conduct(ctx, streaming context.Context, left *agenda) error {
	began := time.Now()
	tick, order := time.NewTicker(tickPace), time.NewTicker(orderWait)
	defer tick.Stop()
	defer order.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	quiet, warm := began, false // since when nothing is to be done any more; the plan has begun
	for {
		step, at, more := left.next()
		if more && warm {
			due.Reset(max(0, time.Until(began.Add(at))))
		} else {
			due.Stop()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case h := <-c.heard:
			c.pend(h)
		case nodes := <-c.found:
			c.meet(streaming, nodes)
		case now := <-order.C:
			c.end(now)
			c.listenUntil(streaming, now.Add(-orderWait))
			if !warm && (c.line.Verdicts() >= warmEnough || c.summary.Run == "" && !c.running || now.Sub(began) > warmWait) {
				warm, began = true, now
			}
		case <-tick.C:
			c.refreshRun(ctx)
			c.readBack(ctx)
		case <-due.C:
			err := c.inject(ctx, streaming, &left.steps[step])
			if back := c.back(time.Now()); errors.Is(err, errNobody) && !back.IsZero() {
				c.to.Remark("not yet: " + left.steps[step].String() + ": every node that could be asked is struck; waiting until one is not")
				left.wait(step, back.Sub(began))
				break
			}
			if err != nil {
				return err
			}
			left.did(step, time.Since(began))
			quiet = time.Now()
		}
		if _, _, more = left.next(); more || c.lasting() {
			quiet = time.Now()
		} else if rest := time.Since(quiet); c.line.Calm() && rest >= c.patience() || rest > settleWait {
			return nil
		}
	}
}

// patience is for how long is listened on where there seems to be nothing more to hear.
func (c *Conductor) patience() time.Duration {
	if c.line.Harmless() {
		return 0
	}
	return calmWait
}

// pend keeps what was heard until what was said before has come too.
func (c *Conductor) pend(h heard) {
	i := len(c.pending)
	for i > 0 && h.at.Before(c.pending[i-1].at) {
		i--
	}
	c.pending = slices.Insert(c.pending, i, h)
}

// listenUntil listens to what was said before a time.
func (c *Conductor) listenUntil(streaming context.Context, at time.Time) {
	n := 0
	for n < len(c.pending) && c.pending[n].at.Before(at) {
		n++
	}
	now := c.pending[:n]
	c.pending = slices.Clone(c.pending[n:])
	for _, h := range now {
		c.listen(streaming, h)
	}
}

// lasting reports whether a fault is in force that will end.
func (c *Conductor) lasting() bool {
	for _, h := range c.inForce {
		if h.lasts {
			return true
		}
	}
	return false
}

// listen feeds the timeline with what a node said, unless a fault keeps it from what the
// others say.
func (c *Conductor) listen(streaming context.Context, h heard) {
	if h.event == nil && h.verdict == nil {
		c.attend(streaming, h)
		return
	}
	if h.event.GetKind() == "chaos" && h.event.GetAttributes()["do"] == string(Heal) {
		c.healed(h.by.Status.GetPeer(), h.at)
	}
	if c.mute(h.by.Status.GetPeer(), h.at) {
		return
	}
	var entries []Entry
	if h.event != nil {
		entries = c.line.Event(h.at, h.by.Status.GetName(), h.event)
	} else {
		entries = c.line.Verdict(h.at, h.verdict)
	}
	c.tell(entries)
}

// attend takes that a node does not tell of verdicts any more, is gone, or is there again.
func (c *Conductor) attend(streaming context.Context, h heard) {
	switch h.presence {
	case again:
		if peer := h.by.Status.GetPeer(); c.locals[peer] == nil {
			c.locals[peer] = h.by
		}
		return
	case absent:
		c.part(h.by)
	default:
		delete(c.watched, streamOf(h.by))
		c.lost[streamOf(h.by)] = h.at
	}
	c.look(streaming, nil)
}

// mute reports whether a node does not know how the others are: it is dead, stands still or
// is cut off, or was a moment ago.
func (c *Conductor) mute(peer string, at time.Time) bool {
	h, ok := c.inForce[peer]
	return ok && h.mute && (h.until.IsZero() || at.Before(h.until.Add(goneAfter)))
}

// back is when the first of the nodes that a fault keeps from the others can be asked again;
// zero: none of them will be.
func (c *Conductor) back(now time.Time) (at time.Time) {
	for peer, h := range c.inForce { // each is another node: the order does not matter
		if c.locals[peer] == nil || h.until.IsZero() || !c.mute(peer, now) {
			continue
		}
		if free := h.until.Add(goneAfter); at.IsZero() || free.Before(at) {
			at = free
		}
	}
	return at
}

func (c *Conductor) tell(entries []Entry) {
	for _, e := range entries {
		c.to.Entry(e)
	}
}

// end notes which faults are over by now.
func (c *Conductor) end(now time.Time) {
	for i, s := range c.line.struck {
		if s.Fault.Lasts() && !s.over && now.After(s.At.Add(s.Fault.For)) {
			c.tell(c.line.Over(i+1, s.At.Add(s.Fault.For)))
		}
	}
	for peer, h := range c.inForce { // each is another node: the order does not matter
		if h.lasts && now.After(h.until) {
			h.lasts = false
			c.inForce[peer] = h
		}
		if !h.until.IsZero() && now.After(h.until.Add(goneAfter)) {
			delete(c.inForce, peer)
		}
	}
}

// reports tells of the injections up to one that were not told of.
func (c *Conductor) reports(upTo int) {
	for ; c.reported < upTo; c.reported++ {
		r := c.line.Report(c.reported+1, time.Now())
		c.summary.Faults = append(c.summary.Faults, r)
		c.to.Report(r)
	}
}

// errNobody says that there is nobody to ask.
var errNobody = errors.New("no node of the mesh on this machine is left to ask and to watch")
