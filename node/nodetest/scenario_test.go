package nodetest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// scenario is a deployment, a run, and what befalls it, drawn from a seed.
type scenario struct {
	t    *testing.T
	rng  *rand.Rand
	mesh *nodetest.Virtual
	all  []string // nodes, dead ones too
	dead []string
	told []string // what was done, and when
	from time.Time
	run  string
	beat uint64 // of the run, so many
	mild bool   // nodes end, and the network is a good one

	last []word // what nodes had published when they ended
}

// word is a verdict that a node told of: whoever followed it has seen it.
type word struct {
	node string
	beat uint64
	hash string
}

// beatPeriod is that of the runs.
const beatPeriod = 100 * time.Millisecond

// play starts a deployment and has faults befall it while a run is on. In the end everybody
// is back, and the network is a good one.
func play(t *testing.T, seed uint64) *scenario {
	t.Helper()
	s := &scenario{t: t, rng: rand.New(rand.NewPCG(seed, 7)), from: time.Now()}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what befell it:\n%s", strings.Join(s.told, "\n"))
		}
	})
	s.mild = s.rng.IntN(2) == 0
	devices, spares := 3+s.rng.IntN(2), s.rng.IntN(3)
	parts := []nodetest.Part{nodetest.Devices(street, devices), nodetest.Spares(spares)}
	kept := s.rng.IntN(2) == 0
	if kept {
		parts = append(parts, nodetest.Kept())
	}
	q := s.quality()
	s.mesh = nodetest.StartVirtual(t, seed, q, parts...)
	s.all = s.mesh.Names()
	s.tell("%d devices and %d spares, kept %t, mild %t, %+v", devices, spares, kept, s.mild, q)
	s.mesh.Settle(t.Context())
	s.beat = uint64(100 + s.rng.IntN(150))
	s.run = s.mesh.Run(s.beat, beatPeriod)
	s.tell("run %s of %d beats", s.run, s.beat)
	for end := time.Now().Add(time.Duration(s.beat) * beatPeriod); time.Now().Before(end); {
		s.pause(3 * time.Second)
		s.fault()
	}
	s.mesh.Heal()
	q = lan()
	q.Loss = 0 // or two might still decide the same
	s.mesh.Travel(q)
	for len(s.dead) > 0 {
		s.restart()
	}
	s.tell("all is well")
	return s
}

func (s *scenario) tell(format string, args ...any) {
	s.told = append(s.told, fmt.Sprintf("%8.3fs ", time.Since(s.from).Seconds())+fmt.Sprintf(format, args...))
}

func (s *scenario) pause(most time.Duration) {
	time.Sleep(time.Duration(s.rng.Int64N(int64(most)))) //nolint:forbidigo // virtual
}

// quality is what a network may be like.
func (s *scenario) quality() nodetest.Quality {
	q := lan()
	if s.mild {
		q.Loss = 0
	}
	switch s.rng.IntN(4) {
	case 0:
		q.Latency, q.Jitter = time.Duration(s.rng.IntN(20))*time.Millisecond, 5*time.Millisecond
	case 1:
		if !s.mild {
			q.Loss = 0.03 * s.rng.Float64()
		}
	}
	return q
}

// some is a node that lives.
func (s *scenario) some() string {
	live := s.mesh.Names()
	return live[s.rng.IntN(len(live))]
}

// holder is a node that lives, likely one that has a role.
func (s *scenario) holder() string {
	roles := []string{"aggregator", "coordinator", "cloud", "device"}
	if all := s.mesh.Holders(roles[s.rng.IntN(len(roles))]); len(all) > 0 {
		if one := all[s.rng.IntN(len(all))]; !slices.Contains(s.dead, one) {
			return one
		}
	}
	return s.some()
}

