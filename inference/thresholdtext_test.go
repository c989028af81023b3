package inference

import (
	"strings"
	"testing"

	"ganglion/inference/topology"
)

// Thresholds travel and are typed as text: what is read is what was written, in one form,
// and what no exit rule can use is refused with its reason.
func TestParseThresholds(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"one value", "local=0.5", "local=0.5"},
		{"by views seen", "local=0.25,0.5,1", "local=0.25,0.5,1"},
		{"two exits, in their order", " edge = 0.70 ; local=.5 , 0.6", "local=0.5,0.6;edge=0.7"},
		{"the same for all that follow", "local=0.2,0.5,0.50,0.5", "local=0.2,0.5"},
		{"the same for all", "local=1,1,1", "local=1"},
		{"the ends", "local=0,1e0", "local=0,1"},
		{"minus nothing", "local=-0", "local=0"},
		{"every digit", "local=0.1234567890123456789", "local=0.12345678901234568"},
		{"hardly anything", "local=5e-324", "local=5e-324"},
		{"64 views", "local=0" + strings.Repeat(",0.5", 62) + ",1", "local=0" + strings.Repeat(",0.5", 62) + ",1"},
	} {
		got, err := ParseThresholds(row.text)
		if err != nil || got.String() != row.want {
			t.Errorf("%s: %q is %q, %v; want %q", row.name, row.text, got, err, row.want)
		}
	}
	for _, row := range []struct{ name, text, want string }{
		{"nothing", "", "has no values"},
		{"no sign", "0.5", "has no values"},
		{"no value", "local=", `"" is no number`},
		{"a hole", "local=0.5,,1", `"" is no number`},
		{"a word", "local=high", `"high" is no number`},
		{"hexadecimal", "local=0x1p-1", "is no number"},
		{"the last exit", "cloud=0.5", "the last one always answers"},
		{"another exit", "roof=0.5", "there are local and edge"},
		{"twice", "local=0.5;local=0.6", "twice"},
		{"more than one", "local=1.0000001", "not in [0, 1]"},
		{"less than nothing", "local=-1e-9", "not in [0, 1]"},
		{"not a number", "local=NaN", "not in [0, 1]"},
		{"infinite", "local=Inf", "not in [0, 1]"},
		{"beyond a float", "local=1e999", "not in [0, 1]"},
		{"falling", "local=0.5,0.4", "must not decrease"},
		{"65 views", "local=0" + strings.Repeat(",1", 64), "65 values"},
		{"too long", "local=0." + strings.Repeat("0", MaxThresholdsText), "bytes of text"},
	} {
		if got, err := ParseThresholds(row.text); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %.60q is %q, %v; want an error with %q", row.name, row.text, got, err, row.want)
		}
	}
}

// Whether thresholds are for a network is told before they decide anything.
func TestThresholdsFit(t *testing.T) {
	base := topology.Base{Views: topology.ViewNames(3), Classes: []string{"a", "b"}, Input: topology.Shape{Channels: 3, Rows: 32, Cols: 32}}
	for _, row := range []struct {
		preset, text string
		fits         bool
	}{
		{"c", "local=0.5", true},
		{"c", "local=0.5,0.6,0.7", true},
		{"c", "local=0.5,0.6,0.7,0.8", false},
		{"c", "local=0.5;edge=0.5", false},
		{"c", "edge=0.5", false},
		{"e", "local=0.5;edge=0.5", true},
		{"e", "local=0.5", false},
	} {
		top, err := topology.Preset(row.preset, base)
		if err != nil {
			t.Fatal(err)
		}
		thresholds, err := ParseThresholds(row.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := thresholds.Fit(top); (err == nil) != row.fits {
			t.Errorf("%s for preset %s: %v, want fits %t", row.text, row.preset, err, row.fits)
		}
	}
}

// Whatever comes in, what is accepted can be written and is read back as the same.
func FuzzParseThresholds(f *testing.F) {
	for _, seed := range []string{"local=0.5", "local=0.5,0.6;edge=1", "edge=0;local=1e-9", "local=NaN", " local = -0 ", "local=1;;", "cloud=1", "local=0x1p-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseThresholds(text)
		if err != nil {
			return
		}
		for _, exit := range []topology.Exit{topology.ExitLocal, topology.ExitEdge} {
			last := 0.0
			for i, v := range got.BySeen(exit) {
				if !(v >= last && v <= 1) {
					t.Fatalf("%q was accepted with %v at place %d", text, v, i)
				}
				last = v
			}
		}
		again, err := ParseThresholds(got.String())
		if err != nil || again.String() != got.String() {
			t.Fatalf("%q is %q, which is read as %q, %v", text, got, again, err)
		}
	})
}
