package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/mesh"
	"ganglion/proto/controlpb"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// api is the control API of a node: proto/controlpb tells what the calls are. Its methods
// are called by any goroutine and reach what the engine owns through the engine.
type api struct {
	*engine
	node *Node
}

// The limits of the API.
const (
	classifyWait = 10 * time.Second // for a sample on demand, unless the caller has less patience
	startWait    = 5 * time.Second  // for a run to begin
)

// newRunID draws the identifier of a run.
func newRunID() roles.RunID { return roles.RunID(random64()) }

// random64 is 64 random bits, not all zero.
func random64() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return max(1, binary.BigEndian.Uint64(b[:]))
}

func (a *api) site(name string) roles.Site {
	if name == "" {
		return a.config.Site
	}
	return roles.Site(name)
}

// inEngine is engine.do with an error that a caller of the API understands.
func (a *api) inEngine(ctx context.Context, f func()) error {
	if err := a.do(ctx, f); err != nil {
		return connect.NewError(connect.CodeUnavailable, err)
	}
	return nil
}

// Classify has a sample classified on demand.
func (a *api) Classify(ctx context.Context, q *controlpb.ClassifyRequest) (*controlpb.ClassifyResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, classifyWait)
	defer cancel()
	var top *topology.Topology
	var holders []roles.Peer
	var unknown bool
	c := roles.Capture{Sample: roles.SampleID{Site: a.config.Site, Request: roles.RequestID(random64())}, Ref: -1}
	if err := a.inEngine(ctx, func() {
		top = a.plan.current.Topology()
		c.Bundle = a.plan.current.ID() // its coordinator says under which settings
		holders = append(holders, a.roles.Scene(a.config.Site).Views...)
		unknown = q.Ref != nil && !a.views.shows(int(q.GetRef()))
	}); err != nil {
		return nil, err
	}
	if q.Ref != nil {
		if q.GetRef() < 0 || q.GetRef() > 1<<31-1 {
			return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("ref %d: elements of a data set count from 0", q.GetRef()))
		}
		c.Ref = int(q.GetRef())
	}
	if unknown {
		return nil, connect.NewError(connect.CodeInvalidArgument,
			fmt.Errorf("ref %d: the split that is replayed has no such element: give one that 'ganglion verdicts --json' shows, or start the nodes with --split all", q.GetRef()))
	}
	inputs, err := inputsOf(top, q.GetPictures())
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	c.Inputs = inputs
	for _, in := range inputs {
		if in.View >= len(holders) || holders[in.View] == "" {
			return a.classifyAlone(ctx, c, fmt.Sprintf("no live node feeds view %s", top.Views[in.View]))
		}
	}
	p, err := a.ask(ctx, c)
	if err != nil {
		return nil, connect.NewError(connect.CodeUnavailable, fmt.Errorf("classify: %w", err))
	}
	return a.classified(ctx, p, "")
}

func (a *api) classified(ctx context.Context, p *roles.Published, alone string) (*controlpb.ClassifyResponse, error) {
	out := &controlpb.ClassifyResponse{}
	err := a.inEngine(ctx, func() { out.Verdict = a.describe(p, false) })
	if out.Verdict != nil {
		out.Verdict.Alone = alone
	}
	return out, err
}

// inputsOf decodes pictures and makes them the size of the model's input.
func inputsOf(t *topology.Topology, pictures []*controlpb.Picture) ([]roles.Input, error) {
	seen := map[int]bool{}
	var out []roles.Input
	for _, p := range pictures {
		v := viewIndex(t, p.GetView())
		switch {
		case p.GetView() == "" && len(t.Views) == 1:
			v = 0
		case v < 0:
			return nil, fmt.Errorf("the model has no view %.80q: it has %v", p.GetView(), t.Views)
		case seen[v]:
			return nil, fmt.Errorf("view %s is given twice", t.Views[v])
		}
		seen[v] = true
		pixels, err := decodePicture(p.GetFile(), t.Input)
		if err != nil {
			return nil, fmt.Errorf("picture of view %s: %w", t.Views[v], err)
		}
		out = append(out, roles.Input{View: v, Pixels: pixels})
	}
	return out, nil
}

