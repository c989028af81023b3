package inference

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ganglion/inference/topology"
)

// MaxThresholdsText bounds the text of thresholds, in bytes: of two exits, each with a value
// of 17 digits for every view that a topology may have.
const MaxThresholdsText = 4096

// textExits are the exits that may have thresholds, in the order of their text.
var textExits = [...]topology.Exit{topology.ExitLocal, topology.ExitEdge}

// String is the thresholds as text, which [ParseThresholds] reads back as the same: the exits
// in their order with semicolons between them, of each the values by number of views seen
// with commas between them, up to the one that holds for all that follow.
//
//	local=0.41,0.5;edge=0.7
//
// Equal thresholds have equal texts; without an exit that has any it is empty.
func (t Thresholds) String() string {
	var b strings.Builder
	for _, exit := range textExits {
		values := t.bySeen[exit]
		if len(values) == 0 {
			continue
		}
		for len(values) > 1 && values[len(values)-2] == values[len(values)-1] {
			values = values[:len(values)-1]
		}
		if b.Len() > 0 {
			b.WriteByte(';')
		}
		b.WriteString(exit.String())
		for i, v := range values {
			b.WriteByte("=,"[min(i, 1)])
			b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	return b.String()
}

// ParseThresholds reads the text of thresholds, as people may have written it too: exits in
// any order, spaces around any part. It checks all that can be checked without the network
// that they are for, which is for [Thresholds.Fit].
func ParseThresholds(text string) (Thresholds, error) {
	if len(text) > MaxThresholdsText {
		return Thresholds{}, fmt.Errorf("thresholds: %d bytes of text, at most %d are allowed", len(text), MaxThresholdsText)
	}
	out := Thresholds{bySeen: map[topology.Exit][]float64{}}
	for part := range strings.SplitSeq(text, ";") {
		name, list, ok := strings.Cut(part, "=")
		if !ok {
			return Thresholds{}, fmt.Errorf("thresholds: %.40q has no values: write them as local=0.5 or local=0.5,0.6", part)
		}
		exit, err := exitOfText(strings.TrimSpace(name))
		if err != nil {
			return Thresholds{}, err
		}
		if out.bySeen[exit] != nil {
			return Thresholds{}, fmt.Errorf("thresholds: exit %s is there twice", exit)
		}
		if out.bySeen[exit], err = parseValues(exit, list); err != nil {
			return Thresholds{}, err
		}
	}
	return out, nil
}

func exitOfText(name string) (topology.Exit, error) {
	i := slices.IndexFunc(textExits[:], func(e topology.Exit) bool { return e.String() == name })
	if i < 0 {
		hint := ""
		if name == topology.ExitCloud.String() {
			hint = ": the last one always answers"
		}
		return 0, fmt.Errorf("thresholds: there is no exit %.40q with thresholds, there are local and edge%s", name, hint)
	}
	return textExits[i], nil
}

func parseValues(exit topology.Exit, list string) ([]float64, error) {
	var values []float64
	for word := range strings.SplitSeq(list, ",") {
		word = strings.TrimSpace(word)
		v, err := strconv.ParseFloat(word, 64) // what is beyond a float64 is infinite, which is refused below
		if err != nil && !errors.Is(err, strconv.ErrRange) || strings.ContainsAny(word, "xX_") {
			return nil, fmt.Errorf("thresholds: exit %s: %.40q is no number such as 0.5", exit, word)
		}
		if v == 0 {
			v = 0 // without a sign
		}
		values = append(values, v)
	}
	return values, checkValues(exit, values)
}

// checkValues is what must hold of the thresholds of one exit, whatever the topology.
func checkValues(exit topology.Exit, values []float64) error {
	if len(values) == 0 || len(values) > topology.MaxViews {
		return fmt.Errorf("thresholds: exit %s has %d values, there may be 1 to %d, one for each number of views seen", exit, len(values), topology.MaxViews)
	}
	for i, v := range values {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("thresholds: exit %s with %d views seen: %v is not in [0, 1]", exit, i+1, v)
		}
		if i > 0 && v < values[i-1] {
			return fmt.Errorf("thresholds: exit %s: %v with %d views seen is under %v with fewer; thresholds must not decrease", exit, v, i+1, values[i-1])
		}
	}
	return nil
}

// Fit reports why thresholds are not for a topology: each of its exits but the last needs
// some, for no more views than it has, and no other exit may have any.
func (t Thresholds) Fit(of *topology.Topology) error {
	_, err := NewThresholds(of, t.bySeen)
	return err
}
