package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"ganglion/mesh/secret"
)

// Bounds of the file of last known peers.
const (
	maxRemembered  = 64
	maxMemoryBytes = 128 << 10
	memoryVersion  = 1
	keepEvery      = 5 * time.Second // at most, the file is written
)

// memoryFile is the file of last known peers, JSON.
type memoryFile struct {
	Version int          `json:"version"`
	Mesh    string       `json:"mesh"`  // fingerprint
	Peers   []memoryPeer `json:"peers"` // the likeliest first
}

// memoryPeer is a peer in the file.
type memoryPeer struct {
	Peer      string   `json:"peer"`
	Addresses []string `json:"addresses"` // multiaddresses without /p2p
}

// memory keeps the last known peers on disk.
type memory struct {
	path   string // empty: nowhere
	mesh   secret.Fingerprint
	ledger *ledger
	log    *slog.Logger

	mu    sync.Mutex
	peers []peer.AddrInfo // what is to be in the file
	dirty chan struct{}   // holds one if the file is not so yet
}

func newMemory(path string, mesh secret.Fingerprint, l *ledger, log *slog.Logger) *memory {
	return &memory{path: path, mesh: mesh, ledger: l, log: log, dirty: make(chan struct{}, 1)}
}

// load reads the file. One that is damaged, of another mesh or of a later
// version is told and then treated as empty: the other ways find the mesh too.
func (m *memory) load() []peer.AddrInfo {
	peers, err := readMemory(m.path, m.mesh)
	if err != nil {
		m.log.Warn("last known peers are not used, other ways go on", "error", err)
		m.ledger.change(func(s *Status) { s.Remembered.Fault = err.Error() })
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// Members that were reported meanwhile are later news.
	m.peers = merge(m.peers, peers)
	m.ledger.change(func(s *Status) { s.Remembered.Read = len(peers) })
	return peers
}

// remember puts the members in front of what is remembered.
func (m *memory) remember(members []peer.AddrInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	merged := merge(members, m.peers)
	if slices.EqualFunc(merged, m.peers, sameInfo) {
		return
	}
	m.peers = merged
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

// keep writes the file when there is news, and a last time at the end.
func (m *memory) keep(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			select {
			case <-m.dirty:
				m.write()
			default:
			}
			return ctx.Err()
		case <-m.dirty:
			m.write()
		}
		select {
		case <-ctx.Done():
		case <-time.After(keepEvery):
		}
	}
}

// write writes the file and notes how that went.
func (m *memory) write() {
	m.mu.Lock()
	peers := m.peers
	m.mu.Unlock()
	err := writeMemory(m.path, m.mesh, peers)
	m.ledger.change(func(s *Status) {
		if err == nil {
			s.Remembered.Kept, s.Remembered.Fault = len(peers), ""
			return
		}
		s.Remembered.Fault = err.Error()
	})
	if err != nil {
		m.log.Warn("last known peers are not kept: after a restart other ways must find the mesh", "error", err)
	}
}

// merge returns first, then those of rest that are not in it, without peers that
// have no address, within the file's bounds.
func merge(first, rest []peer.AddrInfo) []peer.AddrInfo {
	merged := []peer.AddrInfo{}
	for _, info := range slices.Concat(first, rest) {
		known := slices.ContainsFunc(merged, func(other peer.AddrInfo) bool { return other.ID == info.ID })
		if len(merged) < maxRemembered && !known && len(info.Addrs) > 0 {
			info.Addrs = slices.Clone(info.Addrs[:min(len(info.Addrs), MaxAddresses)])
			merged = append(merged, info)
		}
	}
	return merged
}

// sameInfo tells whether two entries say the same.
func sameInfo(a, b peer.AddrInfo) bool {
	return a.ID == b.ID && slices.EqualFunc(a.Addrs, b.Addrs, func(a, b ma.Multiaddr) bool { return a.Equal(b) })
}

