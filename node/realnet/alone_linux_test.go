package realnet

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAlone has one node with a source for each view and nobody beside it: it answers alone,
// with the whole network, and says that it is alone and why that may be.
func TestAlone(t *testing.T) {
	n := newNetwork(t, 2, wiring{})
	m := n.machines[0]
	arguments := []string{"--source"}
	arguments = append(arguments, strings.TrimSuffix(strings.Repeat("street:samples=60,seed=3;", 6), ";"))
	started := time.Now()
	one := m.start("hermit", arguments...)
	within(t, "it is up", func() bool { return one.client() != nil })
	n.token = one.told(t)
	up := time.Now()
	within(t, "it decides samples of all views by itself", func() bool { return one.status().GetTally().GetDecided() > 10 })
	t.Logf("up after %.2f s, ten samples decided %.2f s later", up.Sub(started).Seconds(), time.Since(up).Seconds())
	var answer struct {
		Class   *string
		Exit    string
		Seen    []string
		Missing []struct{ View string }
	}
	for _, what := range [][]string{{}, {"--ref", "7"}} {
		out := m.must(append([]string{"classify", "--json"}, what...)...)
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			t.Fatalf("classify is no JSON: %v: %s", err, out)
		}
		if answer.Exit == "" || len(answer.Missing) > 0 {
			t.Errorf("classify %v answers %+v", what, answer)
		}
	}
	if s := one.status(); strings.Join(s.GetRoles(), " ") == "" || s.GetTally().GetLost() != 0 {
		t.Errorf("its roles are %v, its tally %v", s.GetRoles(), s.GetTally())
	}
	within(t, "it warns that it is alone", func() bool { return strings.Contains(one.warnings(), "has been alone for") })
	for _, cause := range []string{"no other node is started", "another token", "blocks broadcasts and multicast", "UDP port 4801", "TCP port 4801", "--join ADDRESS", m.address() + ":4801"} {
		if warnings := one.warnings(); !strings.Contains(warnings, cause) {
			t.Errorf("it does not name %q: %s", cause, warnings)
		}
	}
	// It is no more once another comes, with what the warning says to type.
	other := n.machines[1].start("friend", "--without", "beacon", "--without", "mdns", "--join", m.address()+":4801")
	allSeeAll(t, []*node{one, other})
	within(t, "it no longer warns", func() bool { return one.warnings() == "" })
}

// picture writes a picture of one colour.
func (m *machine) picture(name string, c color.Color) string {
	m.network.t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		img.Set(i%64, i/64, c)
	}
	var data bytes.Buffer
	if err := png.Encode(&data, img); err != nil {
		m.network.t.Fatal(err)
	}
	return m.file(name, data.String())
}

// feeds is the view that the node's only source feeds; empty: none, or it does not answer.
func (n *node) feeds() string {
	sources := n.status().GetSources()
	if len(sources) != 1 {
		return ""
	}
	return sources[0].GetView()
}

// TestOneViewTwice has two cameras that are both told to be the same view: the older keeps
// it, the younger says who has it and what to do, and gets it when the older is gone.
func TestOneViewTwice(t *testing.T) {
	n := newNetwork(t, 2, wiring{})
	n.token = n.newToken()
	older := n.machines[0].start("older", "--source", n.machines[0].picture("a.png", color.White), "--view", "2")
	within(t, "the older has its view", func() bool { return older.feeds() != "" })
	view := older.feeds()
	younger := n.machines[1].start("younger", "--source", n.machines[1].picture("b.png", color.Black), "--view", "2")
	allSeeAll(t, []*node{older, younger})
	within(t, "the younger says what to do", func() bool {
		said := younger.warnings()
		return strings.Contains(said, "view "+view+" is held by older") && strings.Contains(said, "--view") && strings.Contains(said, "or stop that node")
	})
	if s := older.status(); older.feeds() != view || len(s.GetWarnings()) != 0 {
		t.Errorf("the older is disturbed: %v", s)
	}
	if younger.feeds() != "" {
		t.Errorf("both feed view %s", view)
	}
	older.signal(t, os.Interrupt)
	gone := time.Now()
	taken := within(t, "the younger takes the view over", func() bool { return younger.feeds() == view })
	t.Logf("the younger has the view %.2f s after the older has left", taken.Sub(gone).Seconds())
	// And nobody's when there is no name for it: a camera is not put on a view by chance.
	third := n.machines[0].start("third", "--source", filepath.Join(n.machines[0].dir, "a.png"))
	within(t, "a camera without a view says so", func() bool {
		return strings.Contains(third.warnings(), "a camera is not put on a view by chance: give its view with --view (free: ")
	})
}
