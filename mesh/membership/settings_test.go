package membership

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/proto/wirepb"

	"github.com/google/go-cmp/cmp"
)

func testSettings(t *testing.T, dir string, check func(string, []byte) error) *Settings {
	t.Helper()
	s, err := openSettings(dir, testIdentity(t), check, func(*wirepb.Signed) {}, discard())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSettingsAgree: whatever the order in which settings arrive, and however often,
// all end with the same: without that two halves of a mesh could differ for ever.
func TestSettingsAgree(t *testing.T) {
	identity := testIdentity(t)
	all := []*wirepb.Signed{
		testSetting(t, identity, "rate", 1, []byte("1")),
		testSetting(t, identity, "rate", 2, []byte("2a")),
		testSetting(t, testIdentity(t), "rate", 2, []byte("2b")),
		testSetting(t, identity, "published", 1, []byte("bundle")),
	}
	var first []string
	for shift := range all {
		s := testSettings(t, "", nil)
		for i := range 2 * len(all) {
			if err := s.merge([]*wirepb.Signed{all[(i+shift)%len(all)]}); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, e := range s.All() {
			got = append(got, fmt.Sprintf("%s=%s@%d by %s", e.Key, e.Value, e.Counter, e.Signer))
		}
		if shift == 0 {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("order %d ends otherwise (-first +this):\n%s", shift, diff)
		}
	}
	if len(first) != 2 || !strings.Contains(first[1], "@2 ") {
		t.Errorf("ended with %v, want published and the second rate", first)
	}
}

// TestSettingsOnDisk: denied peers stay denied after a restart, and a new value
// outdoes what was known before it.
func TestSettingsOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := testSettings(t, dir, nil)
	changed, stop := s.Watch()
	defer stop()
	for i := range 3 {
		if err := s.Set("denied", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-changed:
	default:
		t.Error("watcher was not told")
	}
	again := testSettings(t, dir, nil)
	got, ok := again.Get("denied")
	if !ok || !bytes.Equal(got.Value, []byte{2}) || got.Counter != 3 {
		t.Fatalf("after a restart it is %+v", got)
	}
	if err := again.Set("denied", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, _ := again.Get("denied"); got.Counter != 4 {
		t.Errorf("counter is %d, want 4", got.Counter)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("folder holds %v (%v), want one file", files, err)
	}
}

// TestSettingsFileBroken: a file that is no settings is told of with its name and the
// way out, and is not overwritten.
func TestSettingsFileBroken(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, SettingsFile)
	if err := os.WriteFile(path, []byte{0xff, 0xff}, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := openSettings(dir, testIdentity(t), nil, nil, discard())
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("got %v", err)
	}
}

// TestSettingsNotKept: where the disk refuses, nobody is told of a change that the
// next start would have forgotten.
func TestSettingsNotKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	s, err := openSettings(dir, testIdentity(t), nil, func(*wirepb.Signed) { t.Error("others were told") }, discard())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set("rate", []byte("10")); err == nil {
		t.Error("set without a disk")
	}
	if _, ok := s.Get("rate"); ok {
		t.Error("setting holds, though it was refused")
	}
}

// TestSettingsRefuse names each way in which a setting can be wrong. What is refused
// does not keep others that came with it from being taken.
func TestSettingsRefuse(t *testing.T) {
	identity := testIdentity(t)
	forged := testSetting(t, identity, "rate", 9, []byte("9"))
	forged.Signature = bytes.Clone(forged.GetSignature())
	forged.Signature[0] ^= 1
	named, err := sign(identity, purposeSetting, &wirepb.Setting{Key: "rate", Counter: 9, Signer: string(testIdentity(t).ID())})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		signed *wirepb.Signed
		want   error
	}{
		{"forged", forged, ErrSignature},
		{"in another's name", named, ErrSignature},
		{"nothing", nil, ErrMalformed},
		{"garbage", &wirepb.Signed{Body: []byte{0xff}}, ErrMalformed},
		{"no key", testSetting(t, identity, "", 1, nil), ErrMalformed},
		{"key with a space", testSetting(t, identity, "a b", 1, nil), ErrMalformed},
		{"long key", testSetting(t, identity, strings.Repeat("k", KeyBytesMax+1), 1, nil), ErrMalformed},
		{"long value", testSetting(t, identity, "rate", 1, make([]byte, ValueBytesMax+1)), ErrMalformed},
		{"counter that cannot be outdone", testSetting(t, identity, "rate", counterMax+1, nil), ErrMalformed},
		{"no counter", testSetting(t, identity, "rate", 0, nil), ErrMalformed},
		{"unknown key", testSetting(t, identity, "colour", 1, nil), errUnknownKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := testSettings(t, "", func(key string, _ []byte) error {
				if key == "colour" {
					return errUnknownKey
				}
				return nil
			})
			good := testSetting(t, identity, "good", 1, nil)
			if err := s.merge([]*wirepb.Signed{tt.signed, good}); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if all := s.All(); len(all) != 1 || all[0].Key != "good" {
				t.Errorf("settings are %+v, want the good one", all)
			}
		})
	}
}

var errUnknownKey = errors.New("unknown key")

// TestSettingsAreBounded: a member that fills the table must not fill the memory, nor
// keep known keys from being changed.
func TestSettingsAreBounded(t *testing.T) {
	identity := testIdentity(t)
	s := testSettings(t, "", nil)
	if err := s.Set("rate", []byte("10")); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range SettingsMax + 10 {
		value := make([]byte, 64)
		if i < 40 {
			value = make([]byte, ValueBytesMax)
		}
		if err := s.merge([]*wirepb.Signed{testSetting(t, identity, fmt.Sprintf("key-%d", i), 1, value)}); err != nil {
			if !errors.Is(err, ErrFull) {
				t.Fatal(err)
			}
			refused++
		}
	}
	size := 0
	for _, e := range s.All() {
		size += e.sizeBytes()
	}
	if refused == 0 || size > SettingsBytesMax || len(s.All()) > SettingsMax {
		t.Errorf("%d settings of %d bytes, %d refused", len(s.All()), size, refused)
	}
	if err := s.Set("rate", []byte("20")); err != nil {
		t.Errorf("known key in a full table: %v", err)
	}
}
