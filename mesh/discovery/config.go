package discovery

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"ganglion/mesh/secret"
)

// DefaultPort is the UDP port of the beacon, the same number as the TCP port
// that a mesh prefers.
const DefaultPort = 4801

// Version is the version of the beacon's format.
const Version = 1

// MaxJoin is how many addresses a node may be told to join.
const MaxJoin = 32

// Config says how a node finds others. Start from [DefaultLAN].
type Config struct {
	// Name of the node, shown in clear to whoever listens: printable UTF-8 of at
	// most MaxNameBytes, may be empty.
	Name string

	// Keys are the mesh's: of them the fingerprint and the beacon's key are used.
	// Seek ignores them.
	Keys secret.Keys

	// Interfaces restricts everything to the interfaces of these names. Empty:
	// all but those of containers and tunnels. With the loopback interface alone
	// nothing leaves the machine: no multicast, no name service, and only
	// loopback addresses are spoken to.
	Interfaces []string

	// Port is the beacon's UDP port, which every node of a mesh shares.
	Port uint16

	// Join are places where a member may be: host, host:port, or a multiaddress
	// with or without /p2p. Without a port it is DefaultPort. At most MaxJoin.
	Join []string

	// PeersFile keeps the last known members. Empty: none are kept.
	PeersFile string

	// Without are the ways that are not to be used.
	Without []Way

	// First is the gap between a node's first two announcements; each further
	// gap is twice the one before, up to Interval. Both are jittered by a quarter.
	First    time.Duration
	Interval time.Duration

	// Poll is how often the interfaces are looked at for changed addresses.
	Poll time.Duration

	// Repeat is the least time between two reports of one candidate that has not
	// changed.
	Repeat time.Duration

	// Retry is the first wait after an attempt at a Join address, or at the last
	// known peers, that led to no connection; it doubles up to RetryMax.
	Retry    time.Duration
	RetryMax time.Duration

	// Cut tells whether the network is cut on purpose, and gives a channel that is
	// closed when it is time to ask again. While it is cut nothing is announced, and
	// nothing that arrives is heard. Nil: it never is.
	Cut func() (is bool, again <-chan struct{})

	// Listen is how long Seek listens before it lets a node found a mesh, and how
	// long another seeker must be silent to count as gone.
	Listen time.Duration
}

// DefaultLAN returns a configuration for a local network, without a mesh: set
// Keys.
func DefaultLAN() Config {
	return Config{
		Port:     DefaultPort,
		First:    50 * time.Millisecond,
		Interval: 5 * time.Second,
		Poll:     3 * time.Second,
		Repeat:   5 * time.Second,
		Retry:    250 * time.Millisecond,
		RetryMax: 30 * time.Second,
		Listen:   3 * time.Second,
	}
}

// Validate returns every fault of the configuration of a node with a token, or
// nil.
func (c Config) Validate() error {
	faults := []error{c.validateBoth()}
	if !validFingerprint(string(c.Keys.Fingerprint)) || c.Keys.Beacon == [32]byte{} {
		faults = append(faults, errors.New("the keys of the mesh are missing: derive them from its token"))
	}
	if len(c.Join) > MaxJoin {
		faults = append(faults, fmt.Errorf("%d addresses to join: give at most %d, one is enough", len(c.Join), MaxJoin))
	}
	for _, place := range c.Join {
		if _, err := parseTarget(place); err != nil {
			faults = append(faults, err)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"repeat", c.Repeat}, {"retry", c.Retry}, {"retry max", c.RetryMax}} {
		if d.value < time.Millisecond {
			faults = append(faults, fmt.Errorf("%s is %v: give at least 1ms", d.name, d.value))
		}
	}
	if c.RetryMax < c.Retry {
		faults = append(faults, fmt.Errorf("retry max %v is shorter than retry %v", c.RetryMax, c.Retry))
	}
	return wrapFaults(faults)
}

// validateSeek returns every fault that matters to Seek, or nil.
func (c Config) validateSeek() error {
	faults := []error{c.validateBoth()}
	if c.Listen < time.Millisecond {
		faults = append(faults, fmt.Errorf("listen is %v: give at least 1ms", c.Listen))
	}
	return wrapFaults(faults)
}

// validateBoth returns the faults of what both kinds of node need.
func (c Config) validateBoth() error {
	var faults []error
	if !validName(c.Name) {
		faults = append(faults, fmt.Errorf("name %q: give printable UTF-8 of at most %d bytes", c.Name, MaxNameBytes))
	}
	if c.Port == 0 {
		faults = append(faults, errors.New("port is 0: all nodes of a mesh share one beacon port, give it"))
	}
	for i, name := range c.Interfaces {
		if name == "" || slices.Contains(c.Interfaces[:i], name) {
			faults = append(faults, fmt.Errorf("interface %q is empty or given twice", name))
		}
	}
	for _, way := range c.Without {
		if !slices.Contains(Ways(), way) {
			faults = append(faults, fmt.Errorf("unknown way %q: the ways are %q", way, Ways()))
		}
	}
	if c.First < time.Millisecond || c.Interval < c.First {
		faults = append(faults, fmt.Errorf("first gap %v, interval %v: give at least 1ms, and no shorter interval", c.First, c.Interval))
	}
	if c.Poll < 10*time.Millisecond {
		faults = append(faults, fmt.Errorf("poll is %v: give at least 10ms", c.Poll))
	}
	return errors.Join(faults...)
}

// wrapFaults joins what is not nil.
func wrapFaults(faults []error) error {
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("configure discovery: %w", err)
	}
	return nil
}

// uses tells whether a way is to be used.
func (c *Config) uses(way Way) bool { return !slices.Contains(c.Without, way) }

// cut tells whether the network is cut now, and when to ask again.
func (c *Config) cut() (is bool, again <-chan struct{}) {
	if c.Cut == nil {
		return false, nil
	}
	return c.Cut()
}

// netInterface returns the interface as package net describes it.
func (i Interface) netInterface() net.Interface {
	return net.Interface{Name: i.Name, Index: i.Index, Flags: i.Flags}
}