// readMemory returns the peers of a file. A file that is not there is empty.
func readMemory(path string, mesh secret.Fingerprint) ([]peer.AddrInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read last known peers: %w", err)
	}
	if info.Size() > maxMemoryBytes || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read last known peers %s: %d bytes, or no plain file: it is replaced", path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read last known peers: %w", err)
	}
	peers, err := parseMemory(data, mesh)
	if err != nil {
		return nil, fmt.Errorf("read last known peers %s: %w: it is replaced", path, err)
	}
	return peers, nil
}

// parseMemory returns the peers in the bytes of a file.
func parseMemory(data []byte, mesh secret.Fingerprint) ([]peer.AddrInfo, error) {
	var file memoryFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	switch {
	case file.Version != memoryVersion:
		return nil, fmt.Errorf("version %d, want %d", file.Version, memoryVersion)
	case file.Mesh != string(mesh):
		return nil, fmt.Errorf("of mesh %.16q, this is %q", file.Mesh, mesh)
	case len(file.Peers) > maxRemembered:
		return nil, fmt.Errorf("%d peers, at most %d", len(file.Peers), maxRemembered)
	}
	var peers []peer.AddrInfo
	for _, one := range file.Peers {
		id, err := peer.Decode(one.Peer)
		if err != nil {
			return nil, fmt.Errorf("damaged: peer %.80q: %w", one.Peer, err)
		}
		info := peer.AddrInfo{ID: id}
		for _, text := range one.Addresses {
			m, err := ma.NewMultiaddr(text)
			if err != nil {
				return nil, fmt.Errorf("damaged: address %.80q: %w", text, err)
			}
			if _, ok := tcpAddress(m); !ok {
				return nil, fmt.Errorf("damaged: address %.80q is not of an IP address and a TCP port", text)
			}
			info.Addrs = append(info.Addrs, m)
		}
		peers = append(peers, info)
	}
	return merge(peers, nil), nil
}

// writeMemory replaces the file as a whole. It does not wait for the disk: what
// a loss of power damages is ignored, and found again by other ways.
func writeMemory(path string, mesh secret.Fingerprint, peers []peer.AddrInfo) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write last known peers: %w", err)
		}
	}()
	file := memoryFile{Version: memoryVersion, Mesh: string(mesh), Peers: []memoryPeer{}}
	for _, info := range peers {
		one := memoryPeer{Peer: info.ID.String()}
		for _, m := range info.Addrs {
			one.Addresses = append(one.Addresses, m.String())
		}
		file.Peers = append(file.Peers, one)
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = temporary.Write(append(data, '\n'))
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// recall reports the peers that were known before the start: at once, when the
// interfaces change, and while the host is connected to none of them, ever more
// seldom. Once it is connected to one, the members tell of the others.
func (d *Discovery) recall(ctx context.Context) error {
	peers := d.memory.load()
	retry := backoff{first: d.config.Retry, longest: d.config.RetryMax}
	random := newRandom(d.judge.instance - 1)
	for {
		used, changed := d.around.get()
		wait := d.config.RetryMax
		if slices.ContainsFunc(peers, func(p peer.AddrInfo) bool { return d.host.Connected(p.ID) }) {
			retry.reset()
		} else {
			if err := d.recallNow(ctx, peers, used); err != nil {
				return err
			}
			wait = retry.next(random)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			retry.reset()
		case <-time.After(wait):
		}
	}
}

// recallNow reports those of the peers that the interfaces in use may lead to.
func (d *Discovery) recallNow(ctx context.Context, peers []peer.AddrInfo, used []Interface) error {
	for _, p := range peers {
		c := Candidate{Peer: p.ID, Addresses: led(p.Addrs, used), Way: Remembered}
		if len(c.Addresses) == 0 || p.ID == d.host.ID() {
			continue
		}
		select {
		case d.found <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// led returns the addresses that the interfaces in use may lead to.
func led(addresses []ma.Multiaddr, used []Interface) []ma.Multiaddr {
	inside := onlyLoopback(used)
	var list []ma.Multiaddr
	for _, m := range addresses {
		if at, ok := tcpAddress(m); ok && (!inside || at.Addr().IsLoopback()) {
			list = append(list, m)
		}
	}
	return list
}
