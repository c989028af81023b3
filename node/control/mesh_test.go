package control

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/proto/controlpb"
)

// The run is the second to last part of the name of a sample on the beat; a site may have any
// other. Whoever takes a sample on demand for one of a run counts it twice.
func TestRunOf(t *testing.T) {
	for sample, want := range map[string]string{"default/00ff/12": "00ff", "a/b/00ff/12": "00ff", "default/q1": "", "": ""} {
		if got := RunOf(&controlpb.Verdict{Sample: sample, Beat: new(uint64)}); got != want {
			t.Errorf("run of %q is %q, want %q", sample, got, want)
		}
		if got := RunOf(&controlpb.Verdict{Sample: sample}); got != "" {
			t.Errorf("run of %q, on demand, is %q", sample, got)
		}
	}
	if got := RunOf(nil); got != "" {
		t.Errorf("run of no verdict is %q", got)
	}
}

// The order in which a node lists roles says nothing, and who is gone has no place.
func TestPlaces(t *testing.T) {
	got := Places([]*controlpb.Member{
		{Name: "a", State: "alive", Views: []string{"north", "east"}, Roles: []string{"device", "aggregator", "device"}},
		{Name: "b", State: "alive"},
		{Name: "c", State: "down", Views: []string{"west"}},
	})
	if diff := cmp.Diff(map[string]string{"a": "north,east/aggregator,device", "b": "/"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A node is joined at its first port, on loopback; one without a port cannot be.
func TestJoinAddress(t *testing.T) {
	got, err := JoinAddress(&controlpb.StatusResponse{Addresses: []string{"nowhere", "192.0.2.1:4801", "192.0.2.2:4802"}})
	if err != nil || got != "127.0.0.1:4801" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := JoinAddress(&controlpb.StatusResponse{Name: "deaf"}); err == nil || !strings.Contains(err.Error(), "deaf") {
		t.Errorf("got error %v", err)
	}
}

// Answers are in the order of those that were asked, and every error is told.
func TestEach(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	got, err := Each(t.Context(), []int{1, 2, 3}, func(_ context.Context, n int) (int, error) {
		return 10 * n, map[int]error{1: first, 3: second}[n]
	})
	if diff := cmp.Diff([]int{10, 20, 30}, got); diff != "" || !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("error %v; (-want +got)\n%s", err, diff)
	}
}
