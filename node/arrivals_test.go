package node

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"ganglion/roles"
)

// Who follows a node that fetches the log of others must see what falls now before what fell
// long ago, all of it once, and be told where it was too slow: a hundred thousand old verdicts
// stood before each live one, for seconds.
func TestFollowersSeeLiveFirst(t *testing.T) {
	of := func(kind string, n int) (out []*roles.Published) {
		for i := range n {
			out = append(out, &roles.Published{Seq: roles.Seq{N: uint64(i)}, Sealed: &roles.Sealed{Sample: roles.SampleID{Site: roles.Site(kind)}}})
		}
		return out
	}
	a := newArrivals()
	from := a.end()
	const late, most = 10 * arrivalsFilled, 8
	a.add(nil, of("late", late))
	a.add(of("live", 2*most), nil)
	a.gap("gap", roles.Gap{})
	var told []string
	for range 2 {
		some, next, lost, err := a.wait(t.Context(), from, most)
		if err != nil || lost != 0 {
			t.Fatal(lost, err)
		}
		if n := len(some); n != most+arrivalsFilled || some[0].site != "live" || some[most-1].site != "live" || some[most].site != "late" {
			t.Errorf("%d lines, %s to %s: want live ones first, and %d late ones behind", n, some[0].site, some[n-1].site, arrivalsFilled)
		}
		for _, one := range some {
			told = append(told, fmt.Sprint(one.site, one.published.Seq.N))
		}
		from = next
	}
	for from != a.end() {
		some, next, _, _ := a.wait(t.Context(), from, most)
		for _, one := range some {
			if one.gap == nil {
				told = append(told, fmt.Sprint(one.site, one.published.Seq.N))
			}
		}
		from = next
	}
	if slices.Sort(told); len(told) != late+2*most || len(slices.Compact(told)) != len(told) {
		t.Errorf("%d lines, want each of %d once", len(told), late+2*most)
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if some, _, _, err := a.wait(ended, from, most); err == nil {
		t.Errorf("%d lines where nothing came", len(some))
	}
	a.add(nil, of("late", arrivalsKept+5))
	a.add(of("live", arrivalsKept+7), nil)
	if _, _, lost, _ := a.wait(t.Context(), from, most); lost != 12 {
		t.Errorf("%d lines are said to be lost, want 12", lost)
	}
}
