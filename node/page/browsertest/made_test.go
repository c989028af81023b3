package browsertest

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"ganglion/proto/controlpb"
)

// mesh is one that is made up: members, and verdicts by the rate. It is the same for the same
// arguments, but for the time.
type mesh struct {
	began      time.Time
	status     *controlpb.StatusResponse
	members    []*controlpb.Member
	events     []*controlpb.EventsResponse
	thresholds *controlpb.Thresholds
	rate       float64 // verdicts a second; 0: none
	hidden     map[string]bool
	draw       *rand.Rand
	edition    int // of the members
	beat       uint64
	superseded []*controlpb.Verdict // to be told once more
}

// watcher is what one stream has told.
type watcher struct {
	verdicts   int
	event      uint64
	edition    int
	thresholds string
	told       time.Time
	status     time.Time
	owed       float64 // parts of a verdict
}

const madeBundle = "6d1f0c5a9b7e42c38a1d55f0e7b6c4a2918d3f6e5c7b8a9012f4e6d8c0b1a2f3"

// newMesh is a mesh of so many nodes, in so many groups: a cloud, an aggregator of each group,
// devices with a view each, and what is over stands by.
func newMesh(nodes, groups, devices int, rate float64) *mesh {
	m := &mesh{began: time.Now(), rate: rate, hidden: map[string]bool{}, draw: rand.New(rand.NewPCG(1, 2)), edition: 1}
	add := func(name string, group int32, views, roles, next []string) {
		i := len(m.members)
		m.members = append(m.members, &controlpb.Member{
			Name: name, Peer: fmt.Sprintf("12D3KooW%044d", i), Addresses: []string{fmt.Sprintf("192.168.1.%d:4801", 10+i)}, Group: group,
			Views: views, Roles: roles, StandbyFor: next, State: "alive", Bundle: madeBundle, Version: "v0.5.0", Site: "default",
			RoundTripUs: int64(180 + 37*i%900), Self: i == 0, SinceMs: 60_000, AllowsChaos: true,
		})
	}
	add("rack", -1, nil, []string{"cloud"}, nil)
	for g := range groups {
		name, roles := "hub", []string{"aggregator"}
		if groups > 1 {
			name = fmt.Sprintf("hub-%d", g+1)
		}
		if g == 0 {
			roles = append(roles, "coordinator")
		}
		add(name, -1, nil, roles, nil)
	}
	var views []string
	for d := range devices {
		view := strconv.Itoa(d)
		views = append(views, view)
		var next []string
		if d == 0 {
			next = []string{"aggregator", "coordinator"}
		}
		if d == 1 {
			next = []string{"cloud"}
		}
		add(fmt.Sprintf("camera-%0*d", len(strconv.Itoa(devices)), d+1), int32(d*groups/devices), []string{view}, []string{"device"}, next)
	}
	for len(m.members) < nodes {
		add(fmt.Sprintf("spare-%02d", len(m.members)), -1, nil, nil, nil)
	}
	m.status = &controlpb.StatusResponse{
		Name: "rack", Peer: m.members[0].GetPeer(), Pid: 4321, Version: "v0.5.0", Mesh: "k7fq-2mzd", Site: "default", Views: views,
		Classes: []string{"bus", "car", "person"}, Bundle: madeBundle, Alive: int32(nodes), AllowsChaos: true,
		Run: &controlpb.Run{Site: "default", Run: "00c0ffee00c0ffee", PeriodNs: int64(100 * time.Millisecond)},
	}
	m.thresholds = &controlpb.Thresholds{Bundle: madeBundle, Exits: []*controlpb.ExitThresholds{{Exit: "local", BySeen: bySeen(devices)}}}
	for _, one := range m.members[1:] {
		m.tell("joined", one.GetName()+" is in the mesh", "peer", one.GetPeer(), "name", one.GetName())
	}
	m.tell("elected", "rack is the cloud", "peer", m.members[0].GetPeer(), "name", "rack", "role", "cloud")
	m.tell("run", "run 00c0ffee00c0ffee has begun, a beat each 100ms", "run", "00c0ffee00c0ffee")
	return m
}

