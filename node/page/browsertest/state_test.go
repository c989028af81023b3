package browsertest

import (
	"path/filepath"
	"strings"
	"testing"

	"ganglion/proto/controlpb"
)

// situation is a state of the page that is designed: how it comes about, and what a person has
// to see then.
type situation struct {
	name   string
	nodes  int
	rate   float64
	how    look
	setup  func(f *feed, m *mesh) // before the page is opened
	before string                 // JavaScript before that of the page
	act    func(b *tab, f *feed)  // after
	await  string                 // JavaScript that becomes true
	says   []string               // what is to be read then
	cut    bool                   // the console may complain of a node that is gone
}

// deskReady is true when there are verdicts and the map is whole: it is drawn in slices, and its
// last gives the tab key its node.
const deskReady = `document.querySelectorAll('.verdict:not([hidden])').length > 3 && document.querySelector('.node[tabindex="0"]') !== null`

// situations are all of them; each is a test, and a picture.
func situations() []situation {
	return []situation{
		{
			name: "loading", nodes: 8, rate: 10, setup: func(f *feed, _ *mesh) { f.silent = true },
			await: `document.body.dataset.state === 'loading' || document.body.dataset.state === 'connecting'`, says: []string{"connecting"},
		},
		{
			name: "no run", nodes: 8, setup: func(_ *feed, m *mesh) { m.status.Run = nil },
			await: `document.querySelector('#list-empty-title').textContent === 'No run'`, says: []string{"nobody has begun a run"},
		},
		{
			name: "empty", nodes: 8,
			await: `document.querySelector('#list-empty-title').textContent === 'No verdicts yet'`, says: []string{"a beat each 100 ms"},
		},
		{
			name: "alone", nodes: 1, rate: 10,
			setup: func(f *feed, m *mesh) {
				m.members[0].Roles = []string{"device", "aggregator", "cloud", "coordinator"}
				m.members[0].Views = []string{"0"}
				m.status.Views = []string{"0"}
				m.thresholds.Exits[0].BySeen = bySeen(1)
				f.findings = []*controlpb.Finding{{Code: "alone", Text: "nobody else was heard for 40 s on eth0", Mend: "ganglion doctor"}}
			},
			await: `document.querySelector('#alone-findings li')`, says: []string{"Nobody else is here yet", "nobody else was heard for 40 s"},
		},
		{
			name: "lost", nodes: 8, rate: 10, cut: true,
			act: func(b *tab, f *feed) {
				b.await("a verdict", deskReady)
				f.change(func(f *feed, _ *mesh) { f.gone = true })
				f.cut()
			},
			await: `document.body.dataset.state === 'lost'`, says: []string{"No connection to the node since", "Next try in", "the last picture"},
		},
		{
			name: "too many pages", nodes: 8, rate: 10, setup: func(f *feed, _ *mesh) { f.full = true },
			await: `document.body.dataset.state === 'busy'`, says: []string{"as many watchers as it takes", "16 watch already"},
		},
		{
			name: "token", nodes: 8, rate: 10, cut: true, setup: func(f *feed, _ *mesh) { f.token = "a-token-of-twenty-letters" },
			await: `document.querySelector('#token').open`, says: []string{"This node asks for its API token"},
		},
		{
			name: "one view lost", nodes: 8, rate: 10,
			act: func(b *tab, f *feed) {
				b.await("a verdict", deskReady)
				f.change(func(_ *feed, m *mesh) { m.kill("camera-3") })
			},
			await: `document.querySelector('.node[data-standing="down"]') && document.querySelector('.verdict .view[data-what="missing"]')`,
			says:  []string{"camera-3 is gone", "1 gone", "nobody is view 2"},
		},
		{
			name: "role moved", nodes: 8, rate: 10,
			act: func(b *tab, f *feed) {
				b.await("a verdict", deskReady)
				f.change(func(_ *feed, m *mesh) { m.kill("hub") })
			},
			await: `document.querySelector('.node[data-tier="aggregator"] .name')?.textContent && document.querySelector('#timeline').textContent.includes('takes over')`,
			says:  []string{"camera-1 takes over as aggregator from hub"},
		},
		{
			name: "explained", nodes: 8, rate: 10,
			act: func(b *tab, _ *feed) {
				b.await("a verdict from the cloud", `document.querySelector('.verdict[data-exit="cloud"]:not([hidden])')`)
				b.do(`document.querySelector('.verdict[data-exit="cloud"]:not([hidden])').click()`)
			},
			await: `document.querySelector('#explain').open`, says: []string{"local was not sure", "device-cloud", "Entropy at each exit", "the bundle's own"},
		},
		{
			name: "a node", nodes: 8, rate: 10,
			act: func(b *tab, _ *feed) {
				b.await("nodes", deskReady)
				b.do(`document.querySelector('.node[data-tier="aggregator"]').click()`)
			},
			await: `!document.querySelector('#node').hidden`, says: []string{"Do harm on purpose", "192.168.1.11:4801", "aggregator and coordinator"},
		},
		{
			name: "old browser", nodes: 8, rate: 10, before: `delete AbortSignal.timeout`,
			await: `!document.querySelector('#old').hidden`, says: []string{"too old for the page", "ganglion members"},
		},
		{
			name: "a hundred nodes", nodes: 100, rate: 200,
			await: `document.querySelectorAll('.node').length === 100 && ` + deskReady, says: []string{"100 nodes", "group 7"},
		},
	}
}

// TestStates brings the page into each state that is designed, and reads what it says then.
// Without it a page that lies about a node that is gone would look as good as any.
func TestStates(t *testing.T) {
	of := start(t)
	for _, s := range situations() {
		for _, how := range []look{desk(), phone()} {
			name := s.name
			if how.width < 600 {
				if *pictures == "" {
					continue // the same words: to be looked at, not to be read twice
				}
				name += "-phone"
			}
			t.Run(name, func(t *testing.T) {
				s.how, s.how.before = how, s.before
				b := s.show(t, of)
				if *pictures != "" {
					b.shoot(filepath.Join(*pictures, strings.ReplaceAll(name, " ", "-")+".png"), how.width < 600 && s.name != "explained" && s.name != "a node")
				}
			})
		}
	}
}

// show brings the state about and reads the page.
func (s *situation) show(t *testing.T, of *browser) *tab {
	t.Helper()
	groups, devices := 1, min(s.nodes, 6)
	if s.nodes > 20 {
		groups, devices = 8, 64
	}
	if s.nodes == 1 {
		groups, devices = 0, 0
	}
	f := serve(t, newMesh(s.nodes, groups, devices, s.rate))
	if s.setup != nil {
		f.change(s.setup)
	}
	b := of.open(t, f.url, s.how)
	b.lenient = s.cut
	if s.act != nil {
		s.act(b, f)
	}
	b.await(s.name, s.await)
	for _, want := range s.says {
		b.await("the words "+want, `(document.body.innerText + [...document.querySelectorAll('dialog[open]')].map((d) => d.innerText)).includes(`+quoted(want)+`)`)
	}
	return b
}
