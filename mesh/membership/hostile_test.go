package membership_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ganglion/mesh/membership"
	"ganglion/mesh/meshtest"
	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"

	"google.golang.org/protobuf/proto"
)

// inVirtualTime runs a scenario on a formed cluster.
func inVirtualTime(t *testing.T, size int, scenario func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, lan(), size)
		defer c.close()
		c.joinFirst()
		c.await("forming", 3*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		scenario(c)
	})
}

// hostile is a peer that has the secret and writes bytes of its own.
type hostile struct {
	t    *testing.T
	id   secret.Identity
	host *meshtest.Host
}

func newHostile(t *testing.T, c *cluster) *hostile {
	t.Helper()
	id := newIdentity(t)
	return &hostile{t, id, c.net.Host(id.ID())}
}

// write opens a stream, writes, and returns it.
func (h *hostile) write(to *node, protocol string, data []byte) net.Conn {
	h.t.Helper()
	s, err := h.host.Open(context.Background(), to.Self(), protocol)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := s.Write(data); err != nil {
		h.t.Fatal(err)
	}
	return s
}

const (
	packetsProtocol = "/ganglion/membership/packets/1"
	streamsProtocol = "/ganglion/membership/streams/1"
	recordsProtocol = "/ganglion/membership/records/1"
)

func packet(data []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...)
}

// aliveMessage is memberlist's, about a member, in MessagePack.
func aliveMessage(name string, meta []byte) []byte {
	b := []byte{4, 0x86}
	text := func(s string) { b = append(append(b, 0xa0|byte(len(s))), s...) }
	raw := func(d []byte) { b = append(append(b, 0xda, byte(len(d)>>8), byte(len(d))), d...) }
	text("Incarnation")
	b = append(b, 99)
	text("Node")
	raw([]byte(name))
	text("Addr")
	raw([]byte{127, 0, 0, 1})
	text("Port")
	b = append(b, 1)
	text("Meta")
	raw(meta)
	text("Vsn")
	raw([]byte{1, 5, 5, 0, 0, 0})
	return b
}

// deadMessage says, in the name of one member, that another is dead.
func deadMessage(name, from string) []byte {
	b := []byte{5, 0x83}
	text := func(s string) { b = append(append(b, 0xa0|byte(len(s))), s...) }
	raw := func(d string) { b = append(append(b, 0xda, byte(len(d)>>8), byte(len(d))), d...) }
	text("Incarnation")
	b = append(b, 50)
	text("Node")
	raw(name)
	text("From")
	raw(from)
	return b
}

