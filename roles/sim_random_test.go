package roles

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// randomScript makes a scenario of a seed: a deployment, what its nodes and its network are
// like, and a few faults between 3.2 and 6 s or, where the mesh is to rest before a second
// run, between 11.5 and 14.3 s. The same seed gives the same text.
func randomScript(seed uint64) string { return randomFaults(seed) + randomSettings(seed) }

// randomFaults is a scenario without changes of settings.
func randomFaults(seed uint64) string {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 23)), from: 3200}
	kind := g.rng.IntN(sorts)
	preset := g.of("c", "c", "c", "c", "e", "f", "a", "b")
	switch {
	case kind >= duels:
		preset = g.of("a", "a", "a", "c") // in the first a sample is for long on its way
	case kind >= doubles:
		preset = g.of("c", "e", "f") // where others aggregate, more is on its way
	}
	g.cameras = map[string]int{"b": 1}[preset]
	if g.cameras == 0 {
		g.cameras = 2 + g.rng.IntN(3)
		if preset == "f" {
			g.cameras = 4
		}
	}
	spares := g.rng.IntN(4)
	switch {
	case kind < successions, kind >= doubles && kind < duels:
		spares = 3 // so that somebody is left who has stored nothing
	case kind >= duels:
		spares = 2 + g.rng.IntN(2)
	}
	g.nodes = g.cameras + spares
	g.line("deployment %s, %d cameras, %d spares", preset, g.cameras, spares)
	g.line("beats %d every 40ms", 50+g.rng.IntN(30))
	weather := g.rng.IntN(8)
	if kind >= far && kind < duels {
		weather = calm
		g.line("net way %dms", 28+g.rng.IntN(23)) // so that much is on its way when somebody dies
	}
	switch weather {
	case 0:
		g.line("net loss %.2f", 0.01+0.04*g.rng.Float64())
	case 1:
		g.line("net way %dms", 5+g.rng.IntN(46))
	case 2:
		g.line("net spares 60ms")
	case 3:
		g.line("net cloud 40ms")
	case 4:
		g.line("net jitter 45ms")
	}
	for i := range g.nodes {
		if g.rng.IntN(3) > 0 {
			g.line("node n%d clock %+dppm", i, g.rng.IntN(401)-200)
		}
	}
	if g.rng.IntN(6) == 0 {
		g.line("node n%d clock 10000ppm", g.rng.IntN(g.nodes))
	}
	if g.rng.IntN(5) == 0 {
		g.line("node n%d camera %s", g.rng.IntN(g.cameras), g.of("nan", "odd", "stuck"))
	}
	if g.rng.IntN(8) == 0 {
		g.line("node n%d retention 8192", g.rng.IntN(g.cameras))
	}
	if spares > 0 && g.rng.IntN(8) == 0 {
		g.line("node n%d absent", g.nodes-1)
		g.fault("restart n%d", g.nodes-1)
	}
	switch {
	case kind < successions:
		g.succession()
		return strings.Join(g.lines, "\n") + "\n"
	case kind < rumours:
		g.rumours()
		return strings.Join(g.lines, "\n") + "\n"
	case kind >= duels:
		g.duel()
		return strings.Join(g.lines, "\n") + "\n"
	case kind >= doubles:
		g.deaths()
		return strings.Join(g.lines, "\n") + "\n"
	}
	if g.rng.IntN(4) == 0 {
		g.from = 11500
		g.fault("run")
	}
	mild := g.rng.IntN(2) == 0
	for range g.rng.IntN(6) {
		g.one(mild)
	}
	return strings.Join(g.lines, "\n") + "\n"
}

// Of twenty scenarios three are a succession of holders and three have rumours; in one
// holders die together with their standbys, in three more far away from the others; four are
// duels. The rest is a mixture.
const (
	sorts       = 20
	successions = 3
	rumours     = 6
	doubles     = 12
	far         = 13
	duels       = 16
	calm        = 7 // of the weathers
)

// generator makes one scenario.
type generator struct {
	rng            *rand.Rand
	lines          []string
	cameras, nodes int
	crashed        int
	from           int // of faults, in milliseconds
}

func (g *generator) line(format string, args ...any) {
	g.lines = append(g.lines, fmt.Sprintf(format, args...))
}

