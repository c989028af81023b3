package membership

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"

	"google.golang.org/protobuf/proto"
)

// SettingsFile is the name of the file of the settings in Config.Dir. They are one mesh's: whoever
// takes the folder to another mesh moves it away first.
const SettingsFile = "settings.pb"

// Setting is one value that the whole mesh shares. It must not be changed.
type Setting struct {
	Key     string
	Value   []byte
	Counter uint64 // at least 1
	Signer  MemberID
	Hash    [sha256.Size]byte // of the signed body; decides between equal counters

	signed *wirepb.Signed
}

// compare orders the settings of one key: what holds is the greatest.
func (s *Setting) compare(o *Setting) int {
	return cmp.Or(cmp.Compare(s.Counter, o.Counter), bytes.Compare(s.Hash[:], o.Hash[:]))
}

// sizeBytes is the room that it takes.
func (s *Setting) sizeBytes() int { return len(s.signed.GetBody()) + len(s.signed.GetSignature()) }

// decodeSetting checks a setting. The errors are [ErrMalformed] and [ErrSignature].
func decodeSetting(signed *wirepb.Signed) (*Setting, error) {
	const bodyBytesMax = ValueBytesMax + KeyBytesMax + 256
	if n := len(signed.GetBody()); n == 0 || n > bodyBytesMax {
		return nil, fmt.Errorf("decode setting: %d bytes, 1 to %d are allowed: %w", n, bodyBytesMax, ErrMalformed)
	}
	var body wirepb.Setting
	if err := unmarshal("setting", signed.GetBody(), &body); err != nil {
		return nil, err
	}
	if err := checkKey(body.GetKey()); err != nil {
		return nil, fmt.Errorf("decode setting: %w", err)
	}
	switch {
	case len(body.GetValue()) > ValueBytesMax:
		return nil, fmt.Errorf("decode setting %q: value of %d bytes, at most %d are allowed: %w", body.GetKey(), len(body.GetValue()), ValueBytesMax, ErrMalformed)
	case body.GetCounter() == 0 || body.GetCounter() > counterMax:
		return nil, fmt.Errorf("decode setting %q: counter %d is not 1 to %d: %w", body.GetKey(), body.GetCounter(), uint64(counterMax), ErrMalformed)
	}
	signer, err := secret.ParseMemberID(body.GetSigner())
	if err != nil {
		return nil, fmt.Errorf("decode setting %q: %w: %w", body.GetKey(), ErrMalformed, err)
	}
	if err := verify(signer, purposeSetting, signed); err != nil {
		return nil, fmt.Errorf("decode setting %q: %w", body.GetKey(), err)
	}
	return &Setting{
		Key: body.GetKey(), Value: body.GetValue(), Counter: body.GetCounter(), Signer: signer,
		Hash: sha256.Sum256(signed.GetBody()), signed: signed,
	}, nil
}

func checkKey(key string) error {
	if key == "" || len(key) > KeyBytesMax {
		return fmt.Errorf("key of %d bytes, 1 to %d are allowed: %w", len(key), KeyBytesMax, ErrMalformed)
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("key %q is not printable ASCII without spaces: %w", key, ErrMalformed)
		}
	}
	return nil
}

// Settings are the values that the whole mesh shares. All methods are safe for
// concurrent use.
type Settings struct {
	identity secret.Identity
	check    func(key string, value []byte) error
	path     string // empty: in memory
	log      *slog.Logger
	told     func(*wirepb.Signed) // of a setting made here
	signals  signals

	edit sync.Mutex // one change at a time, from reading to disk

	mu    sync.RWMutex // guards what follows
	byKey map[string]*Setting
}

// openSettings reads what is on disk.
func openSettings(dir string, identity secret.Identity, check func(string, []byte) error, told func(*wirepb.Signed), log *slog.Logger) (*Settings, error) {
	s := &Settings{identity: identity, check: check, log: log, told: told, byKey: make(map[string]*Setting)}
	if dir == "" {
		return s, nil
	}
	s.path = filepath.Join(dir, SettingsFile)
	data, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load settings: %w", err)
	}
	var state wirepb.MembershipState
	if err := unmarshal("settings", data, &state); err != nil {
		return nil, fmt.Errorf("load settings %s: %w; remove the file to take the settings from the mesh", s.path, err)
	}
	next := maps.Clone(s.byKey)
	for _, signed := range state.GetSettings() {
		if _, err := s.take(next, signed); err != nil {
			log.Warn("setting on disk does not count any more", "file", s.path, "error", err)
		}
	}
	s.byKey = next
	return s, nil
}

// Get returns the setting of a key, if there is one.
func (s *Settings) Get(key string) (Setting, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e, ok := s.byKey[key]; ok {
		return *e, true
	}
	return Setting{}, false
}

