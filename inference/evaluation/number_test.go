package evaluation

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Intervals must be Wilson's, not one of the many others: the values are those that
// Newcombe (Statistics in Medicine 17, 1998, table I, method 3) publishes.
func TestWilsonIsThePublished(t *testing.T) {
	tests := []struct {
		name      string
		right, n  int
		low, high float64
	}{
		{"many", 81, 263, 0.2553, 0.3662},
		{"some", 15, 148, 0.0624, 0.1605},
		{"none right", 0, 20, 0.0000, 0.1611},
		{"one right", 1, 29, 0.0061, 0.1718},
		{"all right", 20, 20, 0.8389, 1.0000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Wilson(tt.right, tt.n)
			if math.Abs(float64(got[0])-tt.low) > 5e-5 || math.Abs(float64(got[1])-tt.high) > 5e-5 {
				t.Errorf("Wilson(%d, %d) = %.4f, want [%.4f %.4f]", tt.right, tt.n, got, tt.low, tt.high)
			}
		})
	}
	if got := Wilson(0, 20); got[0] != 0 {
		t.Errorf("none right: the interval begins at %v, want 0 exactly", got[0])
	}
	if got := Wilson(0, 0); !math.IsNaN(float64(got[0])) || !math.IsNaN(float64(got[1])) {
		t.Errorf("of no trials: %v, want NaN", got)
	}
}

// JSON has no NaN: what was not measured must be null, in both directions.
func TestNumberJSON(t *testing.T) {
	for _, tt := range []struct {
		number Number
		text   string
	}{{0.25, "0.25"}, {Number(math.NaN()), "null"}, {0, "0"}} {
		text, err := json.Marshal(tt.number)
		if err != nil || string(text) != tt.text {
			t.Errorf("%v is %s (%v), want %s", float64(tt.number), text, err, tt.text)
		}
		back := Number(7)
		if err := json.Unmarshal(text, &back); err != nil {
			t.Errorf("read %s: %v", text, err)
		}
		if back != tt.number && !(math.IsNaN(float64(back)) && math.IsNaN(float64(tt.number))) {
			t.Errorf("%s read back is %v, want %v", text, float64(back), float64(tt.number))
		}
	}
	if text, _ := json.Marshal(Number(math.Inf(1))); string(text) != "null" {
		t.Errorf("infinity is %s, want null", text)
	}
}

// sameNumber compares figures, NaN being equal to itself.
var sameNumber = cmp.Comparer(func(a, b Number) bool {
	return a == b || math.IsNaN(float64(a)) && math.IsNaN(float64(b))
})
