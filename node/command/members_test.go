package command

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/proto/controlpb"
)

// A person has to see at a glance who is there, who is not, and who does what.
func TestMembersText(t *testing.T) {
	views := newAsked().views
	pids := map[string]int{askedPeer: 4242}
	for name, some := range map[string][]*controlpb.MembersView{"members": views[:1], "members-all": views} {
		var out strings.Builder
		if err := printMembers(&out, "kx7q2mva", some, pids); err != nil {
			t.Fatal(err)
		}
		golden(t, name, out.String())
	}
}

// Programs rely on the fields: their names, arrays that are never null, a PID for nodes of
// this machine alone.
func TestMembersJSON(t *testing.T) {
	ask(t, newAsked())
	var got []map[string]any
	if err := json.Unmarshal([]byte(must(t, "members", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"name": "gate", "peer": askedPeer, "addresses": []any{"127.0.0.1:4801", "127.0.0.2:4801"}, "pid": float64(os.Getpid()), "group": 0.0,
		"views": []any{"north"}, "roles": []any{"device", "aggregator", "edge", "coordinator"}, "standby_for": []any{"cloud"},
		"state": "alive", "bundle": askedBundle, "version": "v0.3.0", "allows_chaos": true,
	}
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Errorf("a node of this machine (-want +got):\n%s", diff)
	}
	if _, there := got[0]["pid"]; there || len(got) != 6 {
		t.Errorf("%d members; a node elsewhere: %v", len(got), got[0])
	}
	for _, list := range []string{"addresses", "views", "roles", "standby_for"} {
		if _, ok := got[5][list].([]any); !ok {
			t.Errorf("%s of a node without any: %v, want an array", list, got[5][list])
		}
	}
	var all []struct {
		SeenBy  string `json:"seen_by"`
		Members []any  `json:"members"`
		Fault   string `json:"fault"`
	}
	if err := json.Unmarshal([]byte(must(t, "members", "--all", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 || all[1].SeenBy != "shed" || len(all[1].Members) != 2 || all[2].Members == nil || all[2].Fault == "" {
		t.Errorf("as each sees it: %+v", all)
	}
}

// What other nodes call themselves must not move the cursor of who looks.
func TestNamesAreCleaned(t *testing.T) {
	a := newAsked()
	a.views[0].Members[0].Name = "sh\x1b[2Jed\n"
	ask(t, a)
	if out := must(t, "members"); strings.Contains(out, "\x1b") || !strings.Contains(out, "sh?[2Jed?") {
		t.Errorf("members: %q", out)
	}
}

// The colours are for terminals: what is written to a pipe is plain, and a cell in colour
// takes no more room than one without.
func TestColours(t *testing.T) {
	l := listing{names: []string{"A", "B", "C"}}
	l.add(cell{"x", good}, cell{"", plain}, cell{"y", bad})
	l.add(cell{"long", plain}, cell{"", plain}, cell{"z", plain})
	var with, without strings.Builder
	l.write(&with, "", true)
	l.write(&without, "", false)
	if want := "A     C\nx     y\nlong  z\n"; without.String() != want {
		t.Errorf("without colours %q, want %q", without.String(), want)
	}
	stripped := strings.NewReplacer("\x1b[32m", "", "\x1b[31m", "", "\x1b[2m", "", "\x1b[0m", "").Replace(with.String())
	if stripped != without.String() || with.String() == without.String() {
		t.Errorf("with colours %q, of which is left %q", with.String(), stripped)
	}
	if coloured(&with) {
		t.Error("a buffer is taken for a terminal")
	}
}

// Amounts are to be read, not counted: few digits, and none that are all zero.
func TestAmounts(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{milliseconds(0), "0.0 ms"},
		{milliseconds(31 * time.Microsecond), "31 µs"},
		{milliseconds(431 * time.Microsecond), "0.4 ms"},
		{milliseconds(1034 * time.Millisecond), "1034 ms"},
		{roughly(59 * time.Second), "59 s"},
		{roughly(3723 * time.Second), "1 h 2 min"},
		{roughly(49 * time.Hour), "2 d 1 h"},
		{size(9999), "9999 bytes"},
		{size(13312), "13.0 KiB"},
		{size(42_000_000), "40.1 MiB"},
		{size(42_000_000_000), "39.1 GiB"},
		{count(1, "byte", "bytes"), "1 byte"},
		{count(uint64(2), "byte", "bytes"), "2 bytes"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
