package node

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ganglion/mesh"
	"ganglion/node/control"
	"ganglion/node/source"
	"ganglion/roles"
)

// RunPolicy says who begins runs.
type RunPolicy string

// The policies.
const (
	RunAuto   RunPolicy = "auto"   // a coordinator keeps an endless run going
	RunManual RunPolicy = "manual" // runs begin by the control API alone
)

// Limits of the configuration.
const (
	// MaxSources is how many sources a node may have.
	MaxSources = roles.MaxViews
	// MaxCloudDelay is the longest added round trip.
	MaxCloudDelay = 10 * time.Second
	// MaxRate is the most beats a second.
	MaxRate = 10_000
	// DefaultRate is how many beats a second a run has that nobody asked for.
	DefaultRate = 10
)

// Config says what a node is. Start from [DefaultLAN].
type Config struct {
	// Mesh is how the node finds others. Its Name and Dir are filled in by this package.
	Mesh mesh.Config

	// Name is for people; empty: the machine's name and the end of the identity.
	Name string
	// Site is the instance of the topology's views that the node belongs to.
	Site roles.Site
	// Dir is the state directory: identity, token, settings, bundles. It is made where it
	// is not there. Empty: everything is in memory, and gone with the process.
	Dir string

	// Token is the text of the mesh's token. Empty: that of the state directory; where
	// there is none either, the node listens for a mesh and founds one if it hears none.
	Token string
	// Open joins the one mesh without a secret.
	Open bool
	// Found founds a mesh although another is heard.
	Found bool

	// Sources feed views, at most [MaxSources].
	Sources []source.Spec
	// Split of a replayed data set: "test" (what the bundle remembers) or "all".
	Split string
	// Model is a bundle file that becomes the mesh's where none was published.
	Model string

	// Eligible are the roles that the node may have: "aggregator", "cloud". Nil: both.
	Eligible []string
	// Pinned are the roles for which the operator chose this node.
	Pinned []string
	// Class overrides the measured capability class; negative: measure.
	Class int

	// Run says who begins runs of the site.
	Run RunPolicy
	// CloudDelay is the added round trip to the last tier, while this node holds it.
	CloudDelay time.Duration
	// RetentionBytes bounds what the node keeps of samples without a verdict.
	RetentionBytes int

	// API is where the control API is served.
	API netip.AddrPort
	// APITokenFile holds the token that the control API asks for; needed for an API beyond
	// loopback.
	APITokenFile string
	// NoMetrics has the node count nothing for Prometheus.
	NoMetrics bool
	// NoPage has the node serve no page, and answer no calls that only a page makes: Watch
	// and Look.
	NoPage bool

	// AllowChaos lets members do harm to the node on purpose: end or stop its process, cut
	// its network, slow it or have it lose what is sent (package chaos). It is told in the
	// node's record.
	AllowChaos bool
	// Waker is the command line of a process that runs [chaos.Wake] with the arguments that
	// are put behind it: it wakes the node's process after a pause. Empty: the node refuses
	// to be paused.
	Waker []string

	// Version of the program, for people.
	Version string
}

// DefaultLAN is the configuration of a node on one local network.
func DefaultLAN() Config {
	const apiPort = 4802
	return Config{
		Mesh: mesh.DefaultLAN(), Site: "default", Split: "test", Class: -1, Run: RunAuto,
		RetentionBytes: roles.RetentionBytes,
		API:            netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), apiPort),
	}
}

// Validate returns every fault of the configuration, joined, or nil.
func (c *Config) Validate() error {
	served := control.Config{Address: c.API, TokenFile: c.APITokenFile}
	faults := []error{c.Mesh.Validate(), c.Site.Validate(), served.Validate()}
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, list := range []struct {
		what  string
		names []string
	}{{"eligible", c.Eligible}, {"pin", c.Pinned}} {
		if _, err := kindsOf(list.names); err != nil {
			add("%s: %w", list.what, err)
		}
	}
	for _, p := range c.Pinned {
		if c.Eligible != nil && !slices.Contains(c.Eligible, p) {
			add("pin %q: the node is not eligible for it: add it to the eligible roles", p)
		}
	}
	if len(c.Sources) > MaxSources {
		add("%d sources: a node has at most %d", len(c.Sources), MaxSources)
	}
	seen := map[string]bool{}
	for _, s := range c.Sources {
		if s.View != "" && seen[s.View] {
			add("view %q is given to two sources: give each its own", s.View)
		}
		seen[s.View] = true
	}
	switch {
	case c.Split != "test" && c.Split != "all":
		add("split %q: use test or all", c.Split)
	case c.Run != RunAuto && c.Run != RunManual:
		add("run %q: use %s or %s", string(c.Run), RunAuto, RunManual)
	}
	if c.CloudDelay < 0 || c.CloudDelay > MaxCloudDelay {
		add("cloud delay %v: use 0 to %v", c.CloudDelay, MaxCloudDelay)
	}
	if c.Class > maxClass {
		add("class %d: use 0 to %d, or a negative number to measure", c.Class, maxClass)
	}
	if c.RetentionBytes < leastRetention {
		add("retention of %d bytes: use at least %d", c.RetentionBytes, leastRetention)
	}
	if c.Open && c.Token != "" {
		add("open and a token: an open mesh has none, give one of the two")
	}
	return errors.Join(faults...)
}

const (
	maxClass       = 31
	leastRetention = 64 << 10
)

// kindsOf is the set of roles with these names; nil: all that a node may be eligible for.
func kindsOf(names []string) (roles.KindSet, error) {
	if names == nil {
		return roles.Kinds(roles.CloudKind, roles.AggregatorKind), nil
	}
	var set roles.KindSet
	for _, n := range names {
		switch strings.ToLower(n) {
		case roles.CloudKind.String():
			set |= roles.Kinds(roles.CloudKind)
		case roles.AggregatorKind.String():
			set |= roles.Kinds(roles.AggregatorKind)
		default:
			return 0, fmt.Errorf("role %q: use aggregator or cloud", n)
		}
	}
	return set, nil
}