// classifyAlone answers from pictures of views that nobody feeds: the whole network in this
// process.
func (a *api) classifyAlone(ctx context.Context, c roles.Capture, why string) (*controlpb.ClassifyResponse, error) {
	var b *inference.Bundle
	var settings uint64
	var thresholds inference.Thresholds
	if err := a.inEngine(ctx, func() {
		b = a.plan.current
		settings = a.plan.settings(b.ID())
		thresholds = a.catalog.find(b.ID(), settings).Thresholds // what is in use is loaded
	}); err != nil {
		return nil, err
	}
	start := time.Now()
	m := b.Model()
	pixels := make([][]byte, len(b.Topology().Views))
	for _, in := range c.Inputs {
		pixels[in.View] = in.Pixels
	}
	v := &roles.Verdict{
		Sample: c.Sample, Epoch: roles.Epoch{Counter: 1, Peer: a.self}, Bundle: b.ID(), Settings: settings,
		Answer: m.Classify(pixels, thresholds, m.NewScratch()), Reasons: map[int]roles.Reason{}, Ref: -1, Label: -1,
		Aggregators: make([]roles.Peer, len(b.Topology().Groups)),
	}
	v.Views = v.Answer.Seen
	v.Answer.Nothing |= v.Answer.Missing // a picture that is not given is nothing in view
	v.Answer.Missing = 0
	p := &roles.Published{
		Seq: roles.Seq{Epoch: v.Epoch, N: 1}, Sealed: roles.Seal(v, a.encode(v)), Latency: time.Since(start),
	}
	return a.classified(ctx, p, why+": this node ran the whole network on its own")
}

// decodePicture reads a PNG or JPEG and makes it a view.
func decodePicture(file []byte, shape topology.Shape) ([]byte, error) {
	img, err := readPicture(file)
	if err != nil {
		return nil, err
	}
	return dataset.Resize(img, shape)
}

// StartRun begins a run.
func (a *api) StartRun(ctx context.Context, q *controlpb.StartRunRequest) (*controlpb.StartRunResponse, error) {
	start := wire.Start{Site: a.site(q.GetSite()), Period: time.Duration(q.GetPeriodNs()), Count: roles.Beat(q.GetCount()), Split: q.GetSplit()}
	if q.GetData() != "" {
		b, err := hex.DecodeString(q.GetData())
		if err != nil || len(b) != len(start.Data) {
			return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("data: a hash has 64 hexadecimal digits"))
		}
		copy(start.Data[:], b)
	}
	probe := roles.RunRecord{
		Site: start.Site, Run: 1, Starter: roles.Epoch{Counter: 1, Peer: a.self}, Period: start.Period, Count: start.Count,
		Split: start.Split, Entries: []roles.Entry{{}},
	}
	if err := probe.Validate(); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	var to roles.Peer
	var run roles.RunID
	var failed error
	if err := a.inEngine(ctx, func() {
		if to = a.roles.Scene(start.Site).Coordinator.Peer; to == a.self {
			run, failed = a.startRun(start)
		}
	}); err != nil {
		return nil, err
	}
	switch to {
	case "":
		failed = errNoCoordinator
	case a.self:
	default:
		run, failed = a.startAt(ctx, to, start)
	}
	if failed != nil {
		return nil, connect.NewError(connect.CodeUnavailable, fmt.Errorf("start run: %w", failed))
	}
	return &controlpb.StartRunResponse{Run: run.String()}, nil
}

func (a *api) startAt(ctx context.Context, to roles.Peer, start wire.Start) (roles.RunID, error) {
	const answerBytes = 256
	reply, err := a.mesh.Request(ctx, mesh.MemberID(to), kindStart, wire.EncodeStart(&start), answerBytes)
	if err != nil {
		return 0, err
	}
	return wire.DecodeStartAnswer(reply)
}

// startRun begins a run as the coordinator.
func (e *engine) startRun(s wire.Start) (roles.RunID, error) {
	run, ok := e.roles.StartRun(e.now(), roles.RunRecord{
		Site: s.Site, Period: s.Period, Count: s.Count, Data: s.Data, Split: s.Split,
		Entries: []roles.Entry{{Bundle: e.plan.current.ID(), Settings: e.plan.settings(e.plan.current.ID())}},
	}, &e.fx)
	if !ok {
		return 0, errAskAgain
	}
	return run, nil
}

// serveStart begins a run that another node was asked for.
func (e *engine) serveStart(m mesh.Message) {
	s, err := wire.DecodeStart(m.Payload)
	if err != nil {
		e.counters.refuse(m.From, err)
		e.refuse(m, "malformed start of a run")
		return
	}
	e.later(func() {
		run, err := e.startRun(*s)
		if err != nil {
			e.refuse(m, err.Error())
			return
		}
		e.reply(m, wire.EncodeStartAnswer(run))
	})
}

// Tally counts what became of the samples of a run.
func (a *api) Tally(ctx context.Context, q *controlpb.TallyRequest) (*controlpb.TallyResponse, error) {
	out := &controlpb.TallyResponse{}
	var fault error
	err := a.inEngine(ctx, func() {
		site := a.site(q.GetSite())
		run, err := a.runNamed(site, q.GetRun())
		if err != nil {
			fault = err
			return
		}
		l := a.roles.Log(site)
		if l == nil {
			fault = fmt.Errorf("site %.80q is not known here", site)
			return
		}
		out.Run = run.String()
		out.Tally = a.tally(site, run)
		out.Ended = a.endedRun(site, run)
	})
	if fault != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, fault)
	}
	return out, err
}

