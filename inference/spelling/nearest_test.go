package spelling_test

import (
	"strings"
	"testing"

	"ganglion/inference/spelling"
)

// An error that names the wrong word sends its reader astray: the nearest is named, and none
// where all are far.
func TestNearest(t *testing.T) {
	known := []string{"filters", "pool", "pools", ""}
	tests := []struct {
		word string
		most int
		want int
	}{
		{"filter", 2, 0},
		{"fliters", 2, 0}, // exchanged letters are two
		{"fliters", 1, -1},
		{"poole", 2, 1}, // as near as pools: the first
		{"pools", 0, 2},
		{"conv", 2, -1},
		{"a", 9, -1}, // nothing of the known word is left
		{strings.Repeat("p", 1<<20), 1 << 21, -1}, // whoever writes a file does not set the cost
	}
	for _, tt := range tests {
		if got := spelling.Nearest(tt.word, known, tt.most); got != tt.want {
			t.Errorf("Nearest(%q, %d) = %d, want %d", tt.word[:min(len(tt.word), 20)], tt.most, got, tt.want)
		}
	}
}

// Whoever writes a key in capitals has not misspelt it by all its letters.
func TestNearestFold(t *testing.T) {
	known := []string{"filters", "MP"}
	for word, want := range map[string]int{"FILTER": 0, "Filtres": 0, "mp": 1, "mpp": 1, "conv": -1} {
		if got := spelling.NearestFold(word, known, 2); got != want {
			t.Errorf("NearestFold(%q) = %d, want %d", word, got, want)
		}
	}
}
