package benchmesh

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
)

// scene is the model and the data that are measured.
type scene struct {
	bundle *inference.Bundle
	set    *dataset.Set
	refs   refs
}

// rendered is the scene, made once: rendering and answering it takes a while.
var rendered = sync.OnceValues(func() (*scene, error) {
	b, err := builtin.Bundle()
	if err != nil {
		return nil, err
	}
	set, err := dataset.Open("street", dataset.Options{})
	if err != nil {
		return nil, err
	}
	r, err := refsOf(b, set)
	return &scene{b, set, r}, err
})

// theScene is the scene, for a test.
func theScene(t *testing.T) (*inference.Bundle, *dataset.Set, refs) {
	t.Helper()
	s, err := rendered()
	if err != nil {
		t.Fatal(err)
	}
	return s.bundle, s.set, s.refs
}

// startFloor serves every view in this process, and returns the aggregator. What the
// devices ended with is checked at the end of the test.
func startFloor(t *testing.T, b *inference.Bundle, set *dataset.Set) *Floor {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group errgroup.Group
	addresses := make([]string, 0, views)
	for v := range views {
		out, in := io.Pipe()
		group.Go(func() error { return errors.Join(ServeFloor(ctx, b, set, v, in), in.Close()) })
		line := make([]byte, 64)
		n, err := out.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, strings.TrimSpace(string(line[:n])))
		group.Go(func() error { _, err := io.Copy(io.Discard, out); return err })
	}
	f, err := DialFloor(ctx, b, addresses)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		cancel()
		if err := group.Wait(); err != nil {
			t.Errorf("floor devices: %v", err)
		}
	})
	return f
}

// A floor that answers anything else than the network does would be a comparison with
// other work.
func TestFloorAnswersAsTheNetwork(t *testing.T) {
	b, set, r := theScene(t)
	f := startFloor(t, b, set)
	s := b.Model().NewScratch()
	pixels := make([][]byte, views)
	for _, ref := range r.local {
		for v := range pixels {
			pixels[v] = set.View(ref, v)
		}
		want := b.Model().Classify(pixels, b.Thresholds(), s)
		took, got, err := f.Ask(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if took <= 0 || got.Answer.Class != want.Class || got.Answer.Seen != want.Seen || got.Answer.Nothing != want.Nothing {
			t.Errorf("sample %d in %v: got %+v, want %+v", ref, took, got.Answer, want)
		}
	}
}

// A sample of another exit must be refused: its time is of less work. One that the data
// does not have must not be answered from another picture.
func TestFloorRefuses(t *testing.T) {
	b, set, r := theScene(t)
	f := startFloor(t, b, set)
	for _, ref := range []int{r.cloud[0], set.Len()} {
		if _, _, err := f.Ask(t.Context(), ref); err == nil {
			t.Errorf("sample %d is answered, want an error", ref)
		}
	}
}

// A device that nobody connects to must end with its context, or it would outlive a bench
// that fails.
func TestFloorDeviceEndsWithContext(t *testing.T) {
	b, set, _ := theScene(t)
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var group errgroup.Group
	group.Go(func() error { return ServeFloor(ctx, b, set, 0, in) })
	if _, err := out.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := group.Wait(); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

// A device that dies must end the measurement with an error, not hang it.
func TestFloorDeviceDies(t *testing.T) {
	b, _, _ := theScene(t)
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var group errgroup.Group
	group.Go(func() error {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		return conn.Close()
	})
	f, err := DialFloor(t.Context(), b, []string{l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, _, err := f.Ask(t.Context(), 0); err == nil {
		t.Error("a sample is answered without a device")
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// Whatever bytes come, a frame is what was appended, or an error without much memory.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendFrame(nil, nil))
	f.Add(appendFrame(nil, []byte("scores")))
	f.Add(appendFrame(nil, []byte("cut short"))[:7])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		payload, err := readFrame(bytes.NewReader(in), nil)
		if err != nil {
			return
		}
		if len(payload) > frameMost || !bytes.HasPrefix(in, appendFrame(nil, payload)) {
			t.Errorf("%d bytes read of %d, which are not theirs", len(payload), len(in))
		}
	})
}