// runNamed is the run that a caller names; the present one of the site where it names none.
func (e *engine) runNamed(site roles.Site, text string) (roles.RunID, error) {
	if text == "" {
		return e.presentRun(site), nil
	}
	n, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("run %.40q: 16 hexadecimal digits", text)
	}
	return roles.RunID(n), nil
}

// presentRun is the run of a site that this node knows of; 0: none.
func (e *engine) presentRun(site roles.Site) roles.RunID {
	if c := e.roles.Coordinator(site); c != nil {
		if run, _ := c.Floor(); run != 0 {
			return run
		}
	}
	if site == e.config.Site {
		if clock := e.roles.Device().Clock(); clock != nil {
			return clock.Run().Run
		}
	}
	run, _ := e.watchedRun(site)
	return run
}

// watchedRun is the run of the last verdict of a beat that this node has heard of, and the
// beat. It is how a node without a view or a role knows of the run: heartbeats are not for
// it. 0: none.
func (e *engine) watchedRun(site roles.Site) (roles.RunID, roles.Beat) {
	l := e.roles.Log(site)
	if l == nil {
		return 0, 0
	}
	const looked = 64 // the others may be answers on demand
	for _, p := range slices.Backward(l.Last(looked)) {
		if id := p.Sealed.Sample; id.Run != 0 && p.SupersededBy == (roles.Hash{}) {
			return id.Run, id.Beat
		}
	}
	return 0, 0
}

func (e *engine) tally(site roles.Site, run roles.RunID) *controlpb.Tally {
	t := e.roles.Log(site).Tally(e.now(), run, roles.Budget+roles.Grace, e.roles.Scene(site).Coordinator.Peer != "")
	return &controlpb.Tally{
		Due: t.Due, Decided: t.Decided, NoView: t.NoView, Refused: t.Refused, Lost: t.Lost, Open: t.Open, Superseded: t.Superseded,
	}
}

// endedRun reports whether every beat of a run is final, as far as this node knows.
func (e *engine) endedRun(site roles.Site, run roles.RunID) bool {
	record := e.runRecord(site)
	return record != nil && record.Run == run && record.Count > 0 && e.roles.Log(site).FloorOf(run) >= record.Count
}

// runRecord is the record of a site's run, where this node has it; else nil.
func (e *engine) runRecord(site roles.Site) *roles.RunRecord {
	if c := e.roles.Coordinator(site); c != nil {
		if run, _ := c.Running(e.now()); run != nil {
			return run
		}
	}
	if clock := e.roles.Device().Clock(); clock != nil && site == e.config.Site {
		return clock.Run()
	}
	return nil
}

// Publish makes a bundle the mesh's.
func (a *api) Publish(ctx context.Context, q *controlpb.PublishRequest) (*controlpb.PublishResponse, error) {
	b, err := a.plan.store.Put(q.GetFile())
	if b == nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("publish: %w", err))
	}
	if err != nil {
		a.events.tell(eventWarning, err.Error())
	}
	var unfit error
	if err := a.inEngine(ctx, func() {
		if unfit = a.fits(b.Topology()); unfit == nil || q.GetForce() {
			a.catalog.load(b, a.plan.current.ID())
		}
	}); err != nil {
		return nil, err
	}
	if unfit != nil && !q.GetForce() {
		return nil, connect.NewError(connect.CodeFailedPrecondition, unfit)
	}
	if err := a.mesh.Settings().Set(settingBundle, []byte(b.ID().String())); err != nil {
		return nil, connect.NewError(connect.CodeInternal, fmt.Errorf("publish: %w", err))
	}
	return &controlpb.PublishResponse{Bundle: b.ID().String()}, nil
}

// Bundle returns the file of a bundle.
func (a *api) Bundle(ctx context.Context, q *controlpb.BundleRequest) (*controlpb.BundleResponse, error) {
	b, err := a.bundleNamed(ctx, q.GetBundle())
	if err != nil {
		return nil, err
	}
	return &controlpb.BundleResponse{File: b.File()}, nil
}

// Set changes a setting of the mesh.
func (a *api) Set(ctx context.Context, q *controlpb.SetRequest) (*controlpb.SetResponse, error) {
	key, value := q.GetKey(), q.GetValue()
	if key == "rate" {
		key = settingRate + string(a.config.Site)
	}
	if id, ok := strings.CutPrefix(key+"/", settingThresholds); ok {
		var err error
		if key, value, err = a.setThresholds(ctx, strings.TrimSuffix(id, "/"), value); err != nil {
			return nil, err
		}
	}
	if err := a.mesh.Settings().Set(key, []byte(value)); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	return &controlpb.SetResponse{}, nil
}
