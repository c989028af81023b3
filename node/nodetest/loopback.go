package nodetest

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/node"
)

// onLoopback is the machine's own loopback interface, in real time.
type onLoopback struct {
	lo   string // its name
	port uint16 // of the beacon
}

func (l *onLoopback) settle(c *node.Config) {
	c.Mesh.Interfaces, c.Mesh.Port, c.Mesh.BeaconPort = []string{l.lo}, 0, l.port
	c.API = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
}

func (*onLoopback) web(string) *http.Transport { return &http.Transport{} }

func (*onLoopback) patience() (longest, look time.Duration) {
	return Patience, 10 * time.Millisecond
}

func (*onLoopback) ended() {}

// loopback is the name of the loopback interface.
func loopback(t T) string {
	t.Helper()
	interfaces, err := discovery.SystemInterfaces()
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, i := range interfaces {
		if i.Loopback() && len(i.Prefixes) > 0 {
			return i.Name
		}
	}
	t.Fatalf("no loopback interface is up")
	return ""
}

// freePort is a UDP port that nobody uses.
func freePort(t T) uint16 {
	t.Helper()
	probe, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer probe.Close()
	address, err := netip.ParseAddrPort(probe.LocalAddr().String())
	if err != nil {
		t.Fatalf("find a port for the beacon: %v", err)
	}
	return address.Port()
}
