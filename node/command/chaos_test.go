package command

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"ganglion/node/chaos"
	"ganglion/proto/controlpb"
)

// Inject takes faults for the node itself and for door, and refuses others as a node does
// that was not told to take any.
func (a *asked) Inject(_ context.Context, q *controlpb.InjectRequest) (*controlpb.InjectResponse, error) {
	if q.GetPeer() != askedPeer && !strings.HasSuffix(q.GetPeer(), "door") {
		return nil, connect.NewError(connect.CodeFailedPrecondition, chaos.ErrNotAllowed)
	}
	a.faults = append(a.faults, q)
	a.lost += a.costs
	return &controlpb.InjectResponse{}, nil
}

// What is asked of a node is what was typed, with what was left out; a fault that ends by
// itself is waited for.
func TestChaosInjects(t *testing.T) {
	a := newAsked()
	ask(t, a)
	began := time.Now()
	out := must(t, "chaos", "slow", "view", "north", "--delay", "120ms", "--for", "300ms")
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("it took %v, and the fault lasts 300ms", took)
	}
	must(t, "chaos", "heal", "aggregator")
	want := []string{"slow by 120ms for 300ms", "heal"}
	var got []string
	for _, q := range a.faults {
		f, err := chaos.FromMessage(q.GetFault())
		if err != nil || q.GetPeer() != askedPeer {
			t.Errorf("asked of %s: %v, %v", q.GetPeer(), f, err)
		}
		got = append(got, f.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, said := range []string{"mesh kx7q2mva, through gate", "slow by 120ms for 300ms: gate (device, aggregator, edge, coordinator)", "slow of gate is over"} {
		if !strings.Contains(out, said) {
			t.Errorf("%q is not in:\n%s", said, out)
		}
	}
}

// A node that takes no faults says what to do about it, and the program fails with that: a
// fault that was not injected must not pass for one that did no harm.
func TestChaosRefused(t *testing.T) {
	ask(t, newAsked())
	code, _, errs := invoke("chaos", "cut", "cloud", "--for", "1s")
	if code != exitFailed || !strings.Contains(errs, "big: ") || !strings.Contains(errs, "--allow-chaos") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	code, _, errs = invoke("chaos", "cut", "nobody", "--for", "1s")
	if code != exitFailed || !strings.Contains(errs, "no live node has that name") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// What is typed wrongly is told before anything is done.
func TestChaosUsage(t *testing.T) {
	t.Setenv("GANGLION_RUN_DIR", t.TempDir())
	plan := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(plan, []byte("- {do: burn, target: a}\n- {do: kill}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		want string
	}{
		{"chaos burn cloud", `unknown verb "burn"`},
		{"chaos kill", "give a target"},
		{"chaos kill cloud --for 3s", "unknown flag: --for"},
		{"chaos cut cloud --for 11m", "cut for 11m0s: give more than zero and at most 10m0s"},
		{"chaos cut cloud --times 3", "3 times: say how far apart, with every"},
		{"chaos kill cloud --every 0s", "--every 0s is nothing: give more than zero, or leave it out"},
		{"chaos kill cloud --every 1s --times 0", "--times 0 is nothing"},
		{"chaos slow cloud --delay 1m", "slow by 1m0s"},
		{"chaos lose cloud --loss 95%", "at most 0.9"},
		{"chaos lose cloud --loss some", "--loss: \"some\" is no share"},
		{"chaos kill 0%", "a share is above 0%"},
		{"chaos run", "give the file of a plan"},
		{"chaos run " + plan, "2 faults:\n  " + plan + ":1: \"burn\" is nothing that can be done to a node"},
		{"chaos wake", "a node starts this by itself"},
	} {
		code, _, errs := invoke(strings.Fields(tt.args)...)
		if code != exitUsage || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit code %d, %s; want %q", tt.args, code, errs, tt.want)
		}
	}
}

// A rehearsal says whom it would strike, and strikes nobody.
func TestChaosDryRun(t *testing.T) {
	a := newAsked()
	ask(t, a)
	plan := filepath.Join(t.TempDir(), "plan.yaml")
	const text = "- {do: kill, target: aggregator}\n- {at: 2s, do: cut, target: cloud}\n- {at: 4s, do: lose, target: 2 of devices, every: 5s, times: 2}\n- {at: 9s, do: pause, target: nobody}\n"
	if err := os.WriteFile(plan, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := invoke("chaos", "run", plan, "--dry-run", "--seed", "7")
	golden(t, "chaos-dry-run", out)
	if code != exitFailed || !strings.Contains(errs, "3 of 4 steps could not be carried out now, the first: step 2: big was not started with --allow-chaos") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if len(a.faults) > 0 {
		t.Errorf("it injected %v", a.faults)
	}
}

// A rehearsal of a plan that can be carried out succeeds, and tells programs of the seed too.
func TestChaosDryRunJSON(t *testing.T) {
	ask(t, newAsked())
	plan := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(plan, []byte("- {do: kill, target: 1 of aggregator}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := `{"at":"0s","do":"kill 1 of aggregator","now":["gate"]}` + "\n" + `{"seed":7}` + "\n"
	if got := must(t, "chaos", "run", plan, "--dry-run", "--seed", "7", "--json"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Programs read one object a line, the last of which sums up.
func TestChaosJSON(t *testing.T) {
	ask(t, newAsked())
	lines := strings.Split(strings.TrimSpace(must(t, "chaos", "lose", "gate", "--for", "200ms", "--seed", "5", "--json")), "\n")
	var first struct {
		Fault *int
		MS    *float64
		What  string
		Text  string
	}
	var last struct {
		Summary *struct {
			Seed    uint64
			Faults  []struct{ Fault struct{ Do string } }
			Failed  []string
			Healed  []string
			Samples *struct{ Lost *uint64 }
		}
	}
	if err := errors.Join(json.Unmarshal([]byte(lines[0]), &first), json.Unmarshal([]byte(lines[len(lines)-1]), &last)); err != nil {
		t.Fatal(err)
	}
	if first.Fault == nil || *first.Fault != 1 || first.MS == nil || first.What != "fault" || first.Text == "" {
		t.Errorf("the first line: %s", lines[0])
	}
	if s := last.Summary; s == nil || s.Seed != 5 || len(s.Faults) != 1 || s.Faults[0].Fault.Do != "lose" || s.Failed == nil || s.Healed == nil {
		t.Errorf("the last line: %s", lines[len(lines)-1])
	}
}

// A token that others may read is one that others may have read: whoever starts a node with
// it is told.
func TestTokenForAllToRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(someToken), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o644: true, 0o640: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		var errs strings.Builder
		if _, err := readTokenFile(path, surroundings{errs: &errs}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(errs.String(), "chmod 600 "+path); got != want {
			t.Errorf("mode %v: said %q", mode, errs.String())
		}
	}
}

// Tally counts the samples of the node's run.
func (a *asked) Tally(context.Context, *controlpb.TallyRequest) (*controlpb.TallyResponse, error) {
	if a.uncounted {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("the run is not known here"))
	}
	return &controlpb.TallyResponse{Run: askedRun, Tally: &controlpb.Tally{Due: 418, Decided: 418 - a.lost, Lost: a.lost}}, nil
}

// A plan that costs a sample fails, so that a script needs not read what is printed.
func TestChaosLoses(t *testing.T) {
	a := newAsked()
	a.lost, a.costs = 3, 2
	ask(t, a)
	code, out, errs := invoke("chaos", "cut", "gate", "--for", "100ms")
	if code != exitFailed || !strings.Contains(errs, "2 samples of run "+askedRun+" were lost") ||
		!strings.Contains(out, "+ 5 lost +") || !strings.Contains(out, "3 of the lost were so before the first fault") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
}

// What was lost before a plan is not its doing.
func TestChaosLostBefore(t *testing.T) {
	a := newAsked()
	a.lost = 3
	ask(t, a)
	if out := must(t, "chaos", "cut", "gate", "--for", "100ms"); !strings.Contains(out, "+ 3 lost +") {
		t.Errorf("it does not say what the run has lost:\n%s", out)
	}
}

// Where nobody can count, nothing was found to be well.
func TestChaosUncounted(t *testing.T) {
	a := newAsked()
	a.uncounted = true
	ask(t, a)
	code, _, errs := invoke("chaos", "cut", "gate", "--for", "100ms")
	if code != exitFailed || !strings.Contains(errs, "whether samples of run "+askedRun+" were lost cannot be said") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	must(t, "chaos", "heal", "gate") // there is nothing to be counted
}