// bySeen is thresholds that rise with the number of views.
func bySeen(views int) []float64 {
	out := make([]float64, views)
	for i := range out {
		out[i] = 0.35 + 0.45*float64(i+1)/float64(views)
	}
	return out
}

// tell adds an event; attributes are pairs.
func (m *mesh) tell(kind, text string, attributes ...string) {
	one := &controlpb.EventsResponse{
		AtUnixNs: time.Now().UnixNano(), Kind: kind, Text: text, Number: uint64(len(m.events)) + 1, Attributes: map[string]string{},
	}
	for i := 0; i+1 < len(attributes); i += 2 {
		one.Attributes[attributes[i]] = attributes[i+1]
	}
	m.events = append(m.events, one)
}

func (m *mesh) nameOf(peer string) string {
	if i := slices.IndexFunc(m.members, func(x *controlpb.Member) bool { return x.GetPeer() == peer }); i >= 0 {
		return m.members[i].GetName()
	}
	return peer
}

// member is the one of a name, to be changed: those that were told stay as they are.
func (m *mesh) member(name string) *controlpb.Member {
	i := slices.IndexFunc(m.members, func(x *controlpb.Member) bool { return x.GetName() == name })
	m.members[i], _ = proto.Clone(m.members[i]).(*controlpb.Member)
	m.edition++
	return m.members[i]
}

// kill has a member die: its connection breaks, it is gone, and its roles go to the standbys.
func (m *mesh) kill(name string) {
	dead := m.member(name)
	m.tell("noticed", "the connection to "+name+" broke", "peer", dead.GetPeer(), "name", name, "how", "connection")
	m.tell("down", name+" is gone", "peer", dead.GetPeer(), "name", name)
	for _, role := range dead.GetRoles() {
		next := slices.IndexFunc(m.members, func(x *controlpb.Member) bool { return slices.Contains(x.GetStandbyFor(), role) })
		if next < 0 {
			continue
		}
		heir := m.member(m.members[next].GetName())
		heir.Roles = append(heir.Roles, role)
		heir.StandbyFor = slices.DeleteFunc(heir.StandbyFor, func(r string) bool { return r == role })
		m.tell("elected", heir.GetName()+" takes over as "+role+" from "+name, "peer", heir.GetPeer(), "name", heir.GetName(), "role", role, "before", dead.GetPeer())
	}
	dead.State, dead.Roles, dead.Views, dead.SinceMs = "down", nil, nil, 0
	m.edition++
}

// setThresholds puts the text of a setting in force.
func (m *mesh) setThresholds(text string) error {
	next, _ := proto.Clone(m.thresholds).(*controlpb.Thresholds)
	next.Counter++
	next.Version = next.GetCounter() * 7919
	if text == "" {
		next.Version = 0
		next.Exits = []*controlpb.ExitThresholds{{Exit: "local", BySeen: bySeen(len(m.status.GetViews()))}}
	}
	for part := range strings.SplitSeq(text, ";") {
		exit, list, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		var values []float64
		for word := range strings.SplitSeq(list, ",") {
			v, err := strconv.ParseFloat(word, 64)
			if err != nil || v < 0 || v > 1 || len(values) > 0 && v < values[len(values)-1] {
				return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("thresholds: %q of exit %s will not do", word, exit))
			}
			values = append(values, v)
		}
		next.Exits = []*controlpb.ExitThresholds{{Exit: exit, BySeen: values}}
	}
	m.thresholds = next
	return nil
}

func (m *mesh) watcher(verdicts int, event uint64) *watcher {
	if event > uint64(len(m.events)) {
		event = 0
	}
	return &watcher{verdicts: verdicts, event: event}
}