func (g *generator) of(names ...string) string { return names[g.rng.IntN(len(names))] }

// node is a node by number or by what it does.
func (g *generator) node() string {
	if g.rng.IntN(2) == 0 {
		return g.of("aggregator", "cloud", "coordinator", "standby-of-aggregator")
	}
	return fmt.Sprintf("n%d", g.rng.IntN(g.nodes))
}

func (g *generator) fault(format string, args ...any) {
	g.line("at %dms %s", g.from+g.rng.IntN(2800), fmt.Sprintf(format, args...))
}

// duel has roles move between nodes without views while their holders work, and lets those
// hear of it late, yet in time.
func (g *generator) duel() {
	g.line("net spares 60ms late 0")
	at, who := 3300, 0
	for range 8 + g.rng.IntN(8) {
		who += 1 + g.rng.IntN(g.nodes-g.cameras-1)
		g.line("at %dms pin n%d", at, g.cameras+who%(g.nodes-g.cameras))
		at += 100 + g.rng.IntN(150)
	}
}

// succession ends one holder after the other, while a sample is on its way, some with their
// first standby; in some of the scenarios a node begins anew just before, or instead. One
// that outranks the holder claims without having heard of anything.
func (g *generator) succession() {
	anew := g.cameras == 1 || g.rng.IntN(3) == 0
	at := g.from + g.rng.IntN(200)
	for range 2 + g.rng.IntN(3) {
		if anew {
			who, lasts := g.of("standby-of-coordinator", "n0", g.node()), 20+g.rng.IntN(400)
			g.line("at %dms restart %s after %dms", at, who, lasts)
			at += lasts + g.rng.IntN(1100)
			if g.rng.IntN(2) == 0 {
				g.line("at %dms pin n%d", at, g.rng.IntN(g.nodes))
			}
		}
		at += -at%40 + g.rng.IntN(12) // beats fall every 40 ms from 3 s on
		if g.rng.IntN(2) == 0 && g.crashed+1 < g.nodes {
			g.crashed++
			g.line("at %dms crash standby-of-coordinator", at)
		}
		if g.crashed++; g.crashed < g.nodes {
			g.line("at %dms %s", at, g.of("crash coordinator", "crash coordinator", "crash coordinator", "crash cloud",
				"leave coordinator for 200ms", "leave cloud", "restart coordinator after 20ms", "restart coordinator after 200ms"))
		}
		at += 150 + g.rng.IntN(700)
	}
}

// deaths ends two or three holders in a row, each within the time that what it has told only
// some is on its way, and mostly together with the first standby.
func (g *generator) deaths() {
	g.line("net gossip 1") // so that there are verdicts that the seals alone tell of
	at := g.from + g.rng.IntN(200)
	for range 2 + g.rng.IntN(2) {
		at += -at%40 + g.rng.IntN(12) // beats fall every 40 ms from 3 s on
		if g.rng.IntN(4) > 0 && g.crashed+2 < g.nodes {
			g.crashed++
			g.line("at %dms crash standby-of-coordinator", at)
		}
		if g.crashed++; g.crashed < g.nodes {
			g.line("at %dms %s", at, g.of("crash coordinator", "crash coordinator", "restart coordinator after 200ms"))
		}
		at += 250 + g.rng.IntN(400)
	}
}

// rumours has deaths reported that are none, and nothing else, so that nothing excuses a
// view that is not waited for.
func (g *generator) rumours() {
	for range 1 + g.rng.IntN(4) {
		g.rumour()
	}
}

func (g *generator) rumour() {
	g.fault("false-death n%d at all for %v", g.rng.IntN(g.nodes), time.Duration(6+g.rng.IntN(111))*ms)
}

