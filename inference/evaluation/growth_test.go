package evaluation

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Figure 8 of the paper adds devices from the worst to the best: each step must be
// what the network answers from these views alone, and the last one the report's
// accuracy.
func TestGrowth(t *testing.T) {
	for _, preset := range []string{"a", "c", "f"} {
		t.Run(preset, func(t *testing.T) {
			top := paperTopology(t, preset, 3)
			b, set := untrained(t, top), scene(t, top)
			r, err := Run(context.Background(), b, set, Every(set), SplitAll)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Growth) != 3 {
				t.Fatalf("%d steps, want 3", len(r.Growth))
			}
			for i, g := range r.Growth {
				overall, noView := plainly(b, set, top.AllViews()&^setOf(g.Views), b.Thresholds())
				if g.Overall != overall || g.NoView != noView || len(g.Views) != i+1 || g.Views[i] != g.Added {
					t.Errorf("step %d: %+v, want overall %v, %d without a view", i, g, overall, noView)
				}
				if i > 0 && top.Local != nil && g.Alone < r.Growth[i-1].Alone {
					t.Errorf("view %d, %v alone, is added after one that is better", g.Added, g.Alone)
				}
			}
			if last := r.Growth[2]; last.Overall != r.Accuracy.Overall || last.Cloud != r.Accuracy.Cloud || last.NoView != r.NoView {
				t.Errorf("with all views %+v, the report says %+v", last, r.Accuracy)
			}
		})
	}
}

// A device without an exit is ranked by what the network makes of it alone.
func TestWorstFirst(t *testing.T) {
	nan := Number(math.NaN())
	devices := []DeviceAccuracy{{OfAllAccuracy: 0.5}, {OfAllAccuracy: 0.2}, {OfAllAccuracy: 0.5}, {OfAllAccuracy: 0.4}}
	if got := worstFirst(devices, nil); !slices.Equal(got, []int{1, 3, 0, 2}) {
		t.Errorf("order %v, want 1 3 0 2: of equals the lower view first", got)
	}
	mute := []DeviceAccuracy{{OfAllAccuracy: nan}, {OfAllAccuracy: nan}}
	if got := worstFirst(mute, []Left{{OfAll: 0.9}, {OfAll: 0.1}}); !slices.Equal(got, []int{1, 0}) {
		t.Errorf("order %v, want 1 0", got)
	}
}

// A node that is lost takes all its views along: what is left must be what the
// network answers without them.
func TestNodesLost(t *testing.T) {
	top := paperTopology(t, "c", 4)
	b, set := untrained(t, top), scene(t, top)
	r, err := RunWith(context.Background(), b, set, Options{Samples: Every(set), Split: SplitAll, Together: [][]int{{3, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	var nodes [][]int
	for _, n := range r.Nodes {
		nodes = append(nodes, n.Views)
		if overall, noView := plainly(b, set, setOf(n.Views), b.Thresholds()); n.Overall != overall || n.NoView != noView {
			t.Errorf("without %v: %v and %d without a view, want %v and %d", n.Views, n.Overall, n.NoView, overall, noView)
		}
	}
	if diff := cmp.Diff([][]int{{0}, {1, 3}, {2}}, nodes); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	for name, together := range map[string][][]int{
		"there is no view 4": {{0, 4}}, "view 1 is named twice": {{0, 1}, {1, 2}}, "has no views": {{}},
	} {
		_, err := RunWith(context.Background(), b, set, Options{Samples: Every(set), Together: together})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("together %v: error %v, want %q in it", together, err, name)
		}
	}
}
