package command

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/node/chaos"
	"ganglion/node/demo"
)

// demoAct is an act in which a camera and the aggregator died.
func demoAct() *demo.Act {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	camera := chaos.Report{
		Number:    1,
		Injection: chaos.Injection{Targets: []chaos.Node{{Name: "device-1", Roles: []string{"device"}, Views: []string{"camera1"}}}},
		Noticed:   []chaos.Entry{{Since: ms(4)}, {Since: ms(2900)}}, First: &chaos.Entry{Since: ms(15)}, LargestGap: ms(50),
	}
	aggregator := chaos.Report{
		Number:    2,
		Injection: chaos.Injection{Targets: []chaos.Node{{Name: "node-7", Roles: []string{"aggregator", "coordinator"}}}},
		Noticed:   []chaos.Entry{{Since: ms(3)}}, Moved: []chaos.Entry{{Since: ms(11)}, {Since: ms(12)}},
		First: &chaos.Entry{Since: ms(69)}, LargestGap: ms(144), InFlight: chaos.InFlight{Samples: 2},
	}
	return &demo.Act{
		Due: 300, Decided: 300, NoView: 18, Samples: 300, CalmGapMS: 51.6,
		Timeline: []chaos.Entry{}, Faults: []chaos.Report{camera, aggregator},
	}
}

// What two deaths cost is to be seen at a glance, and that nothing was lost; or what was.
func TestActText(t *testing.T) {
	unpainted := func(_ style, text string) string { return text }
	want := `
The act: a second run, in which nodes were killed
  killed                         was   noticed   role moved   next answer   largest gap   in flight   of them lost
  device-1                   camera1      4 ms            -         15 ms         50 ms           0              0
  node-7     aggregator, coordinator      3 ms        12 ms         69 ms        144 ms           2              0
  Times are since the kill -9; before it the largest gap between two answers was 52 ms.
  300 samples due = 300 decided + 0 refused + 0 lost + 0 open; 18 nobody saw: nothing was lost
`
	if diff := cmp.Diff(want, actText(demoAct(), unpainted)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	bad := demoAct()
	bad.Lost, bad.Decided, bad.Wrong = 1, 299, 2
	bad.Faults = []chaos.Report{{Number: 1, Injection: chaos.Injection{Targets: []chaos.Node{{Name: "node-8"}}}, LargestGap: 4 * time.Second, InFlight: chaos.InFlight{Samples: 1, Waiting: 1}}}
	want = `
The act: a second run, in which nodes were killed
  killed            was   noticed   role moved   next answer   largest gap   in flight   of them lost
  node-8   without work         -            -             -       4000 ms           1              1
  Times are since the kill -9; before it the largest gap between two answers was 52 ms.
  300 samples due = 299 decided + 0 refused + 1 lost + 0 open; 18 nobody saw: 300 verdicts came, 2 of them wrong
`
	if diff := cmp.Diff(want, actText(bad, unpainted)); diff != "" {
		t.Errorf("with faults (-want +got):\n%s", diff)
	}
}

// Programs read the result: what a key means must be written down, of every one.
func TestDemoKeysAreDescribed(t *testing.T) {
	page, err := os.ReadFile("../../docs/chaos.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "## The demonstration")
	figures, act, split := strings.Cut(text, "No figure beside `act`")
	if !found || !split {
		t.Fatal("docs/chaos.md has no section on the demonstration, with a part on the act")
	}
	for of, described := range map[any]string{&demo.Result{}: figures, &demo.Act{}: act} {
		data, err := json.Marshal(of)
		if err != nil {
			t.Fatal(err)
		}
		var keys map[string]any
		if err := json.Unmarshal(data, &keys); err != nil {
			t.Fatal(err)
		}
		for key := range keys {
			if !strings.Contains(described, "`"+key+"`") {
				t.Errorf("%T: key %q is not described in docs/chaos.md", of, key)
			}
		}
	}
}
