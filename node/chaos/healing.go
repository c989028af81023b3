package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// healAll ends everything that this conductor injected and that can be ended, because the
// plan was ended before its end.
func (c *Conductor) healAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healWait)
	defer cancel()
	var failed []string
	for _, peer := range sortedPeers(c.inForce) {
		h := c.inForce[peer]
		if !h.lasts || time.Now().After(h.until) {
			continue
		}
		if _, err := c.injectInto(ctx, peer, Fault{Do: Heal}); err != nil {
			failed = append(failed, fmt.Sprintf("%s (%v; its node ends the fault by itself in %v)", h.name, err, time.Until(h.until).Round(time.Second)))
			continue
		}
		h.lasts, h.until = false, time.Now()
		c.inForce[peer] = h
		c.summary.Healed = append(c.summary.Healed, h.name)
	}
	if len(c.summary.Healed) > 0 {
		c.to.Remark("ended: " + strings.Join(c.summary.Healed, ", ") + " healed")
	}
	if len(failed) > 0 {
		c.to.Remark("not healed: " + strings.Join(failed, ", "))
	}
}

func sortedPeers(of map[string]harm) []string {
	var peers []string
	for p := range of {
		peers = append(peers, p)
	}
	slices.SortFunc(peers, func(a, b string) int { return strings.Compare(of[a].name+a, of[b].name+b) })
	return peers
}
