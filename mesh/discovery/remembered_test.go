package discovery

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// at returns the n-th peer at an address.
func at(n byte, address string) peer.AddrInfo {
	return peer.AddrInfo{ID: testPeer(n), Addrs: []ma.Multiaddr{ma.StringCast(address)}}
}

// TestMemorySurvives goes through two lives of a node: the second tries the
// members of the first, and stops when it is connected to one.
func TestMemorySurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	synctest.Test(t, func(t *testing.T) {
		machine := &airHost{air: newAir(1, 0), own: []Interface{wired("10.0.0.1/24")}}
		config := testConfig(testMesh)
		config.PeersFile = path
		config.Without = []Way{MDNS, Beacon}
		first, stop := start(t, config, machine, newFakeHost(1), newEar())
		wait(time.Second)
		first.Remember([]peer.AddrInfo{at(2, "/ip4/10.0.0.2/tcp/4801")})
		first.Remember([]peer.AddrInfo{at(3, "/ip4/10.0.0.3/tcp/4801"), at(2, "/ip4/10.0.0.22/tcp/4801"), {ID: testPeer(9)}})
		stop() // writes what was not yet written

		host, e := newFakeHost(1), newEar()
		second, _ := start(t, config, machine, host, e)
		wait(time.Second)
		_, two := e.heardOf(testPeer(2))
		_, three := e.heardOf(testPeer(3))
		if len(two.Addresses) != 1 || two.Addresses[0].String() != "/ip4/10.0.0.22/tcp/4801" || two.Way != Remembered || len(three.Addresses) != 1 {
			t.Errorf("reported %+v and %+v", two, three)
		}
		if got := second.Status().Remembered; got.Read != 2 || got.Fault != "" {
			t.Errorf("status %+v, want 2 read", got)
		}
		wait(time.Minute)
		again, _ := e.heardOf(testPeer(2))
		if again < 3 {
			t.Errorf("reported %d times in a minute without connection", again)
		}
		host.connect(testPeer(3), true)
		wait(time.Hour)
		if now, _ := e.heardOf(testPeer(2)); now != again {
			t.Errorf("reported %d times more after the mesh was found", now-again)
		}
	})
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, error %v", entries, err)
	}
}

// TestMemoryDamaged shows that no state of the file keeps a node from starting,
// that the doctor is told, and that the file is mended.
func TestMemoryDamaged(t *testing.T) {
	good := fmt.Sprintf(`{"version":1,"mesh":%q,"peers":[{"peer":%q,"addresses":["/ip4/10.0.0.2/tcp/1"]}]}`, testMesh, testPeer(2))
	many := strings.Repeat(fmt.Sprintf(`{"peer":%q,"addresses":[]},`, testPeer(2)), maxRemembered+1)
	tests := []struct {
		name string
		data string
		want string // in the fault
	}{
		{"good", good, ""},
		{"cut off", good[:len(good)/2], "damaged"},
		{"empty", "", "damaged"},
		{"zeros", string(make([]byte, 100)), "damaged"},
		{"later version", strings.Replace(good, ":1,", ":2,", 1), "version 2, want 1"},
		{"another mesh", strings.Replace(good, string(testMesh), "zzzzzzzz", 1), "of mesh"},
		{"a bad peer", strings.Replace(good, testPeer(2).String(), "12D3", 1), "damaged: peer"},
		{"a bad address", strings.Replace(good, "/ip4/10.0.0.2", "/ip4/10.0.0.256", 1), "damaged: address"},
		{"not TCP", strings.Replace(good, "tcp", "udp", 1), "damaged: address"},
		{"too many", `{"version":1,"mesh":"abcdefgh","peers":[` + strings.TrimSuffix(many, ",") + `]}`, "peers, at most"},
		{"too long", strings.Repeat(" ", maxMemoryBytes) + good, "bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "peers.json")
			if err := os.WriteFile(path, []byte(tt.data), 0o600); err != nil {
				t.Fatal(err)
			}
			l := newLedger()
			m := newMemory(path, testMesh, l, discard())
			peers := m.load()
			if got := l.snapshot().Remembered.Fault; !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("fault %q, want %q in it", got, tt.want)
			}
			if (len(peers) == 1) != (tt.want == "") {
				t.Errorf("%d peers", len(peers))
			}
			m.remember([]peer.AddrInfo{at(3, "/ip4/10.0.0.3/tcp/1")})
			m.write()
			if mended, err := readMemory(path, testMesh); err != nil || mended[0].ID != testPeer(3) {
				t.Errorf("after writing: %v, error %v", mended, err)
			}
		})
	}
}

// TestMemoryIsBounded shows that the newest members stay and the oldest go.
func TestMemoryIsBounded(t *testing.T) {
	m := newMemory("", testMesh, newLedger(), discard())
	for n := range byte(200) {
		m.remember([]peer.AddrInfo{at(n, "/ip4/10.0.0.1/tcp/1")})
	}
	if len(m.peers) != maxRemembered || m.peers[0].ID != testPeer(199) || m.peers[maxRemembered-1].ID != testPeer(200-maxRemembered) {
		t.Errorf("%d peers remembered", len(m.peers))
	}
}

// TestMemoryCannotBeWritten covers a full or missing disk: the doctor is told.
func TestMemoryCannotBeWritten(t *testing.T) {
	l := newLedger()
	m := newMemory(filepath.Join(t.TempDir(), "no", "peers.json"), testMesh, l, discard())
	m.write()
	if got := l.snapshot().Remembered.Fault; !strings.Contains(got, "write last known peers") {
		t.Errorf("fault %q", got)
	}
}

// FuzzMemory reads files of anybody's making.
func FuzzMemory(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(`{"version":1,"mesh":%q,"peers":[{"peer":%q,"addresses":["/ip4/10.0.0.2/tcp/1"]}]}`, testMesh, testPeer(2))))
	f.Fuzz(func(t *testing.T, data []byte) {
		peers, err := parseMemory(data, testMesh)
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "peers.json")
		if err := writeMemory(path, testMesh, peers); err != nil {
			t.Fatal(err)
		}
		again, err := readMemory(path, testMesh)
		if err != nil || len(again) != len(peers) {
			t.Errorf("read again: %v, error %v, want %v", again, err, peers)
		}
	})
}
