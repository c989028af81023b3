package link

import (
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// benchPayload is about a view's features in the default topology.
const benchPayload = 160

// measure runs one round trip b.N times and reports, beside the mean and the
// allocations of both ends, the median and the 99th percentile.
func measure(b *testing.B, roundTrip func() error) {
	b.Helper()
	for range 200 { // windows and buffers find their sizes
		if err := roundTrip(); err != nil {
			b.Fatal(err)
		}
	}
	times := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		began := time.Now()
		if err := roundTrip(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(began))
	}
	b.StopTimer()
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1000, "p50-us")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds())/1000, "p99-us")
}

// BenchmarkRoundTrip sets a request on a link beside the same bytes over plain TCP,
// the least that it could cost, and over a stream of its own, libp2p's usual way. An
// impairable link must cost what a plain one does; an impaired one is there to be slow.
// Both ends are in this process.
func BenchmarkRoundTrip(b *testing.B) {
	payload := make([]byte, benchPayload)
	b.Run("tcp", func(b *testing.B) { benchmarkTCP(b, payload) })
	b.Run("link", func(b *testing.B) { benchmarkLink(b, payload, handles(b, kindEcho, benchPayload, echo), Impairment{}) })
	b.Run("impairable", func(b *testing.B) { benchmarkLink(b, payload, impairable(b, nil), Impairment{}) })
	b.Run("impaired", func(b *testing.B) { benchmarkLink(b, payload, impairable(b, nil), Impairment{Delay: 1}) })
	b.Run("stream", func(b *testing.B) { benchmarkStream(b, payload) })
}

// benchmarkLink has both ends impaired alike, where they are.
func benchmarkLink(b *testing.B, payload []byte, o options, i Impairment) {
	b.Helper()
	x, y := pair(b, o, o)
	if i != (Impairment{}) {
		set(b, x, i)
		set(b, y, i)
	}
	ctx := b.Context()
	measure(b, func() error {
		_, err := x.Request(ctx, y.Self(), kindEcho, payload, benchPayload)
		return err
	})
}

func benchmarkTCP(b *testing.B, payload []byte) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a benchmark
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buffer := make([]byte, len(payload))
		for {
			if _, err := io.ReadFull(c, buffer); err != nil {
				return
			}
			if _, err := c.Write(buffer); err != nil {
				return
			}
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // of a benchmark
	if err != nil {
		b.Fatal(err)
	}
	buffer := make([]byte, len(payload))
	measure(b, func() error {
		if _, err := c.Write(payload); err != nil {
			return err
		}
		_, err := io.ReadFull(c, buffer)
		return err
	})
	if err := c.Close(); err != nil {
		b.Error(err)
	}
	<-done
}

func benchmarkStream(b *testing.B, payload []byte) {
	b.Helper()
	const name = "/ganglion/test/1"
	x, y := start(b, options{}), start(b, options{})
	introduce(b, x.Host, y.Host)
	y.Accept(name, func(s *Stream) {
		buffer := make([]byte, len(payload))
		_, err := io.ReadFull(s, buffer)
		if err == nil {
			_, err = s.Write(buffer)
		}
		if err != nil {
			_ = s.Reset()
			return
		}
		_ = s.Close() // the other end finds out
	})
	ctx := b.Context()
	buffer := make([]byte, len(payload))
	measure(b, func() error {
		s, err := x.Open(ctx, y.Self(), name)
		if err != nil {
			return err
		}
		_, err = s.Write(payload)
		if err == nil {
			_, err = io.ReadFull(s, buffer)
		}
		return errors.Join(err, s.Close())
	})
}

// BenchmarkSend is the cost of sending without waiting, by how much it is batched:
// frames a second, and the socket's bytes for each.
func BenchmarkSend(b *testing.B) {
	payload := make([]byte, benchPayload)
	got := 0
	var want int
	done := make(chan struct{}, 1)
	x, y := pair(b, options{}, handles(b, kindNote, benchPayload, func(Message) {
		if got++; got == want {
			done <- struct{}{}
		}
	}))
	got, want = 0, b.N
	before := x.Traffic()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for {
			err := x.Send(y.Self(), kindNote, payload)
			if err == nil {
				break
			}
			if !errors.Is(err, ErrQueueFull) {
				b.Fatal(err)
			}
			if err := x.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	<-done
	b.StopTimer()
	b.ReportMetric(float64(x.Traffic().Sub(before).Socket.SentBytes)/float64(b.N), "socket-B/op")
}

// BenchmarkFrame is the codec alone.
func BenchmarkFrame(b *testing.B) {
	payload := make([]byte, benchPayload)
	buffer := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buffer = appendFrame(buffer[:0], header{kind: 3, request: 70_000, acknowledged: 12345, held: time.Millisecond}, payload)
		if _, _, err := parseHeader(buffer[2:2+headerBytesMax], len(buffer)-2); err != nil {
			b.Fatal(err)
		}
	}
}