// All returns all settings, sorted by key.
func (s *Settings) All() []Setting {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]Setting, 0, len(s.byKey))
	for _, e := range s.byKey {
		all = append(all, *e)
	}
	slices.SortFunc(all, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// Watch returns a channel that gets a value after each change of any setting; changes
// that nobody looked at coalesce. Stop ends it.
func (s *Settings) Watch() (changed <-chan struct{}, stop func()) { return s.signals.listen() }

// Set makes a value the whole mesh's, unless another node sets the key at the same
// time. It returns when it is on disk here; the others hear of it at once if they can
// be reached, else later. The errors are [ErrMalformed], [ErrFull], what
// [Config.CheckSetting] says, and those of the disk.
func (s *Settings) Set(key string, value []byte) error {
	s.edit.Lock()
	defer s.edit.Unlock()
	signed, err := s.next(key, value)
	if err != nil {
		return fmt.Errorf("set %.64q: %w", key, err)
	}
	next := maps.Clone(s.byKey) // only edits change it
	if _, err := s.take(next, signed); err != nil {
		return fmt.Errorf("set %.64q: %w", key, err)
	}
	if err := s.save(next); err != nil {
		return fmt.Errorf("set %.64q: %w", key, err)
	}
	s.swap(next)
	s.told(signed)
	return nil
}

// next signs a setting that outdoes the one there is.
func (s *Settings) next(key string, value []byte) (*wirepb.Signed, error) {
	before, _ := s.Get(key)
	if before.Counter >= counterMax {
		return nil, fmt.Errorf("its counter is used up: %w", ErrFull)
	}
	return sign(s.identity, purposeSetting, &wirepb.Setting{
		Key: key, Counter: before.Counter + 1, Signer: string(s.identity.ID()), Value: value,
	})
}

// merge takes over what outdoes what is here, and returns why others were refused.
func (s *Settings) merge(signed []*wirepb.Signed) error {
	if len(signed) > SettingsMax {
		return fmt.Errorf("merge settings: %d, at most %d are allowed: %w", len(signed), SettingsMax, ErrMalformed)
	}
	s.edit.Lock()
	defer s.edit.Unlock()
	next := maps.Clone(s.byKey)
	changed := false
	var refused []error
	for _, e := range signed {
		took, err := s.take(next, e)
		if err != nil {
			refused = append(refused, err)
		}
		changed = changed || took
	}
	if changed {
		if err := s.save(next); err != nil {
			// The mesh has agreed on it: it holds here too, if only for this life.
			s.log.Error("settings could not be kept on disk", "error", err)
		}
		s.swap(next)
	}
	return errors.Join(refused...)
}

// take puts a setting into a table where it outdoes what is there.
func (s *Settings) take(table map[string]*Setting, signed *wirepb.Signed) (bool, error) {
	if known(table, signed) {
		return false, nil
	}
	e, err := decodeSetting(signed)
	if err != nil {
		return false, err
	}
	if s.check != nil {
		if err := s.check(e.Key, e.Value); err != nil {
			return false, fmt.Errorf("check setting %q of %s: %w", e.Key, e.Signer, err)
		}
	}
	before := table[e.Key]
	if before != nil && e.compare(before) <= 0 {
		return false, nil
	}
	room := SettingsBytesMax - e.sizeBytes()
	for key, other := range table {
		if key != e.Key {
			room -= other.sizeBytes()
		}
	}
	if room < 0 || before == nil && len(table) >= SettingsMax {
		return false, fmt.Errorf("take setting %q of %s: %w", e.Key, e.Signer, ErrFull)
	}
	table[e.Key] = e
	return true, nil
}

// known spares the check of what is here already: most of what is exchanged.
func known(table map[string]*Setting, signed *wirepb.Signed) bool {
	var body wirepb.Setting
	if proto.Unmarshal(signed.GetBody(), &body) != nil {
		return false // its check will tell
	}
	e := table[body.GetKey()]
	return e != nil && bytes.Equal(e.signed.GetBody(), signed.GetBody()) && bytes.Equal(e.signed.GetSignature(), signed.GetSignature())
}

func (s *Settings) swap(next map[string]*Setting) {
	s.mu.Lock()
	s.byKey = next
	s.mu.Unlock()
	s.signals.raise()
}

func (s *Settings) save(table map[string]*Setting) error {
	if s.path == "" {
		return nil
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(&wirepb.MembershipState{Settings: signedOf(table)})
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	if err := writeFile(s.path, data); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return nil
}

// signed returns what others are told.
func (s *Settings) signed() []*wirepb.Signed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return signedOf(s.byKey)
}

func signedOf(table map[string]*Setting) []*wirepb.Signed {
	all := make([]*wirepb.Signed, 0, len(table))
	for _, key := range slices.Sorted(maps.Keys(table)) {
		all = append(all, table[key].signed)
	}
	return all
}
