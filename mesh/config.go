package mesh

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/membership"
	"ganglion/mesh/secret"

	"github.com/prometheus/client_golang/prometheus"
)

// roundTripLongest is the longest [Config.RoundTripMax] that makes sense: beyond it a
// member would take ten seconds to be missed.
const roundTripLongest = 2 * time.Second

// Config says how a node takes part in its mesh. Start from [DefaultLAN].
type Config struct {
	// Name is this node's name for people, shown in clear to whoever listens on the
	// network: printable UTF-8, at most [discovery.MaxNameBytes], may be empty.
	Name string
	// Dir is an existing folder of this node alone. It keeps the settings, the counter
	// of the record and the last known peers. Empty keeps them in memory.
	Dir string
	// Interfaces names the network interfaces that may be used at all, as the system
	// names them. Empty: all but those of containers and tunnels.
	Interfaces []string
	// Port is the TCP port; where it is taken any free one is used. 0: any free one.
	Port uint16
	// BeaconPort is the UDP port that all nodes of the mesh share.
	BeaconPort uint16
	// Join are places where a member may be: host, host:port or a multiaddress. At most
	// [discovery.MaxJoin].
	Join []string
	// Without are ways of discovery that are not to be used.
	Without []discovery.Way
	// Sockets, if not nil, carry this node's connections in place of the machine's TCP: a
	// network in memory, as package meshtest has one. Interfaces must be empty then, and a
	// node is found by Join alone.
	Sockets link.Sockets
	// RoundTripMax is the longest round trip to expect to any member, at most 2 s.
	// Beyond 100 ms, whatever waits for an answer waits longer in proportion, and so
	// does whoever waits for a death to be noticed.
	RoundTripMax time.Duration
	// Impairable allows [Mesh.Impair].
	Impairable bool
	// Metrics, if not nil, is where libp2p registers its own metrics; see
	// [link.Config.Metrics].
	Metrics prometheus.Registerer
	// CheckSetting, if not nil, returns why a setting must not be. It is asked for the
	// keys that are not the mesh's own, of own settings and received ones, and must be
	// pure. Nil allows all.
	CheckSetting func(key string, value []byte) error
}

// DefaultLAN returns the configuration for nodes on one local network.
func DefaultLAN() Config {
	return Config{
		Port:         link.DefaultPort,
		BeaconPort:   discovery.DefaultPort,
		RoundTripMax: membership.DefaultLAN().RoundTripMax,
	}
}

// Validate returns every fault of the configuration, joined, or nil.
func (c Config) Validate() error {
	var faults []error
	members := c.membership()
	members.Name = "" // discovery has the narrower rule for it
	if c.RoundTripMax <= 0 || c.RoundTripMax > roundTripLongest {
		faults = append(faults, fmt.Errorf("round trip maximum is %v: give more than zero and at most %v", c.RoundTripMax, roundTripLongest))
	} else {
		faults = append(faults, members.Validate())
	}
	if c.Dir != "" {
		if info, err := os.Stat(c.Dir); err != nil {
			faults = append(faults, fmt.Errorf("use folder of the mesh: %w; make it first", err))
		} else if !info.IsDir() {
			faults = append(faults, fmt.Errorf("use folder of the mesh: %s is no folder", c.Dir))
		}
	}
	faults = append(faults, c.link().Validate(), c.discovery(secret.OpenKeys()).Validate())
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("configure mesh: %w", err)
	}
	return nil
}

// slower stretches a time that is right for the round trips of a local network.
func (c Config) slower(d time.Duration) time.Duration {
	return max(d, time.Duration(float64(d)*float64(c.RoundTripMax)/float64(DefaultLAN().RoundTripMax)))
}

func (c Config) link() link.Config {
	l := link.DefaultLAN()
	l.Port, l.Interfaces = c.Port, c.Interfaces
	l.Sockets, l.Impairable, l.Metrics = c.Sockets, c.Impairable, c.Metrics
	l.DialTimeout = c.slower(l.DialTimeout)
	if len(c.Interfaces) == 0 && c.Sockets == nil {
		l.Advertise = new(advertiser).allows
	}
	return l
}

func (c Config) membership() membership.Config {
	m := membership.DefaultLAN()
	m.Name, m.Dir, m.RoundTripMax = c.Name, c.Dir, c.RoundTripMax
	m.ProbeInterval = c.slower(m.ProbeInterval)
	m.StreamTimeout = c.slower(m.StreamTimeout)
	m.CheckSetting = c.checkSetting
	return m
}

// Files are the names of the files in Config.Dir that are of one mesh, and mean nothing in
// another or the wrong thing: whoever takes the folder to another mesh moves them away first.
func Files() []string { return []string{membership.SettingsFile, peersFile} }

const peersFile = "peers.json"

func (c Config) discovery(keys secret.Keys) discovery.Config {
	d := discovery.DefaultLAN()
	d.Name, d.Keys, d.Interfaces, d.Port = c.Name, keys, c.Interfaces, c.BeaconPort
	d.Join, d.Without = c.Join, c.Without
	if c.Dir != "" {
		d.PeersFile = filepath.Join(c.Dir, peersFile)
	}
	return d
}

// checkSetting judges the mesh's own keys, and asks the application about others.
func (c Config) checkSetting(key string, value []byte) error {
	if key == DeniedKey {
		_, err := ParseDenied(value)
		return err
	}
	if c.CheckSetting == nil {
		return nil
	}
	return c.CheckSetting(key, value)
}
