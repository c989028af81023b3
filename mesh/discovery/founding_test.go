package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// TestDecide holds the founding rule with a listening time of three seconds.
func TestDecide(t *testing.T) {
	type event struct {
		at     time.Duration
		seeker Instance
		mesh   bool
	}
	const s = time.Second
	tests := []struct {
		name   string
		events []event
		at     time.Duration
		want   verdict
		wait   time.Duration
	}{
		{"still listening", nil, 2 * s, keepListening, 1 * s},
		{"nothing heard", nil, 3 * s, foundMesh, 0},
		{"a mesh, but others may speak", []event{{1 * s, 0, true}}, 2 * s, keepListening, 1 * s},
		{"a mesh", []event{{1 * s, 0, true}}, 3 * s, reportMeshes, 0},
		{"a larger seeker", []event{{1 * s, 9, false}}, 3 * s, foundMesh, 0},
		{"a smaller seeker goes first", []event{{1 * s, 1, false}}, 3 * s, keepListening, 1 * s},
		{"a smaller seeker fell silent", []event{{1 * s, 1, false}}, 4 * s, foundMesh, 0},
		{"the smallest counts", []event{{1 * s, 9, false}, {2 * s, 2, false}, {1 * s, 1, false}}, 4 * s, keepListening, 1 * s},
		{"a smaller one founds", []event{{3 * s, 1, false}, {4 * s, 0, true}}, 4 * s, reportMeshes, 0},
		{"a smaller one never founds", []event{{11 * s, 1, false}}, 11 * s, keepListening, 1 * s},
		{"patience ends", []event{{12 * s, 1, false}}, 12 * s, foundMesh, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Unix(0, 0)
			h := newHearing(5, 3*s, start)
			for _, e := range tt.events {
				if e.mesh {
					h.meshes.hearForeign(start.Add(e.at), Foreign{Fingerprint: testMesh})
				} else {
					h.seeker(start.Add(e.at), e.seeker)
				}
			}
			if got, wait := h.decide(start.Add(tt.at)); got != tt.want || wait != tt.wait {
				t.Errorf("verdict %d for %v, want %d for %v", got, wait, tt.want, tt.wait)
			}
		})
	}
}

// seekOn runs a seeker on a network of a test.
func seekOn(network *air, instance Instance, address string) (Outcome, error) {
	config := testConfig("")
	s := seeker{
		config: config, log: discard(), ether: &airHost{air: network, own: []Interface{wired(address)}},
		instance: instance,
	}
	return s.run(context.Background())
}

// TestSeekersAtOnce starts nodes without a token beside each other, in every
// order: one founds, and announces the mesh as a node would; the others report
// it, none founds a second.
func TestSeekersAtOnce(t *testing.T) {
	const nodes = 3
	for first := range nodes {
		for _, gap := range []time.Duration{0, 300 * time.Millisecond, 2900 * time.Millisecond} {
			t.Run(fmt.Sprintf("node %d founds, started %v apart", first, gap), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					network := newAir(1, 0.1)
					type result struct {
						node    int
						outcome Outcome
						err     error
					}
					results := make(chan result)
					for n := range nodes {
						time.AfterFunc(time.Duration(n)*gap, func() {
							instance := Instance(1 + (n-first+nodes)%nodes) // first has the smallest
							outcome, err := seekOn(network, instance, fmt.Sprintf("10.0.0.%d/24", n+1))
							results <- result{n, outcome, err}
						})
					}
					founded := -1
					for range nodes {
						r := <-results
						if r.err != nil {
							t.Fatal(r.err)
						}
						if !r.outcome.Found {
							if len(r.outcome.Meshes) == 0 || r.outcome.Meshes[0].Fingerprint != testMesh {
								t.Errorf("node %d does not found, and reports %+v", r.node, r.outcome.Meshes)
							}
							continue
						}
						if founded >= 0 {
							t.Errorf("node %d founds, node %d did already", r.node, founded)
						}
						founded = r.node
						time.Sleep(500 * time.Millisecond) //nolint:forbidigo // virtual: making keys takes a moment
						start(t, testConfig(testMesh), &airHost{air: network, own: []Interface{wired(fmt.Sprintf("10.0.0.%d/24", r.node+1))}},
							newFakeHost(byte(r.node), "/ip4/0.0.0.0/tcp/4801"), newEar())
					}
					if founded < 0 {
						t.Error("nobody founds")
					}
				})
			})
		}
	}
}

// TestSeekBesideMesh shows that a node without a token hears a mesh that has
// gone quiet, soon enough, and where it may be joined.
func TestSeekBesideMesh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		config := testConfig(testMesh)
		config.Name = "hall"
		d, _ := start(t, config, &airHost{air: network, own: []Interface{wired("10.0.0.1/24")}},
			newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), newEar())
		wait(time.Hour)
		began := time.Now()
		got, err := seekOn(network, 1, "10.0.0.2/24")
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want 3s", took)
		}
		if got.Found || got.Deferred || len(got.Meshes) != 1 || got.Meshes[0].Fingerprint != testMesh || got.Meshes[0].Name != "hall" ||
			got.Meshes[0].Address != netip.MustParseAddrPort("10.0.0.1:4801") {
			t.Errorf("outcome %+v, want mesh %s of hall at 10.0.0.1:4801", got, testMesh)
		}
		if refused := d.Status().Lanes[0].Refused[RefusedFlood]; refused != 0 {
			t.Errorf("%d questions of one seeker were too many", refused)
		}
	})
}

// TestSeekAlone covers the first node of all, and one that is stopped.
func TestSeekAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got, err := seekOn(newAir(1, 0), 1, "10.0.0.2/24"); err != nil || !got.Found || got.Deferred {
			t.Errorf("outcome %+v, error %v; want to found", got, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := seeker{config: testConfig(""), log: discard(), ether: &airHost{air: newAir(1, 0)}, instance: 1}
		if got, err := s.run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outcome %+v, error %v; want the context's error", got, err)
		}
	})
}