func signedMeta(t *testing.T, identity secret.Identity, body *wirepb.MemberMeta) []byte {
	t.Helper()
	encoded := marshal(t, body)
	return marshal(t, &wirepb.Signed{Body: encoded, Signature: identity.Sign("member meta", encoded)})
}

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestHostilePeer: each thing that a peer with the secret may send is refused, counted
// under its name, and changes nothing for the others.
func TestHostilePeer(t *testing.T) {
	message := func(m proto.Message) []byte {
		data := marshal(t, m)
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
	}
	tests := []struct {
		name   string
		attack func(h *hostile, victim *node)
		count  func(membership.Refused) uint64
	}{
		{
			"garbage packet",
			func(h *hostile, v *node) { h.write(v, packetsProtocol, packet([]byte{77, 1, 2})) },
			func(r membership.Refused) uint64 { return r.Packets },
		},
		{
			"packet that is too long",
			func(h *hostile, v *node) { h.write(v, packetsProtocol, []byte{0xff, 0xff}) },
			func(r membership.Refused) uint64 { return r.Packets },
		},
		{
			"packet that unpacks",
			func(h *hostile, v *node) { h.write(v, packetsProtocol, packet([]byte{9, 0x82})) },
			func(r membership.Refused) uint64 { return r.Packets },
		},
		{
			"push/pull that announces a million nodes",
			func(h *hostile, v *node) {
				h.write(v, streamsProtocol, []byte("\x06\x83\xa5Nodes\xce\x00\x0f\x42\x40\xacUserStateLen\x00\xa4Join\xc3"))
			},
			func(r membership.Refused) uint64 { return r.Streams },
		},
		{
			"push/pull with a NaN",
			func(h *hostile, v *node) {
				h.write(v, streamsProtocol, []byte("\x06\x83\xa5Nodes\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\xacUserStateLen\x00\xa4Join\xc3"))
			},
			func(r membership.Refused) uint64 { return r.Streams },
		},
		{
			"push/pull with a state that is garbage",
			func(h *hostile, v *node) {
				h.write(v, streamsProtocol, []byte("\x06\x83\xa5Nodes\x00\xacUserStateLen\x04\xa4Join\xc3\xff\xff\xff\xff"))
			},
			func(r membership.Refused) uint64 { return r.States },
		},
		{
			"request that is too long",
			func(h *hostile, v *node) { h.write(v, recordsProtocol, []byte{0xff, 0xff, 0xff, 0xff}) },
			func(r membership.Refused) uint64 { return r.Records },
		},
		{
			"setting that nobody signed",
			func(h *hostile, v *node) {
				body := marshal(h.t, &wirepb.Setting{Key: "published", Counter: 9, Signer: string(v.Self())})
				h.write(v, recordsProtocol, message(&wirepb.RecordsRequest{State: &wirepb.MembershipState{
					Settings: []*wirepb.Signed{{Body: body, Signature: make([]byte, 64)}},
				}}))
			},
			func(r membership.Refused) uint64 { return r.Settings },
		},
		{
			"record in another's name",
			func(h *hostile, v *node) {
				body := marshal(h.t, &wirepb.MemberRecord{Counter: 1 << 30, Name: "impostor"})
				h.write(v, recordsProtocol, message(&wirepb.RecordsRequest{State: &wirepb.MembershipState{
					Records: []*wirepb.SignedRecord{{
						Member: string(v.Self()),
						Record: &wirepb.Signed{Body: body, Signature: h.id.Sign("member record", body)},
					}},
				}}))
			},
			func(r membership.Refused) uint64 { return r.Records },
		},
		{
			"member without a name",
			func(h *hostile, v *node) { h.write(v, packetsProtocol, packet(aliveMessage("nobody", nil))) },
			func(r membership.Refused) uint64 { return r.Metas },
		},
		{
			"meta in another's name",
			func(h *hostile, v *node) {
				meta := signedMeta(h.t, h.id, &wirepb.MemberMeta{Version: membership.Version, Counter: 1 << 30, RecordHash: make([]byte, 32)})
				h.write(v, packetsProtocol, packet(aliveMessage(string(v.Self()), meta)))
			},
			func(r membership.Refused) uint64 { return r.Metas },
		},
		{
			"another protocol version",
			func(h *hostile, v *node) {
				meta := signedMeta(h.t, h.id, &wirepb.MemberMeta{Version: 7})
				h.write(v, packetsProtocol, packet(aliveMessage(string(h.id.ID()), meta)))
			},
			func(r membership.Refused) uint64 { return r.Versions },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inVirtualTime(t, 3, func(c *cluster) {
				t := c.t
				h := newHostile(t, c)
				tt.attack(h, c.nodes[1])
				c.await("refusing", time.Second, func() error {
					if s := c.nodes[1].Status(); tt.count(s.Refused) == 0 {
						return fmt.Errorf("refused %+v", s.Refused)
					}
					return nil
				})
				c.steady("being a mesh", 5*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
				if got := len(c.nodes[0].Members()); got != 3 {
					t.Errorf("%d members, want 3", got)
				}
				if all := c.nodes[1].Settings().All(); len(all) != 0 {
					t.Errorf("settings are %+v, want none", all)
				}
			})
		})
	}
}

// TestOtherVersionIsNamed: who runs another version must be told so, with both
// versions, not wonder why it is alone.
func TestOtherVersionIsNamed(t *testing.T) {
	inVirtualTime(t, 2, func(c *cluster) {
		t := c.t
		h := newHostile(t, c)
		meta := signedMeta(t, h.id, &wirepb.MemberMeta{Version: 7})
		h.write(c.nodes[0], packetsProtocol, packet(aliveMessage(string(h.id.ID()), meta)))
		c.await("refusing", time.Second, func() error {
			if c.nodes[0].Status().Refused.Versions == 0 {
				return errors.New("not refused")
			}
			return nil
		})
		fault := membership.Fault{}
		for _, f := range c.nodes[0].Status().Faults {
			if f.Peer == h.id.ID() && f.Kind == "version" {
				fault = f
			}
		}
		version := (*membership.VersionError)(nil)
		if !errors.As(fault.Err, &version) || version.Theirs != 7 || version.Ours != membership.Version {
			t.Errorf("fault is %+v", fault)
		}
	})
}

