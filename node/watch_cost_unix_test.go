//go:build unix

package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganglion/mesh"
	"ganglion/mesh/membership"
	"ganglion/proto/controlpb"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// crowded is a node of its own that takes itself for one of many, and hears verdicts at a rate.
type crowded struct {
	e       *engine
	members int
	url     string
	publish func(n int, change func(*roles.Verdict)) *roles.Published
	heard   int
}

// newCrowded starts it.
func newCrowded(b *testing.B, members int) *crowded {
	b.Helper()
	c := DefaultLAN()
	c.Name, c.Site, c.Found, c.Run, c.Class, c.Eligible = "watched", "hall", true, RunManual, 5, []string{}
	c.Mesh.Interfaces, c.Mesh.Port, c.Mesh.BeaconPort = []string{"lo"}, 0, 45_997
	c.API = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	n, err := New(c, func(string) {}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background()) // ends in the cleanup
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	select {
	case <-n.Ready():
	case err := <-ended:
		b.Fatal(err)
	}
	_, publish := hall(b)
	return &crowded{e: n.api.engine, members: members, url: "http://" + n.apiAddress() + controlpb.NodeServiceWatchProcedure, publish: publish}
}

// fill has the engine know of all the members: it takes them for gone when it looks. It is
// called in the engine.
func (c *crowded) fill() {
	for i := len(c.e.members); i < c.members; i++ {
		id := mesh.MemberID(fmt.Sprintf("12D3KooWCrowd%039d", i))
		record := &wire.Record{Site: "hall", Version: "v1.2.3", Bundles: c.e.plan.loaded()}
		c.e.members = append(c.e.members, memberState{
			Member: mesh.Member{
				ID: id, State: membership.StateAlive, Since: c.e.start,
				Record: &membership.Record{Name: fmt.Sprintf("node-%d", i), Addresses: []netip.AddrPort{
					netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 1, byte(i)}), 4801), netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 4801),
				}},
			},
			peer: roles.Peer(id), record: record,
		})
	}
}

// hear has it hear verdicts for so long, at a rate, as gossip brings them: some at a time.
func (c *crowded) hear(b *testing.B, rate int, long time.Duration) {
	b.Helper()
	const pace = 50 * time.Millisecond
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for range int(long / pace) {
		var of []*roles.Published
		for range rate * int(pace) / int(time.Second) {
			of = append(of, c.publish(c.heard, nil))
			c.heard++
		}
		if err := c.e.do(b.Context(), func() {
			c.fill()
			c.e.heard(c.e.now(), "hall", of)
		}); err != nil {
			b.Fatal(err)
		}
		<-ticker.C
	}
}

// watch has a page watch it until stop is called, which returns what came.
func (c *crowded) watch(b *testing.B) (stop func() (bytesRead int64)) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	frame := append(binary.BigEndian.AppendUint32([]byte{0}, 2), "{}"...)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(frame))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/connect+json")
	response, err := http.DefaultTransport.RoundTrip(r) //nolint:bodyclose // by who reads it
	if err != nil || !strings.HasPrefix(response.Header.Get("Content-Type"), "application/connect") {
		b.Fatalf("watch: %v, %v", response, err)
	}
	read := make(chan int64, 1)
	go func() {
		n, _ := io.Copy(io.Discard, response.Body) // ends with the context
		_ = response.Body.Close()
		read <- n
	}()
	return func() int64 {
		cancel()
		return <-read
	}
}

// spentCPU is the processor time of this process.
func spentCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// liveBytes is what the heap holds when garbage is gone.
func liveBytes() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkWatched is what a page costs its node at 200 verdicts a second and 100 members: each
// second is spent once without a page and once with, in turn. The reader's part is in it, but a
// reader that throws away what it reads takes little. Run it with -benchtime 20x or more.
func BenchmarkWatched(b *testing.B) {
	const members, rate = 100, 200
	for _, pages := range []int{1, 4} {
		b.Run(fmt.Sprintf("pages=%d", pages), func(b *testing.B) {
			c := newCrowded(b, members)
			c.hear(b, rate, time.Second)
			var cost [2]time.Duration // without, with
			var held, read int64
			for b.Loop() {
				for on := range cost {
					var stops []func() int64
					before := liveBytes()
					begun := spentCPU(b)
					for range pages * on {
						stops = append(stops, c.watch(b))
					}
					c.hear(b, rate, time.Second)
					cost[on] += spentCPU(b) - begun
					if on > 0 {
						held = max(held, liveBytes()-before)
					}
					for _, stop := range stops {
						read += stop()
					}
				}
			}
			b.ReportMetric(0, "ns/op") // it is the clock's
			seconds := float64(b.N)
			b.ReportMetric(100*cost[0].Seconds()/seconds, "%core-without")
			b.ReportMetric(100*cost[1].Seconds()/seconds, "%core-with")
			b.ReportMetric(100*(cost[1]-cost[0]).Seconds()/seconds, "%core-more")
			b.ReportMetric(float64(held)/1024, "KB-held")
			b.ReportMetric(float64(read)/1024/seconds, "KB/s")
		})
	}
}
