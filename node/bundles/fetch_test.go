package bundles

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"ganglion/inference"
	"ganglion/proto/wirepb"
)

// reframe puts a serialized bundle into the frame of a file, as its writer does.
func reframe(payload []byte) []byte {
	sum := sha256.Sum256(payload)
	return bytes.Join([][]byte{[]byte("ganglion"), sum[:], payload}, nil)
}

// host answers requests; it is what a peer does.
type host func(request []byte) ([]byte, error)

// mesh is peers by name, and how often each was asked.
type mesh struct {
	hosts map[Peer]host
	asked map[Peer]int
}

func (m *mesh) ask(_ context.Context, p Peer, request []byte) ([]byte, error) {
	if m.asked == nil {
		m.asked = map[Peer]int{}
	}
	m.asked[p]++
	return m.hosts[p](request)
}

// honest serves from a store, as a node does.
func honest(t testing.TB, b *inference.Bundle) host {
	t.Helper()
	s := openStore(t, "", nil)
	put(t, s, b)
	return s.Serve
}

// raw answers with parts of any bytes at all, framed as the protocol has it.
func raw(file []byte) host {
	return func(request []byte) ([]byte, error) {
		_, offset, err := decodeRequest(request)
		if err != nil {
			return nil, err
		}
		return encodeChunk(file, offset)
	}
}

// claiming answers with what a function makes of the offset.
func claiming(f func(offset int) *wirepb.Chunk) host {
	return func(request []byte) ([]byte, error) {
		_, offset, err := decodeRequest(request)
		if err != nil {
			return nil, err
		}
		return proto.Marshal(f(offset))
	}
}

// failingAfter answers as another does, a number of times.
func failingAfter(n int, h host) host {
	return func(request []byte) ([]byte, error) {
		if n--; n < 0 {
			return nil, errors.New("connection lost")
		}
		return h(request)
	}
}

func unknown([]byte) ([]byte, error) { return nil, ErrUnknown }

