package link

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
)

// limits is libp2p's resource manager, whose refusals say that they are this host's own: a
// dial that it refuses says nothing of the peer.
type limits struct{ network.ResourceManager }

// OpenConnection makes room for a connection.
func (l limits) OpenConnection(dir network.Direction, usefd bool, endpoint ma.Multiaddr) (network.ConnManagementScope, error) {
	scope, err := l.ResourceManager.OpenConnection(dir, usefd, endpoint)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	return scope, nil
}

// resourceManager bounds what peers can make this host hold. libp2p's limits scale
// with the machine; those on connections from one address are made to fit several nodes
// on one machine.
func resourceManager(maxPeers int, counts bool) (network.ResourceManager, error) {
	scaled := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaled)
	const ipv4Bits, ipv6Bits = 32, 64
	options := []rcmgr.Option{
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: ipv4Bits, ConnCount: maxPeers}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: ipv6Bits, ConnCount: maxPeers}},
		),
		rcmgr.WithConnRateLimiters(connectionRates(maxPeers)),
	}
	if !counts {
		options = append(options, rcmgr.WithMetricsDisabled())
	}
	manager, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(scaled.AutoScale()), options...)
	if err != nil {
		return nil, err
	}
	return limits{manager}, nil
}

// connectionRates is how often connections to or from one address are opened. libp2p's own
// limit, one in five seconds after the first sixteen, is for strangers on the internet: here
// it would keep a member from being dialled again after a few failures, and several nodes of
// one machine from starting at once.
func connectionRates(maxPeers int) *rate.Limiter {
	const perSecond, addressBits4, addressBits6 = 20, 32, 128
	limit := rate.Limit{RPS: perSecond, Burst: maxPeers}
	return &rate.Limiter{
		NetworkPrefixLimits: []rate.PrefixLimit{ // no limit
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, {Prefix: netip.MustParsePrefix("::1/128")},
		},
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: addressBits4, Limit: limit}},
			IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: addressBits6, Limit: limit}},
			GracePeriod:      time.Minute,
		},
	}
}