// answer is what is new for a watcher.
func (m *mesh) answer(w *watcher, now time.Time) *controlpb.WatchResponse {
	out := &controlpb.WatchResponse{AtUnixNs: now.UnixNano()}
	first := w.told.IsZero()
	over := now.Sub(w.told)
	if first {
		over = 0
	}
	w.told = now
	if now.Sub(w.status) >= time.Second {
		w.status = now
		out.Status, _ = proto.Clone(m.status).(*controlpb.StatusResponse)
		if out.Status.GetRun() != nil {
			out.Status.Run.Beat = int64(m.beat)
		}
		out.Links = m.links(now)
	}
	if w.edition != m.edition {
		w.edition, out.Members, out.Links = m.edition, m.members, m.links(now)
	}
	if text := m.thresholds.String(); text != w.thresholds {
		w.thresholds, out.Thresholds = text, m.thresholds
	}
	out.Events = m.events[w.event:]
	w.event = uint64(len(m.events))
	m.flow(w, out, over, first)
	out.Verdicts = append(out.Verdicts, m.superseded...)
	m.superseded = nil
	return out
}

// links of the first member to all others, each with bytes that grow with time.
func (m *mesh) links(now time.Time) (out []*controlpb.Link) {
	for i, one := range m.members[1:] {
		bytes := uint64(now.Sub(m.began).Seconds() * float64(900+i*211%3000))
		out = append(out, &controlpb.Link{
			Peer: one.GetPeer(), Up: one.GetState() == "alive", RoundTripUs: one.GetRoundTripUs(), SentBytes: bytes, ReceivedBytes: 2 * bytes,
		})
	}
	return out
}

// flow adds the verdicts of a time, and their figures.
func (m *mesh) flow(w *watcher, out *controlpb.WatchResponse, over time.Duration, first bool) {
	w.owed += m.rate * over.Seconds()
	n := int(w.owed)
	w.owed -= float64(n)
	if first && m.rate > 0 {
		n = w.verdicts
	}
	by := map[string]*controlpb.ExitFigures{}
	hops := map[string]uint64{}
	missing := uint64(0)
	for i := range n {
		v := m.verdict()
		if i >= n-w.verdicts {
			out.Verdicts = append(out.Verdicts, v)
		}
		x := by[v.GetExit()]
		if x == nil {
			x = &controlpb.ExitFigures{Exit: v.GetExit(), Latencies: make([]uint32, 16)}
			by[v.GetExit()] = x
		}
		x.Count++
		x.Latencies[bucket(v.GetLatencyNs())]++
		if v.GetLabel() != "" {
			x.Labelled++
			if v.GetLabel() == v.GetClass() {
				x.Right++
			}
		}
		for _, h := range v.GetPayloadBytes() {
			hops[h.GetHop()] += h.GetBytes()
		}
		if len(v.GetMissing()) > 0 {
			missing++
		}
	}
	out.Skipped = uint64(n - len(out.Verdicts))
	if n == 0 || first {
		return
	}
	out.Figures = &controlpb.Figures{OverMs: uint32(over.Milliseconds()), ViewsMissing: missing}
	for _, exit := range []string{"none", "local", "edge", "cloud"} {
		if by[exit] != nil {
			out.Figures.Exits = append(out.Figures.Exits, by[exit])
		}
	}
	for _, hop := range []string{"device-local", "device-cloud"} {
		out.Figures.PayloadBytes = append(out.Figures.PayloadBytes, &controlpb.HopBytes{Hop: hop, Bytes: hops[hop]})
	}
}

func bucket(ns int64) int {
	i := 0
	for at := int64(250_000); at <= ns && i < 15; at *= 2 {
		i++
	}
	return i
}

