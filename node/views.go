package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ganglion/inference"
	"ganglion/inference/durable"
	"ganglion/inference/topology"
	"ganglion/node/source"
	"ganglion/roles"
)

// A node that has just started looks around before it takes a view: until it has been up
// for viewQuiet, or twice as long where it has seen nobody yet, and nobody new was seen for
// viewCalm, but no longer than viewMost.
const (
	viewQuiet = time.Second
	viewCalm  = 400 * time.Millisecond
	viewMost  = 4 * time.Second
)

// viewKeep is for how long a view must have been held until a replay drops the pixels of
// all others: one that is lost to an older claim is soon exchanged for another.
const viewKeep = 10 * time.Second

// viewPace is how often a node looks for a view that it may take.
const viewPace = 100 * time.Millisecond

// feed is a source and the view that it feeds.
type feed struct {
	spec  source.Spec
	src   source.Source      // nil: it is being opened, or cannot be
	fault string             // of the source itself; empty: none
	tried inference.BundleID // that it was opened for last
	want  int                // view that was asked for; -1: any, or none that the model has
	view  int                // that it feeds; -1: none
	since roles.Instant      // when it took it
	bare  bool               // it has the pixels of that view alone
	again chan struct{}      // has it opened again: another bundle, another split; has room for one
	why   string             // it feeds none; empty: it does, or soon will
}

// viewBook is which source of this node feeds which view, and who has which view.
type viewBook struct {
	engine   *engine
	top      *topology.Topology
	feeds    []*feed
	held     []roles.HeldView // ascending by view
	settled  roles.Settlement // of this node's site
	looked   roles.Instant    // when it was settled last
	company  int              // live members besides this node
	stirred  roles.Instant    // when the last new one was seen
	others   map[roles.Site][]roles.Peer
	remember string // file of the last views; empty: none is kept
	last     []string
}

// newViewBook is a book of the sources of a node.
func newViewBook(e *engine, specs []source.Spec, top *topology.Topology, dir string) viewBook {
	b := viewBook{engine: e, others: map[roles.Site][]roles.Peer{}}
	if dir != "" {
		b.remember = filepath.Join(dir, "views.json")
		data, err := os.ReadFile(b.remember)
		if err == nil {
			err = json.Unmarshal(data, &b.last)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			e.log.Warn("last views not read; views are taken anew", "error", err)
			b.last = nil
		}
	}
	for _, s := range specs {
		b.feeds = append(b.feeds, &feed{spec: s, view: -1, want: -1, again: make(chan struct{}, 1)})
	}
	b.fit(top)
	return b
}

// fit resolves names of views for a topology.
func (b *viewBook) fit(t *topology.Topology) {
	if b.top != nil && !slices.Equal(b.top.Views, t.Views) { // other views: all are taken anew
		b.held = nil
		for _, f := range b.feeds {
			f.view = -1
		}
	}
	b.top = t
	last := slices.Clone(b.last)
	for _, f := range b.feeds {
		name := f.spec.View
		if name == "" && len(last) > 0 {
			name, last = last[0], last[1:]
		}
		f.want = -1
		if name != "" {
			f.want = viewIndex(t, name)
		}
		if f.src != nil {
			f.fault = faultOf(f.src.Fit(t))
		}
	}
}

// open has a source opened again, for the bundle that is in use then.
func (f *feed) open() {
	f.src = nil
	select {
	case f.again <- struct{}{}:
	default:
	}
}

// serve has replays show what another bundle remembers as its test part, and sources opened
// again that did not fit the one before.
func (b *viewBook) serve(bundle *inference.Bundle) {
	if bundle == nil {
		return
	}
	for _, f := range b.feeds {
		r, replay := f.src.(*source.Replay)
		if replay && !r.Matches(bundle) || f.src == nil && f.fault != "" && f.tried != bundle.ID() {
			f.open()
		}
	}
}

func faultOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// viewIndex finds a view by its name or number; -1: the topology has no such view.
func viewIndex(t *topology.Topology, ref string) int {
	if i := slices.Index(t.Views, ref); i >= 0 {
		return i
	}
	var n int
	if _, err := fmt.Sscanf(ref, "%d", &n); err == nil && fmt.Sprint(n) == ref && n >= 0 && n < len(t.Views) {
		return n
	}
	return -1
}

