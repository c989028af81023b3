package roles

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	update   = flag.Bool("update", false, "rewrite the transcripts of testdata")
	seeds    = flag.Uint64("seeds", 20, "runs of random scenarios, and a tenth of it of each scenario of testdata")
	fromSeed = flag.Uint64("seed", 0, "the first of them")
)

// scripts are the scenarios of testdata.
func scripts(t *testing.T) []*script {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	var out []*script
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseScript(strings.TrimSuffix(filepath.Base(f), ".txt"), string(text))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// TestScenarios plays every scenario of testdata: what happens is what the transcript
// beside it says, to the word, and every invariant holds, with this seed and with others.
func TestScenarios(t *testing.T) {
	for _, s := range scripts(t) {
		t.Run(s.name, func(t *testing.T) {
			w := s.play(t, s.seed, looseness{})
			golden := filepath.Join("testdata", s.name+".golden")
			got := w.transcript()
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("it went otherwise than in %s (rewrite it with -update if it ought to):\n%s", golden, diff)
			}
			for _, fault := range w.broken {
				t.Errorf("seed %d: %s", s.seed, fault)
			}
			for seed := *fromSeed + 1; seed <= *fromSeed+*seeds/10; seed++ {
				if w := s.play(t, seed, looseness{}); len(w.broken) > 0 {
					t.Fatalf("seed %d: %s\n%s", seed, strings.Join(w.broken, "\n"), w.transcript())
				}
			}
		})
	}
}
