package roles

import (
	"slices"
	"strings"
	"testing"
)

// The simulator is worth nothing if it would not notice: with one safeguard taken away it
// must find a broken invariant within 200 seeds, with a seed that breaks none where the
// safeguard is there.
func TestPlantedFaults(t *testing.T) {
	tests := []struct {
		name  string
		loose looseness
	}{
		{"fencing: devices follow any claim, and nobody learns that its own is stale", looseness{unfenced: true}},
		{"fencing: a claim decides without what the others answer", looseness{unasked: true}},
		{"seals: verdicts are published before their seals are stored", looseness{unsealed: true}},
		{"retention: devices forget what they have sent", looseness{forgetful: true}},
		{"debounce: a reported death is believed at once", looseness{believing: true}},
		{"deadlines: nobody's silence ends a wait", looseness{endless: true}},
		{"settings: they take effect at the next beat", looseness{hasty: true}},
		{"settings: they take effect at once, and nobody compares what scores are of", looseness{hasty: true, blind: true}},
	}
	const most = 200
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(most) {
				w := randomly(t, seed, tt.loose)
				if len(w.broken) > 0 && len(randomly(t, seed, looseness{}).broken) == 0 {
					t.Logf("seed %d: %s", seed, w.broken[0])
					return
				}
			}
			t.Errorf("not found in %d seeds", most)
		})
	}
}

// Who comes to coordinate without knowing the thresholds of a sample must not judge by others:
// chance hardly leads there, so that it is a scenario which has to notice.
func TestPlantedThresholds(t *testing.T) {
	for _, s := range scripts(t) {
		if s.name != "settings-newcomer-coordinates" {
			continue
		}
		w := s.play(t, s.seed, looseness{unjudged: true})
		if !slices.ContainsFunc(w.broken, func(text string) bool { return strings.HasPrefix(text, "exits by its own thresholds") }) {
			t.Errorf("it was not noticed:\n%s", w.transcript())
		}
		return
	}
	t.Error("there is no such scenario")
}