// opened takes a source that could be opened, or why it could not.
func (b *viewBook) opened(f *feed, with inference.BundleID, src source.Source, err error) {
	f.src, f.fault, f.tried = src, faultOf(err), with
	if err != nil {
		f.src = nil // not a nil source in an interface
		b.serve(b.engine.plan.current)
		return
	}
	f.fault, f.bare = faultOf(src.Fit(b.top)), false
	b.serve(b.engine.plan.current) // another may have come into use while it was opened
}

// live reports whether a source is a camera, which cannot show a moment again.
func (b *viewBook) live() bool {
	return slices.ContainsFunc(b.feeds, func(f *feed) bool { return f.spec.Kind != source.KindReplay })
}

// data is the hash of what the sources replay; zero: nothing is replayed.
func (b *viewBook) data() (hash [32]byte) {
	for _, f := range b.feeds {
		if r, ok := f.src.(*source.Replay); ok {
			return r.Data()
		}
	}
	return hash
}

// shows reports whether the replays of this node can show an element; where it has none,
// others may.
func (b *viewBook) shows(ref int) bool {
	for _, f := range b.feeds {
		if r, ok := f.src.(*source.Replay); ok && !r.Has(ref) {
			return false
		}
	}
	return true
}

// name is what people call a view.
func (b *viewBook) name(v int) string {
	if v < 0 || v >= len(b.top.Views) {
		return fmt.Sprint(v)
	}
	return b.top.Views[v]
}

func (b *viewBook) names(views []int) string {
	if len(views) == 0 {
		return "none"
	}
	var out []string
	for _, v := range views {
		out = append(out, b.name(v))
	}
	return strings.Join(out, ", ")
}

// wanting is how many sources would take any view, those that are being opened too.
func (b *viewBook) wanting() int {
	n := 0
	for _, f := range b.feeds {
		if b.wantsAny(f) {
			n++
		}
	}
	return n
}

// wantsAny reports whether a source takes the lowest free view: a replay that was given
// none. A camera is never put on a view by chance.
func (b *viewBook) wantsAny(f *feed) bool {
	return f.fault == "" && f.view < 0 && f.want < 0 && f.spec.View == "" && f.spec.Kind == source.KindReplay
}

// holders is who has which view of a site.
func (b *viewBook) holders(site roles.Site) []roles.Peer {
	if site == b.engine.config.Site {
		return b.settled.Holders
	}
	return b.others[site]
}

// feeding is the source of a view; nil: none of this node's.
func (b *viewBook) feeding(view int) *feed {
	for _, f := range b.feeds {
		if f.view == view {
			return f
		}
	}
	return nil
}

// settleViews works out who has which view and takes what this node is to have.
func (e *engine) settleViews(now roles.Instant) {
	b := &e.views
	b.looked = now
	sites := map[roles.Site][]roles.Viewer{}
	for i := range e.members {
		m := &e.members[i]
		if m.self || !m.alive() || m.record == nil {
			continue
		}
		sites[m.record.Site] = append(sites[m.record.Site], roles.Viewer{Peer: m.peer, Held: m.record.Views, Wants: m.record.Wants})
	}
	clear(b.others)
	for site, viewers := range sites { // each by itself: the order does not matter
		if site != e.config.Site {
			b.others[site] = roles.SettleViews("", viewers, len(b.top.Views)).Holders
		}
	}
	own := append(sites[e.config.Site], roles.Viewer{Peer: e.self, Held: b.held, Wants: b.wanting()})
	b.settled = roles.SettleViews(e.self, own, len(b.top.Views))
	before := b.mask()
	b.lose()
	if b.calm(now) {
		b.take()
	}
	b.explain()
	if b.mask() != before {
		b.keep()
		e.roles.SetViews(now, b.mask(), &e.fx)
	}
}

// calm reports whether the node has looked around for long enough.
func (b *viewBook) calm(now roles.Instant) bool {
	up := time.Duration(now)
	if up < viewQuiet || b.company == 0 && up < 2*viewQuiet {
		return false
	}
	return now.Sub(b.stirred) >= viewCalm || up >= viewMost
}

// seen notes how many members live besides this node.
func (b *viewBook) seen(now roles.Instant, others int) {
	if others > b.company {
		b.stirred = now
	}
	b.company = others
}