// fault has one fault befall the deployment, or ends some.
func (s *scenario) fault() {
	m := s.mesh
	sorts := 9
	if s.mild {
		sorts = 5
	}
	switch s.rng.IntN(sorts) {
	case 0, 1:
		s.end("kill", m.Kill)
	case 2:
		s.end("power off", m.PowerOff)
	case 3:
		s.end("stop", m.Stop)
	case 4:
		if len(s.dead) > 0 {
			s.restart()
		}
	case 5:
		live := m.Names()
		s.rng.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
		apart := live[:1+s.rng.IntN(max(1, len(live)/2))]
		s.tell("partition %v", apart)
		m.Partition(apart...)
	case 6:
		from, to := s.holder(), s.some()
		s.tell("sever %s from %s", from, to)
		m.Sever(from, to)
	case 7:
		name, d := s.holder(), time.Duration(s.rng.IntN(3000))*time.Millisecond
		s.tell("stall %s for %v", name, d)
		m.Stall(name, d)
	case 8:
		q := s.quality()
		s.tell("%+v", q)
		m.Travel(q)
	}
	if !s.mild && s.rng.IntN(3) == 0 {
		s.pause(5 * time.Second)
		s.tell("heal")
		m.Heal()
	}
	s.counted()
}

// end ends a node. Two of three live at any time: who has everything in memory alone, and
// loses all memories, has lost samples.
func (s *scenario) end(how string, end func(string)) {
	if 3*(len(s.dead)+1) > len(s.all) {
		return
	}
	name := s.holder()
	s.tell("%s %s", how, name)
	for beat, hash := range s.known(name) {
		s.last = append(s.last, word{name, beat, hash})
	}
	end(name)
	s.dead = append(s.dead, name)
}

// known is the hashes of the verdicts of the run that a node has, by beat.
func (s *scenario) known(name string) map[uint64]string {
	s.t.Helper()
	var from uint64
	stream, err := s.mesh.API(name).Verdicts(s.t.Context(), &controlpb.VerdictsRequest{Run: s.run, FromBeat: &from})
	if err != nil {
		s.t.Fatal(err)
	}
	defer stream.Close()
	hashes := map[uint64]string{}
	for stream.Receive() {
		if v := stream.Msg().GetVerdict(); v.GetHash() != "" && v.GetSupersededBy() == "" {
			hashes[v.GetBeat()] = v.GetHash()
		}
	}
	return hashes // of a node that has just started: none
}

func (s *scenario) restart() {
	i := s.rng.IntN(len(s.dead))
	name := s.dead[i]
	s.dead = slices.Delete(s.dead, i, i+1)
	s.tell("restart %s", name)
	s.mesh.Restart(name)
}

// counted checks what a node says of the run, at any time.
func (s *scenario) counted() {
	s.t.Helper()
	for _, name := range s.mesh.Names() {
		t := s.mesh.Tally(name, s.run)
		if t.GetDue() != t.GetDecided()+t.GetRefused()+t.GetLost()+t.GetOpen() {
			s.t.Errorf("%s counts %v, which is not due = decided + refused + lost + open", name, t)
		}
	}
}

// agreed checks what everybody knows in the end: all beats are decided, each once, by the
// same verdict everywhere.
func (s *scenario) agreed() {
	s.t.Helper()
	begin := time.Now()
	s.mesh.Settle(s.t.Context())
	s.mesh.AwaitRun(s.t.Context(), s.run)
	s.counted()
	s.mesh.Await(s.t.Context(), "every node has the same verdict of every beat", func() bool {
		var first []string
		for _, name := range s.mesh.Names() {
			var hashes []string
			for _, v := range s.mesh.Verdicts(name, s.run) {
				hashes = append(hashes, fmt.Sprint(v.GetBeat(), v.GetHash()))
			}
			if first == nil {
				first = hashes
			}
			if uint64(len(hashes)) != s.beat || !slices.Equal(first, hashes) {
				return false
			}
		}
		return true
	})
	// Most take a second. TCP may be silent after a partition for as long as that lasted; on
	// this clock nothing takes longer where the machine is busy.
	if took := time.Since(begin); took > time.Minute {
		s.t.Errorf("all agree %v after the last fault", took)
	}
	if s.mild {
		s.once()
	}
}

// once checks that no sample was decided twice, as it must be where all were in touch: not
// even by one who ended as soon as it had published.
func (s *scenario) once() {
	s.t.Helper()
	for _, name := range s.mesh.Names() {
		if t := s.mesh.Tally(name, s.run); t.GetSuperseded() > 0 {
			s.t.Errorf("%s knows of %v: none may be superseded where all were in touch", name, t)
		}
	}
	stands := s.known(s.mesh.Names()[0])
	for _, w := range s.last {
		if stands[w.beat] != w.hash {
			s.t.Errorf("%s had verdict %s of beat %d when it ended, and %s stands", w.node, w.hash, w.beat, stands[w.beat])
		}
	}
}