// Whoever of the peers has the bundle, it arrives, and who lied on the way is named and
// nobody else.
func TestFetch(t *testing.T) {
	const size = 5 * ChunkBytes / 2
	wanted := made(t, "wanted", size)
	file := wanted.File()
	wrong := bytes.Clone(file)
	wrong[ChunkBytes+7] ^= 1
	good := honest(t, wanted)
	short := func(offset int) *wirepb.Chunk {
		return &wirepb.Chunk{Total: uint64(len(file)), Data: file[offset : offset+1]}
	}
	endless := func(int) *wirepb.Chunk {
		return &wirepb.Chunk{Total: inference.MaxBundleBytes, Data: make([]byte, ChunkBytes)}
	}
	growing := func(offset int) *wirepb.Chunk {
		return &wirepb.Chunk{Total: uint64(offset + 2*ChunkBytes), Data: make([]byte, ChunkBytes)}
	}
	for _, tt := range []struct {
		name  string
		hosts []host // called p0, p1, ...
		fails bool
		blame string // peers that are blamed, * behind those called dishonest
		asked string // how often each was asked; empty: it does not matter
	}{
		{name: "one that has it", hosts: []host{good}, asked: "3"},
		{name: "the second has it", hosts: []host{unknown, good}, blame: "p0", asked: "1 3"},
		{name: "resumed at the next", hosts: []host{failingAfter(2, good), good}, blame: "p0", asked: "3 1"},
		{name: "lost and found", hosts: []host{failingEvery(2, good)}, blame: "p0"},
		{name: "nobody has it", hosts: []host{unknown, unknown}, fails: true, blame: "p0 p1", asked: "1 1"},
		{name: "nobody to ask", fails: true},
		{name: "wrong bytes", hosts: []host{raw(wrong), good}, blame: "p0*"},
		{name: "wrong bytes alone", hosts: []host{raw(wrong)}, fails: true, blame: "p0*", asked: "3"},
		{name: "wrong bytes among right ones", hosts: []host{failingAfter(2, raw(wrong)), good}, blame: "p0*"},
		{name: "wrong bytes after right ones", hosts: []host{failingAfter(1, good), raw(wrong), unknown}, fails: true, blame: "p0 p1* p2"},
		{name: "poisoned, then one that had no part", hosts: []host{failingAfter(2, raw(wrong)), raw(file[:len(file)-1]), good, good}, blame: "p0* p1*"},
		{name: "short chunks", hosts: []host{claiming(short), good}, blame: "p0", asked: "1 3"},
		{name: "endless", hosts: []host{claiming(endless), good}, blame: "p0*"},
		{name: "growing as it is asked", hosts: []host{claiming(growing), good}, blame: "p0*"},
		{name: "lies about the size", hosts: []host{raw(file[:ChunkBytes]), good}, blame: "p0*"},
		{name: "lies about the size, and is lost", hosts: []host{failingAfter(1, raw(file[:2*ChunkBytes])), good}, blame: "p0*"},
		{name: "lies about the size, and disagreed with", hosts: []host{raw(file[:ChunkBytes+9]), failingAfter(0, nil), good, good}, blame: "p0* p1"},
		{name: "disagreed with first, then lost", hosts: []host{failingAfter(1, raw(file[:2*ChunkBytes])), good, good}, blame: "p0*"},
		{name: "disagrees with the truth", hosts: []host{failingAfter(1, good), raw(file[:2*ChunkBytes]), good}, blame: "p0 p1*"},
		{name: "more than there can be", hosts: []host{claiming(func(int) *wirepb.Chunk {
			return &wirepb.Chunk{Total: 1 << 60, Data: file[:ChunkBytes]}
		}), good}, blame: "p0", asked: "1 3"},
		{name: "nothing at all", hosts: []host{claiming(func(int) *wirepb.Chunk { return &wirepb.Chunk{} }), good}, blame: "p0"},
		{name: "noise", hosts: []host{func([]byte) ([]byte, error) { return []byte("\xff\xff"), nil }, good}, blame: "p0"},
		{name: "a flood", hosts: []host{func([]byte) ([]byte, error) { return make([]byte, 2*ReplyBytesMax), nil }, good}, blame: "p0"},
		{name: "another bundle", hosts: []host{raw(made(t, "other", size).File()), good}, blame: "p0*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &mesh{hosts: map[Peer]host{}}
			var peers []Peer
			for i, h := range tt.hosts {
				p := Peer(fmt.Sprintf("p%d", i))
				m.hosts[p], peers = h, append(peers, p, p) // named twice, asked as one
			}
			last := 0
			b, blames, err := Fetch(t.Context(), wanted.ID(), peers, m.ask, func(have, total int) {
				if have > total || have <= 0 {
					t.Errorf("progress of %d of %d bytes", have, total)
				}
				last = have
			})
			if (err != nil) != tt.fails || err == nil && (b.ID() != wanted.ID() || last != len(file)) {
				t.Fatalf("got %v after %d bytes", err, last)
			}
			if got := blamed(blames); got != tt.blame {
				t.Errorf("blamed %q, want %q: %v", got, tt.blame, blames)
			}
			if failed := (*FetchError)(nil); tt.fails && (!errors.As(err, &failed) || blamed(failed.Blames) != tt.blame) {
				t.Errorf("the error is %v", err)
			}
			var asked []string
			for i := range tt.hosts {
				asked = append(asked, fmt.Sprint(m.asked[Peer(fmt.Sprintf("p%d", i))]))
			}
			if got := strings.Join(asked, " "); tt.asked != "" && got != tt.asked {
				t.Errorf("asked %s times, want %s", got, tt.asked)
			}
		})
	}
}

// failingEvery fails one time in n.
func failingEvery(n int, h host) host {
	i := 0
	return func(request []byte) ([]byte, error) {
		if i++; i%n == 0 {
			return nil, errors.New("try again")
		}
		return h(request)
	}
}