// one adds a fault; mild ones leave every pair of live nodes in touch.
func (g *generator) one(mild bool) {
	lasts := func(most int) time.Duration { return time.Duration(50+g.rng.IntN(most)) * ms }
	n := 6
	if !mild {
		n = 16
	}
	switch g.rng.IntN(n) {
	case 0:
		if g.crashed++; g.crashed < g.nodes {
			g.fault("crash %s", g.node())
		}
	case 1:
		if g.crashed++; g.crashed < g.nodes {
			g.fault("leave %s for %v", g.node(), lasts(400))
		}
	case 2:
		g.fault("pin n%d", g.rng.IntN(g.nodes))
	case 3:
		g.rumour()
	case 4:
		g.fault("request")
	case 5:
		g.fault("learn-late 0.95 for %v", lasts(2000))
	case 6, 7:
		g.fault("restart %s after %v", g.node(), lasts(3000))
	case 8, 9:
		g.fault("pause %s for %v", g.node(), lasts(4000))
	case 10:
		g.partition()
	case 11:
		g.fault("cut n%d -> %s for %v", g.rng.IntN(g.nodes), strings.Join(g.some(), " "), lasts(4000))
	case 12:
		g.fault("unlink %s n%d for %v", g.node(), g.rng.IntN(g.nodes), lasts(3000))
	case 13:
		g.fault("%s %s n%d", g.of("corrupt", "replace"), g.node(), g.rng.IntN(g.nodes))
	case 14:
		g.fault("%s for %v", g.of("loss 0.3", "jitter 300ms", "loss 0.05"), lasts(2000))
	case 15:
		g.fault("%s for %v", g.of("slow aggregator 5ms", "slow n0 20ms", "clone n0", "clone cloud"), lasts(1500))
	}
}

func (g *generator) some() []string {
	var out []string
	for i := range g.nodes {
		if g.rng.IntN(2) == 0 {
			out = append(out, fmt.Sprintf("n%d", i))
		}
	}
	return append(out, "n0")
}

func (g *generator) partition() {
	var a, b []string
	for i := range g.nodes {
		if name := fmt.Sprintf("n%d", i); g.rng.IntN(2) == 0 {
			a = append(a, name)
		} else {
			b = append(b, name)
		}
	}
	if len(a) > 0 && len(b) > 0 {
		g.fault("partition %s | %s for %v", strings.Join(a, " "), strings.Join(b, " "), time.Duration(100+g.rng.IntN(8000))*ms)
	}
}

// randomly plays the scenario of a seed.
func randomly(t testing.TB, seed uint64, loose looseness) *world {
	t.Helper()
	return replay(t, seed, randomScript(seed), loose)
}

func replay(t testing.TB, seed uint64, text string, loose looseness) *world {
	t.Helper()
	s, err := parseScript(fmt.Sprintf("seed-%d", seed), text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s.play(t, seed, loose)
}

// shrink takes away lines of a scenario for as long as it still breaks an invariant.
func shrink(t testing.TB, seed uint64, text string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for again := true; again; {
		again = false
		for i := len(lines) - 1; i >= 2; i-- { // the deployment and its beats stay
			fewer := slices.Delete(slices.Clone(lines), i, i+1)
			if len(replay(t, seed, strings.Join(fewer, "\n"), looseness{}).broken) > 0 {
				lines, again = fewer, true
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestRandomScenarios plays scenarios that nobody wrote: every invariant holds with every
// seed. A failure says how to play it again, and the shortest scenario that still fails.
func TestRandomScenarios(t *testing.T) {
	failed := 0
	for seed := *fromSeed; seed < *fromSeed+*seeds; seed++ {
		w := randomly(t, seed, looseness{})
		if len(w.broken) == 0 {
			continue
		}
		short := shrink(t, seed, randomScript(seed))
		t.Errorf("seed %d breaks an invariant:\n\t%s\nreplay it: go test ./roles -run '^TestRandomScenarios$' -seed %d -seeds 1\nit shrinks to\n%s",
			seed, strings.Join(w.broken, "\n\t"), seed, short)
		if testing.Verbose() {
			t.Logf("\n%s", replay(t, seed, short, looseness{}).transcript())
		}
		if failed++; failed == 5 {
			t.Fatal("five seeds are enough")
		}
	}
}

// The same seed gives the same run, to the last word: else no seed could be replayed.
func TestRandomScenariosRepeat(t *testing.T) {
	for seed := range uint64(10) {
		first, second := randomly(t, seed, looseness{}), randomly(t, seed, looseness{})
		if first.transcript() != second.transcript() || first.number != second.number {
			t.Errorf("seed %d went one way and then another", seed)
		}
	}
}