// verdict makes the next one.
func (m *mesh) verdict() *controlpb.Verdict {
	m.beat++
	beat, ref := m.beat, int64(m.beat%190)
	since := int64(4_000_000 + m.draw.IntN(3_000_000))
	v := &controlpb.Verdict{
		Sample: fmt.Sprintf("default/00c0ffee00c0ffee/%d", beat), Beat: &beat, Ref: &ref, Holder: m.status.GetName(), SinceBeatNs: &since,
		Seq: fmt.Sprintf("3-%d", beat), Bundle: madeBundle, Hash: fmt.Sprintf("%064x", beat), LatencyNs: int64(900_000 + m.draw.IntN(1_800_000)),
		Epoch: &controlpb.Epoch{Counter: 3, Peer: m.members[0].GetPeer()},
	}
	for _, one := range m.members {
		if slices.Contains(one.GetRoles(), "aggregator") {
			v.Aggregators = append(v.Aggregators, one.GetName())
		}
	}
	held := map[string]bool{}
	for _, one := range m.members {
		for _, view := range one.GetViews() {
			held[view] = true
		}
	}
	for _, view := range m.status.GetViews() {
		switch at := m.draw.Float64(); {
		case !held[view]:
			v.Missing = append(v.Missing, &controlpb.MissingView{View: view, Reason: "connection broken"})
		case at < 0.3:
			v.Nothing = append(v.Nothing, view)
		case at < 0.31:
			v.Missing = append(v.Missing, &controlpb.MissingView{View: view, Reason: "silent"})
		default:
			v.Seen = append(v.Seen, view)
		}
	}
	m.answered(v)
	return v
}

// answered decides a verdict.
func (m *mesh) answered(v *controlpb.Verdict) {
	seen := len(v.GetSeen())
	if seen == 0 {
		v.Exit, v.Answered = "none", -1
		return
	}
	classes := m.status.GetClasses()
	right := m.draw.IntN(len(classes))
	v.Label = classes[right]
	answer := right
	if m.draw.Float64() < 0.02 {
		answer = (right + 1) % len(classes)
	}
	v.Class, v.Used = classes[answer], v.GetSeen()
	v.Probabilities = []float64{0.02, 0.02, 0.02}
	v.Probabilities[answer] = 0.96
	threshold := m.thresholds.GetExits()[0].GetBySeen()[seen-1]
	entropy := math.Pow(m.draw.Float64(), 1.6)
	local := &controlpb.Proposal{Exit: "local", Seen: int32(seen), Class: v.GetClass(), Entropy: entropy, Threshold: threshold}
	v.Exit, v.Proposals = "local", []*controlpb.Proposal{local}
	v.PayloadBytes = []*controlpb.HopBytes{{Hop: "device-local", Bytes: uint64(12 * seen)}}
	if entropy > threshold {
		v.Exit, v.Cloud, v.Answered = "cloud", m.members[0].GetName(), 1
		v.LatencyNs += int64(2_000_000 + m.draw.IntN(9_000_000))
		v.Proposals = append(v.Proposals, &controlpb.Proposal{Exit: "cloud", Seen: int32(seen), Class: v.GetClass(), Entropy: entropy / 6, Threshold: 1})
		v.PayloadBytes = append(v.PayloadBytes, &controlpb.HopBytes{Hop: "device-cloud", Bytes: uint64(128 * seen)})
	}
}

// scene is a small street with something on it, another for each sample and view.
func scene(sample, view string) []byte {
	h := fnv.New64a()
	_, _ = h.Write([]byte(sample + "/" + view))
	draw := rand.New(rand.NewPCG(h.Sum64(), 7))
	img := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	sky, road := 150+draw.IntN(80), 60+draw.IntN(50)
	thing := image.Rect(0, 0, 8+draw.IntN(14), 6+draw.IntN(8)).Add(image.Pt(2+draw.IntN(10), 12+draw.IntN(6)))
	tone := color.NRGBA{uint8(draw.IntN(256)), uint8(draw.IntN(256)), uint8(draw.IntN(256)), 255}
	for y := range 32 {
		for x := range 32 {
			grain := draw.IntN(14)
			c := color.NRGBA{uint8(sky + grain), uint8(sky + 8 + grain), uint8(sky + 20 + grain), 255}
			if y > 14 {
				c = color.NRGBA{uint8(road + grain), uint8(road + grain), uint8(road + 6 + grain), 255}
			}
			if (image.Point{X: x, Y: y}).In(thing) {
				c = tone
			}
			img.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // into memory
	}
	return b.Bytes()
}
