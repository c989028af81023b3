package command

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"ganglion/node/benchmesh"
)

// A slip in the command line must be told before any node is started.
func TestBenchMeshRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string // in the error
	}{
		{"another part", []string{"mesh", "--only", "speed"}, "idle, latency or throughput"},
		{"no part", []string{"mesh", "--only", ""}, "nothing is to be measured"},
		{"no rounds", []string{"mesh", "--rounds", "0"}, "rounds 0"},
		{"more than a log keeps", []string{"mesh", "--rate", "10000", "--for", "1h"}, "lower rate"},
		{"argument", []string{"mesh", "fast"}, "fast"},
		{"floor without a view", []string{floorDeviceVerb}, "is no number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := Main(append([]string{"bench"}, test.args...), strings.NewReader(""), &out, &errs, "test")
			if code != exitUsage || !strings.Contains(errs.String(), test.want) || out.Len() > 0 {
				t.Errorf("exit code %d, output %q, error %q; want %d and %q", code, &out, &errs, exitUsage, test.want)
			}
		})
	}
}

// A view that the model does not have is a fault of the one who starts the device.
func TestFloorDeviceRefusesView(t *testing.T) {
	var out, errs bytes.Buffer
	code := Main([]string{"bench", floorDeviceVerb, "6"}, strings.NewReader(""), &out, &errs, "test")
	if code != exitFailed || !strings.Contains(errs.String(), "view 6") {
		t.Errorf("exit code %d, error %q", code, &errs)
	}
}

// The report must say of every goal whether it is met, and where there is no /proc why
// figures are absent.
func TestBenchMeshText(t *testing.T) {
	share := 0.0123
	r := &benchmesh.Result{
		Machine: benchmesh.Machine{Platform: "linux/amd64", Go: "go1", Processors: 2, Load: [2]string{"0.50", "1.50"}},
		Idle: &benchmesh.Idle{Quiet: time.Minute, Window: time.Minute, Nodes: []benchmesh.IdleNode{
			{Name: "device-1", TCP: 1234, Allowed: 4000, Processor: &share, Protocols: []benchmesh.ProtocolRate{{Protocol: "/a", Sent: 77}}},
			{Name: "cloud", TCP: 5678, Allowed: 12_000, Protocols: []benchmesh.ProtocolRate{{Protocol: "/b", Sent: 88}}},
		}},
		Latency: &benchmesh.Latency{
			Rounds: 1, Local: benchmesh.Spread{Samples: 5, P50: 1500 * time.Microsecond}, OverFloor: 2.5, Strays: 1,
		},
		Throughput: &benchmesh.Throughput{Due: 10, Rate: 1000, PerSecond: 999, Work: []benchmesh.NodeWork{{Name: "device-1"}}},
		Goals:      []benchmesh.Goal{{Of: "one", Want: "<= 1", Got: "0", Met: true}, {Of: "other", Want: "<= 1", Got: "2"}},
	}
	text := meshText(r)
	for _, want := range []string{
		"2 processors", "load 0.50 before, 1.50 after", "device-1", "1234", "/a", "77", "/b", "88", "only Linux has", "1.50", "2.50",
		"1 verdict with another exit", "999.0 decided a second", "goals",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		for name, end := range map[string]string{"  one ": "met", "  other ": "missed"} {
			if strings.HasPrefix(line, name) && strings.Fields(line)[len(strings.Fields(line))-1] != end {
				t.Errorf("line %q does not end in %q", line, end)
			}
		}
	}
}