// tick looks whether there is a view to take, and what need not be kept any more.
func (b *viewBook) tick(now roles.Instant) {
	if !b.calm(now) || now.Sub(b.looked) < viewPace {
		return
	}
	whole := b.engine.config.NoPage // one replay keeps all views for the page
	for _, f := range b.feeds {
		r, ok := f.src.(*source.Replay)
		if !ok || f.view < 0 || f.bare || now.Sub(f.since) < viewKeep {
			continue
		}
		if !whole && r.PixelBytes() <= lookKeep {
			whole = true
			continue
		}
		f.bare = true
		r.Keep(f.view)
	}
	for _, f := range b.feeds {
		if f.view < 0 && f.src != nil && f.fault == "" && f.why == "" {
			b.engine.settleViews(now)
			return
		}
	}
}

// lose lets go of views that an older claim has.
func (b *viewBook) lose() {
	for v := range b.settled.Lost {
		if f := b.feeding(v); f != nil {
			f.view = -1
			if f.bare {
				f.open()
			}
		}
		b.held = slices.DeleteFunc(b.held, func(h roles.HeldView) bool { return h.View == v })
	}
}

// take gives views to sources that have none: those that were asked for, then any.
func (b *viewBook) take() {
	counter := b.settled.Counter()
	hold := func(f *feed, v int) {
		f.view, f.since = v, b.looked
		b.held = append(b.held, roles.HeldView{View: v, Counter: counter})
		b.settled.Holders[v] = b.engine.self
	}
	for _, f := range b.feeds {
		if f.src != nil && f.fault == "" && f.view < 0 && f.want >= 0 && b.settled.Holders[f.want] == "" && b.feeding(f.want) == nil {
			hold(f, f.want)
		}
	}
	for _, h := range b.settled.Take {
		i := slices.IndexFunc(b.feeds, func(f *feed) bool { return f.src != nil && b.wantsAny(f) })
		if i >= 0 && b.settled.Holders[h.View] == "" {
			hold(b.feeds[i], h.View)
		}
	}
	slices.SortFunc(b.held, func(a, c roles.HeldView) int { return a.View - c.View })
}

// explain says for each source without a view why, and what to do.
func (b *viewBook) explain() {
	free := b.settled.Free()
	for _, f := range b.feeds {
		f.why = ""
		switch {
		case f.view >= 0 || f.src == nil:
		case f.fault != "":
			f.why = f.fault
		case f.spec.View != "" && f.want < 0:
			f.why = fmt.Sprintf("the model has no view %q: it has %s", f.spec.View, strings.Join(b.top.Views, ", "))
		case f.want >= 0 && b.settled.Holders[f.want] != "":
			f.why = fmt.Sprintf("view %s is held by %s: give this source a free one with --view (%s), or stop that node",
				b.name(f.want), b.engine.nameOf(b.settled.Holders[f.want]), b.names(free))
			if f.spec.View == "" {
				f.want = -1 // its last view is another's: a replay takes any
			}
		case f.want < 0 && f.spec.Kind != source.KindReplay:
			f.why = fmt.Sprintf("a camera is not put on a view by chance: give its view with --view (free: %s)", b.names(free))
		case f.want < 0 && len(free) == 0:
			more := "a model of the topology elastic takes any number of views"
			if b.top.Elastic() {
				more = "'ganglion model widen' gives this model further views"
			}
			f.why = fmt.Sprintf("all %d views are held: this source is a spare, and feeds the next view that is free; %s", len(b.top.Views), more)
		}
	}
}

// mask is the set of views that this node feeds.
func (b *viewBook) mask() uint64 {
	var set uint64
	for _, h := range b.held {
		set |= 1 << h.View
	}
	return set
}

// keep remembers which views the sources feed, for the next life of this node, and tells
// replays what to keep in memory.
func (b *viewBook) keep() {
	var names []string
	for _, f := range b.feeds {
		if f.view >= 0 {
			names = append(names, b.top.Views[f.view])
		}
	}
	if b.remember == "" || len(names) == 0 || slices.Equal(names, b.last) {
		return
	}
	b.last = names
	data, err := json.Marshal(names)
	if err == nil {
		err = durable.WriteFile(b.remember, append(data, '\n'), 0o600)
	}
	if err != nil {
		b.engine.log.Warn("last views not kept", "error", err)
	}
}
