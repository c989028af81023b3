package bundles

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/builtin"
)

// made makes a bundle that differs from others by its name, and whose file has that
// many bytes more than the embedded one's.
func made(t testing.TB, name string, more int) *inference.Bundle {
	t.Helper()
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	content := b.Content()
	filling := make([]byte, more)
	for i := range filling { // no chunk like another
		filling[i] = 'a' + byte((i+i/ChunkBytes)%23)
	}
	content.Provenance.Settings = map[string]string{"made": name, "filling": string(filling)}
	if b, err = inference.NewBundle(content); err != nil {
		t.Fatal(err)
	}
	return b
}

func openStore(t testing.TB, folder string, log *bytes.Buffer, inUse ...inference.BundleID) *Store {
	t.Helper()
	var logger *slog.Logger
	if log != nil {
		logger = slog.New(slog.NewTextHandler(log, nil))
	}
	s, err := Open(folder, logger, inUse...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Store, b *inference.Bundle) {
	t.Helper()
	if got, err := s.Put(b.File()); err != nil || got.ID() != b.ID() {
		t.Fatalf("put %s: %v", b.ID().Short(), err)
	}
}

func names(t testing.TB, list []*inference.Bundle) string {
	t.Helper()
	var out []string
	for _, b := range list {
		out = append(out, b.Provenance().GetSettings()["made"])
	}
	return strings.Join(out, " ")
}

// A node that starts anew has what it had, the same order included, and what a peer
// published is not lost with the power.
func TestStoreSurvives(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state", "bundles")
	s := openStore(t, folder, nil)
	if got := s.List(); len(got) != 1 || got[0] != s.Embedded() || !s.Has(s.Embedded().ID()) {
		t.Fatalf("a new store has %d bundles", len(got))
	}
	a, b := made(t, "a", 0), made(t, "b", 0)
	put(t, s, a)
	put(t, s, b)
	put(t, s, a) // once is enough
	put(t, s, s.Embedded())
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(s.path(a.ID()), old, old); err != nil {
		t.Fatal(err)
	}
	again := openStore(t, folder, nil)
	for _, s := range []*Store{s, again} {
		if got := names(t, s.List()); got != " b a" {
			t.Errorf("the bundles are %q", got)
		}
		if got := s.Get(a.ID()); got == nil || !bytes.Equal(got.File(), a.File()) {
			t.Error("a bundle is another than was put")
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if s.Get(inference.BundleID{1}) != nil || s.Has(inference.BundleID{1}) {
		t.Error("a bundle is there that nobody put")
	}
}

// Of many bundles the oldest go, from the disk too; one in use never does, however old.
func TestStoreIsBounded(t *testing.T) {
	folder := t.TempDir()
	s := openStore(t, folder, nil)
	var all []*inference.Bundle
	for i := range 2*MaxKept + 1 {
		b := made(t, string(rune('a'+i)), 0)
		if all = append(all, b); i == 0 {
			s.Use(b.ID())
		}
		put(t, s, b)
		changed := time.Now().Add(time.Duration(i-100) * time.Minute)
		if err := os.Chtimes(s.path(b.ID()), changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	const want = " q p o n m l k a"
	if got := names(t, s.List()); got != want {
		t.Errorf("kept %q, want %q", got, want)
	}
	// A folder that somebody filled by hand is bounded as well.
	for _, b := range all {
		if err := b.Write(filepath.Join(folder, b.ID().String()+extension)); err != nil {
			t.Fatal(err)
		}
		changed := time.Now().Add(-time.Duration(b.ID()[0]) * time.Minute)
		if err := os.Chtimes(s.path(b.ID()), changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	oldest := all[0]
	for _, b := range all {
		if b.ID()[0] > oldest.ID()[0] {
			oldest = b
		}
	}
	for _, store := range []*Store{openStore(t, folder, nil, oldest.ID()), openStore(t, folder, nil, oldest.ID())} {
		if len(store.List()) != MaxKept+1 || !store.Has(oldest.ID()) {
			t.Errorf("%d bundles after a start, the one in use among them: %v", len(store.List()), store.Has(oldest.ID()))
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != MaxKept {
		t.Errorf("the folder holds %d files, %v", len(entries), err)
	}
}

// Large bundles count by their bytes.
func TestExcess(t *testing.T) {
	id := func(n byte) inference.BundleID { return inference.BundleID{n} }
	const half = MaxKeptBytes / 2
	files := []weight{{id(1), half}, {id(2), half}, {id(3), 1}, {id(4), half}}
	for _, tt := range []struct {
		name  string
		inUse []inference.BundleID
		want  []inference.BundleID
	}{
		{"the newest stay", nil, []inference.BundleID{id(3), id(4)}},
		{"those in use come first", []inference.BundleID{id(4)}, []inference.BundleID{id(2), id(3)}},
		{"even if they are too much", []inference.BundleID{id(1), id(2), id(4)}, []inference.BundleID{id(3)}},
	} {
		if diff := cmp.Diff(tt.want, excess(files, tt.inUse)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// What a bad disk or a killed process leaves behind must not be used, nor stay; what
// is not ours, or of a later version, must not be touched.
func TestStoreFindsDamage(t *testing.T) {
	folder := t.TempDir()
	good := made(t, "good", 0)
	flipped, cut := made(t, "flipped", 0), made(t, "cut", 0)
	later := laterFormat()
	name := func(id inference.BundleID) string { return id.String() + extension }
	flip := bytes.Clone(flipped.File())
	flip[len(flip)/2] ^= 1
	files := []struct {
		name    string
		content []byte
		stays   bool
		told    string
	}{
		{name(good.ID()), good.File(), true, ""},
		{name(flipped.ID()), flip, false, "damaged"},
		{name(cut.ID()), cut.File()[:100], false, "damaged"},
		{name(inference.BundleID{2}), good.File(), false, "damaged"}, // a bundle, but not that one
		{name(inference.BundleID{3}), nil, false, "damaged"},
		{name(inference.BundleID{4}), later, true, "left alone"},
		{"." + name(cut.ID()) + ".123", cut.File()[:100], false, ""},
		{"README", []byte("not ours"), true, ""},
		{"corner.ganglion", cut.File()[:100], true, ""},
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(folder, f.name), f.content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	s := openStore(t, folder, &log)
	if got := names(t, s.List()); got != " good" {
		t.Errorf("the bundles are %q", got)
	}
	for _, f := range files {
		_, err := os.Stat(filepath.Join(folder, f.name))
		if stays := err == nil; stays != f.stays {
			t.Errorf("%s stays: %v", f.name, stays)
		}
		told := ""
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, f.name) {
				told = line
			}
		}
		if (told != "") != (f.told != "") || !strings.Contains(told, f.told) {
			t.Errorf("%s: told %q, want %q", f.name, told, f.told)
		}
	}
}

// laterFormat is a bundle file of a format that this version does not know.
func laterFormat() []byte { return reframe([]byte{1 << 3, inference.BundleFormat + 1}) }

// What cannot be used is refused before anything is kept of it.
func TestPutChecks(t *testing.T) {
	folder := t.TempDir()
	s := openStore(t, folder, nil)
	file := bytes.Clone(made(t, "a", 0).File())
	file[len(file)-1] ^= 1
	for _, f := range [][]byte{file, nil, laterFormat()} {
		if b, err := s.Put(f); err == nil || b != nil {
			t.Errorf("put %d bytes: %v", len(f), err)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 || len(s.List()) != 1 {
		t.Errorf("after refusals: %d bundles, %v, %v", len(s.List()), entries, err)
	}
}

// A full disk is a warning that says what to do: the bundle that the mesh wants is used
// all the same. The disk is one on which no file may be longer than 64 KiB.
func TestFullDisk(t *testing.T) {
	runWithFileLimit(t, "TestInFullDisk")
}

func TestInFullDisk(t *testing.T) {
	if os.Getenv("GANGLION_TEST_FULL") == "" {
		t.Skip("runs below TestFullDisk")
	}
	folder := t.TempDir()
	s := openStore(t, folder, nil)
	large := made(t, "large", 1<<20)
	for range 2 {
		b, err := s.Put(large.File())
		var unkept *UnkeptError
		if !errors.As(err, &unkept) || unkept.ID != large.ID() || unkept.Folder != folder || b == nil {
			t.Fatalf("got %v", err)
		}
		if s.Get(large.ID()) != b || len(s.List()) != 2 {
			t.Error("the bundle is not there")
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	put(t, s, made(t, "small", 0)) // there is room for another
}

// In memory alone there is nothing to warn of; a folder that cannot be is an error.
func TestOpenWithoutFolder(t *testing.T) {
	s := openStore(t, "", nil)
	put(t, s, made(t, "a", 0))
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(blocked, "bundles"), nil); err == nil {
		t.Error("a store was opened in a file")
	}
}