func blamed(blames []Blame) string {
	var names []string
	for _, b := range blames {
		name := string(b.Peer)
		if errors.Is(b.Err, ErrDishonest) {
			name += "*"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// A claim of 64 MiB costs nothing until bytes arrive.
func TestFetchAllocatesWhatArrives(t *testing.T) {
	claim := claiming(func(int) *wirepb.Chunk {
		return &wirepb.Chunk{Total: inference.MaxBundleBytes, Data: make([]byte, ChunkBytes)}
	})
	m := &mesh{hosts: map[Peer]host{"a": failingAfter(1, claim)}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := Fetch(t.Context(), inference.BundleID{1}, []Peer{"a"}, m.ask, nil); err == nil {
		t.Error("a bundle was made of a claim")
	}
	runtime.ReadMemStats(&after)
	const most = 2 << 20
	if grown := after.TotalAlloc - before.TotalAlloc; grown > most {
		t.Errorf("%d bytes were allocated for one chunk of %d", grown, ChunkBytes)
	}
}

// A bundle that this version cannot use is no peer's fault, and asking others for the
// same bytes is of no use.
func TestFetchOfLaterFormat(t *testing.T) {
	file := laterFormat()
	m := &mesh{hosts: map[Peer]host{"a": raw(file), "b": raw(file)}}
	_, blames, err := Fetch(t.Context(), sha256.Sum256(file), []Peer{"a", "b"}, m.ask, nil)
	if !errors.Is(err, inference.ErrNewerFormat) || len(blames) != 0 || m.asked["b"] != 0 {
		t.Errorf("got %v, %v, b was asked %d times", err, blames, m.asked["b"])
	}
}

// A peer that does not answer is left for the next; the end of the context is the end
// of the fetch, and nobody's fault.
func TestFetchEnds(t *testing.T) {
	silent := func(ctx context.Context, _ Peer, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, blames, err := Fetch(t.Context(), inference.BundleID{1}, []Peer{"a", "b"}, silent, nil)
		if waited := time.Since(start); waited != 2*askTimeout || blamed(blames) != "a b" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v, %v", waited, blames, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, blames, err = Fetch(ctx, inference.BundleID{1}, []Peer{"a", "b"}, silent, nil)
		if failed := (*FetchError)(nil); err == nil || errors.As(err, &failed) || len(blames) != 0 {
			t.Errorf("the end of the context: %v, %v", blames, err)
		}
	})
}

// What Serve is asked for may be anything.
func TestServeRefuses(t *testing.T) {
	b := made(t, "a", 10)
	s := openStore(t, "", nil)
	put(t, s, b)
	request := func(id []byte, offset uint64) []byte {
		r, err := proto.Marshal(&wirepb.ChunkRequest{Bundle: id, Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	id, other := b.ID(), inference.BundleID{1}
	for _, tt := range []struct {
		name    string
		request []byte
		want    error
	}{
		{"another bundle", request(other[:], 0), ErrUnknown},
		{"the end", request(id[:], uint64(len(b.File()))), ErrBeyond},
		{"far beyond", request(id[:], 1<<63), ErrBeyond},
		{"half an ID", request(id[:16], 0), ErrMalformed},
		{"no ID", nil, ErrMalformed},
		{"noise", []byte("\xff\xff\xff"), ErrMalformed},
		{"a long one", make([]byte, RequestBytesMax+1), ErrMalformed},
	} {
		if reply, err := s.Serve(tt.request); !errors.Is(err, tt.want) || reply != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	reply, err := s.Serve(request(id[:], uint64(len(b.File())-1)))
	if err != nil {
		t.Fatal(err)
	}
	if total, data, err := decodeChunk(reply, len(b.File())-1); err != nil || total != len(b.File()) || len(data) != 1 {
		t.Errorf("the last byte: %d, %d, %v", total, len(data), err)
	}
}

// A request from a peer is anything: what is read of it is within bounds, and asks for
// the same when it is written.
func FuzzDecodeRequest(f *testing.F) {
	whole, err := encodeRequest(inference.BundleID{1, 2, 3}, ChunkBytes)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, request []byte) {
		id, offset, err := decodeRequest(request)
		if err != nil {
			return
		}
		if offset < 0 || offset >= inference.MaxBundleBytes {
			t.Errorf("offset %d", offset)
		}
		written, err := encodeRequest(id, offset)
		if err != nil {
			t.Fatal(err)
		}
		if again, at, err := decodeRequest(written); err != nil || again != id || at != offset {
			t.Errorf("read again: %v", err)
		}
	})
}

// So is a reply: what is taken of it is as long as it must be.
func FuzzDecodeChunk(f *testing.F) {
	whole, err := encodeChunk(make([]byte, 100), 40)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, 40)
	f.Add(whole, 0)
	f.Add(whole[:10], 40)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, reply []byte, offset int) {
		if offset < 0 || offset > inference.MaxBundleBytes {
			return
		}
		total, data, err := decodeChunk(reply, offset)
		if err == nil && (total > inference.MaxBundleBytes || len(data) == 0 || len(data) > ChunkBytes || offset+len(data) > total) {
			t.Errorf("%d bytes from %d on, of %d", len(data), offset, total)
		}
	})
}