// TestForgedDeathIsRefuted: a member that declares others dead, or to have left, must
// not be believed while they are connected and object.
func TestForgedDeathIsRefuted(t *testing.T) {
	for name, from := range map[string]func(h *hostile, v *node) string{
		"dead": func(h *hostile, _ *node) string { return string(h.id.ID()) },
		"left": func(_ *hostile, v *node) string { return string(v.Self()) },
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 4, func(c *cluster) {
				t := c.t
				h := newHostile(t, c)
				time.Sleep(5 * time.Second) //nolint:forbidigo // virtual: all are connected by now
				victim := c.nodes[2]
				h.write(c.nodes[0], packetsProtocol, packet(deadMessage(string(victim.Self()), from(h, victim))))
				c.steady("not believing it", 10*time.Second, func() error {
					for _, n := range c.nodes {
						for _, m := range n.Members() {
							if m.State != membership.StateAlive && m.State != membership.StateSuspect {
								return fmt.Errorf("%s sees %s %v", n.name, m.ID, m.State)
							}
						}
					}
					return nil
				})
				c.await("calm", time.Second, see(c.nodes, c.nodes, membership.StateAlive))
			})
		})
	}
}

// TestCloneIsFound: a copied state directory makes two nodes with one identity. Each
// alone looks healthy: somebody must say it, with both addresses.
func TestCloneIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := meshtest.New(1, lan())
		c := &cluster{t: t, net: one}
		defer c.close()
		identity := newIdentity(t)
		original := c.start("original", identity, nil)
		c.start("a", newIdentity(t), nil)
		c.start("b", newIdentity(t), nil)
		c.join(c.nodes[1], original)
		c.join(c.nodes[2], c.nodes[1])
		c.await("forming", 3*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		names := one.Clone(identity.ID())
		cloned := &node{name: "clone", identity: identity, host: names, ended: make(chan error, 1)}
		config := membership.DefaultLAN()
		config.Name = "clone"
		var err error
		cloned.Membership, err = membership.New(config, identity, names, names, logger())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		cloned.stop = stop
		go func() { cloned.ended <- cloned.Run(ctx) }()
		c.nodes = append(c.nodes, cloned)
		c.join(cloned, c.nodes[1])
		c.await("finding the clone", 30*time.Second, func() error {
			for _, n := range c.nodes {
				for _, f := range n.Status().Faults {
					clone := (*membership.CloneError)(nil)
					if errors.As(f.Err, &clone) && clone.Member == identity.ID() {
						if strings.Count(f.Err.Error(), "127.0.0.") != 2 {
							return fmt.Errorf("no two addresses in %w", f.Err)
						}
						return nil
					}
				}
			}
			return errors.New("nobody found it")
		})
	})
}

// TestLostCounterIsLearned: a node that lost its counter, but not its identity, must
// not be refused as a replay for ever: the others tell it.
func TestLostCounterIsLearned(t *testing.T) {
	inVirtualTime(t, 4, func(c *cluster) {
		t := c.t
		first := c.nodes[3]
		for i := range 10 {
			if err := first.SetPayload([]byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second) //nolint:forbidigo // virtual: each is published
		}
		c.kill(first)
		c.await("missing it", 10*time.Second, see(c.live(), []*node{first}, membership.StateDown))
		again := c.start(first.name, first.identity, nil)
		c.join(again, c.nodes[0])
		took := c.await("coming back", 12*time.Second, see(c.live(), c.live(), membership.StateAlive))
		t.Logf("back after %v", took)
		for _, n := range c.live() {
			if s := n.Status(); s.Clone != nil || s.Refused.Clones != 0 {
				t.Errorf("%s took its earlier life for a clone: %v", n.name, s.Faults)
			}
		}
	})
}

// TestDeniedPeerIsGone: the denied are no members, whatever others say, and come back
// when they are denied no more.
func TestDeniedPeerIsGone(t *testing.T) {
	inVirtualTime(t, 4, func(c *cluster) {
		t := c.t
		denied := c.nodes[3]
		rest := c.nodes[:3]
		gone := func() error {
			for _, n := range rest {
				for _, m := range n.Members() {
					if m.ID == denied.Self() {
						return fmt.Errorf("%s sees it %v", n.name, m.State)
					}
				}
			}
			return nil
		}
		for _, n := range rest {
			n.Deny([]membership.MemberID{denied.Self()})
			if err := n.Join(denied.Self()); !errors.Is(err, membership.ErrDenied) {
				t.Errorf("join of a denied peer: %v", err)
			}
		}
		c.steady("staying gone", 10*time.Second, gone)
		for _, n := range rest {
			n.Deny(nil)
		}
		took := c.await("coming back", 30*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		t.Logf("back after %v", took)
	})
}

// TestConfigTellsAllFaults: one run must show all that is wrong.
func TestConfigTellsAllFaults(t *testing.T) {
	err := membership.Config{Name: "a\x1b[2J"}.Validate()
	for _, want := range []string{"name", "probe interval", "push/pull", "rejoin", "suspicion", "debounce"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("faults do not name %s: %v", want, err)
		}
	}
	if err := membership.DefaultLAN().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
	if bytes.Contains([]byte(err.Error()), []byte{0x1b}) {
		t.Error("faults repeat an escape sequence")
	}
}
