package roles

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Views are settled without a vote: every node computes the same from the records.
func TestSettleViews(t *testing.T) {
	held := func(v int, c uint64) []HeldView { return []HeldView{{v, c}} }
	tests := []struct {
		name    string
		viewers []Viewer
		self    Peer
		holders []Peer
		lost    map[int]Peer
		take    []HeldView
		spare   int
	}{
		{
			"the older claim keeps the view, whoever is lower",
			[]Viewer{{"a", held(1, 7), 0}, {"b", held(1, 3), 0}},
			"a",
			[]Peer{"", "b", ""},
			map[int]Peer{1: "b"},
			nil, 0,
		},
		{
			"of claims that did not know of one another the lower peer has it",
			[]Viewer{{"b", held(0, 1), 0}, {"a", held(0, 1), 0}},
			"b",
			[]Peer{"a", "", ""},
			map[int]Peer{0: "a"},
			nil, 0,
		},
		{
			"seekers that start together take different views",
			[]Viewer{{"c", nil, 1}, {"a", nil, 1}, {"b", held(0, 4), 0}},
			"c",
			[]Peer{"b", "", ""},
			nil,
			[]HeldView{{2, 5}},
			0,
		},
		{
			"a node with two sources takes two",
			[]Viewer{{"a", nil, 2}, {"b", nil, 2}},
			"b",
			[]Peer{"", "", ""},
			nil,
			[]HeldView{{2, 1}},
			1,
		},
		{
			"a view that the model lacks is nobody's",
			[]Viewer{{"a", held(3, 1), 0}, {"b", held(-1, 1), 0}},
			"a",
			[]Peer{"", "", ""},
			nil, nil, 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := SettleViews(tt.self, tt.viewers, 3)
			if tt.lost == nil {
				tt.lost = map[int]Peer{}
			}
			for _, d := range []string{
				cmp.Diff(tt.holders, got.Holders), cmp.Diff(tt.lost, got.Lost),
				cmp.Diff(tt.take, got.Take), cmp.Diff(tt.spare, got.Spare),
			} {
				if d != "" {
					t.Error(d)
				}
			}
		})
	}
}
