package node

import (
	"testing"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/roles"

	"github.com/google/go-cmp/cmp"
)

// said is one exit of a sample: a class, and how sure it was.
func said(exit topology.Exit, class int, entropy float64) inference.Proposal {
	return inference.Proposal{Exit: exit, Seen: 2, Class: class, Entropy: entropy}
}

// What thresholds would have done follows from what the exits said, and where nobody above was
// asked it is not known: neither right nor wrong.
func TestRehearsal(t *testing.T) {
	local, edge, cloud := topology.ExitLocal, topology.ExitEdge, topology.ExitCloud
	type exits map[topology.Exit][3]uint64 // count, labelled, right
	for _, row := range []struct {
		name          string
		preset        string
		thresholds    string
		met           []inference.Proposal // the last of them answered
		others        []inference.Proposal
		stopped       bool
		before, after exits
		unknown       uint64
		changed       uint64
		bytes         [2]uint64 // payload before and after; a view: 8 of scores, 128 of features
	}{
		{
			"it stays where it was", "c", "local=0.5",
			[]inference.Proposal{said(local, 1, 0.4)},
			nil, false,
			exits{local: {1, 1, 1}},
			exits{local: {1, 1, 1}},
			0, 0,
			[2]uint64{16, 16},
		},
		{
			"it would have gone up, where nobody was asked", "c", "local=0.3",
			[]inference.Proposal{said(local, 1, 0.4)},
			nil, false,
			exits{local: {1, 1, 1}},
			exits{cloud: {1, 0, 0}},
			1, 0,
			[2]uint64{16, 272},
		},
		{
			"it went up, and would have been answered below, otherwise", "c", "local=0.9",
			[]inference.Proposal{said(local, 0, 0.8), said(cloud, 1, 0.1)},
			nil, false,
			exits{cloud: {1, 1, 1}},
			exits{local: {1, 1, 0}},
			0, 1,
			[2]uint64{272, 16},
		},
		{
			"it went up and would again", "c", "local=0.5",
			[]inference.Proposal{said(local, 0, 0.8), said(cloud, 1, 0.1)},
			nil, false,
			exits{cloud: {1, 1, 1}},
			exits{cloud: {1, 1, 1}},
			0, 0,
			[2]uint64{272, 272},
		},
		{
			"nobody above answered, and nobody would again", "c", "local=0.1",
			[]inference.Proposal{said(local, 1, 0.4)},
			nil, true,
			exits{local: {1, 1, 1}},
			exits{local: {1, 1, 1}},
			0, 0,
			[2]uint64{16, 16},
		},
		{
			"a late answer from above is one too", "c", "local=0.1",
			[]inference.Proposal{said(local, 0, 0.4)},
			[]inference.Proposal{said(cloud, 1, 0.1)},
			false,
			exits{local: {1, 1, 0}},
			exits{cloud: {1, 1, 1}},
			0, 1,
			[2]uint64{272, 272},
		},
		{
			"the next exit is the edge's", "e", "local=0.1;edge=0.5",
			[]inference.Proposal{said(local, 1, 0.4)},
			nil, false,
			exits{local: {1, 1, 1}},
			exits{edge: {1, 0, 0}},
			1, 0,
			[2]uint64{16, 272},
		},
		{"no view was seen", "c", "local=0.5", nil, nil, false, exits{}, exits{}, 0, 0, [2]uint64{}},
	} {
		top, err := topology.Preset(row.preset, topology.Base{
			Views: topology.ViewNames(2), Classes: []string{"a", "b"}, Input: topology.Shape{Channels: 3, Rows: 32, Cols: 32},
		})
		if err != nil {
			t.Fatal(err)
		}
		thresholds, err := inference.ParseThresholds(row.thresholds)
		if err != nil {
			t.Fatal(err)
		}
		v := &roles.Verdict{Others: row.others, StoppedEarly: row.stopped, Label: 1}
		v.Answer.Proposals, v.Answer.Class = row.met, -1
		if n := len(row.met); n > 0 {
			v.Answer.Seen, v.Answer.Exit, v.Answer.Class = 3, row.met[n-1].Exit, row.met[n-1].Class
		}
		var r rehearsal
		r.add(&roles.Published{}, v, top, thresholds)
		side := func(f *figures) (out exits, bytes uint64) {
			out = exits{}
			for i, e := range f.exits {
				if e.count > 0 {
					out[topology.Exit(i)] = [3]uint64{e.count, e.labelled, e.right}
				}
			}
			for _, n := range f.payload {
				bytes += n
			}
			return out, bytes
		}
		before, was := side(&r.before)
		after, is := side(&r.after)
		if diff := cmp.Diff(row.before, before); diff != "" {
			t.Errorf("%s: before (-want +got):\n%s", row.name, diff)
		}
		if diff := cmp.Diff(row.after, after); diff != "" {
			t.Errorf("%s: after (-want +got):\n%s", row.name, diff)
		}
		if r.unknown != row.unknown || r.changed != row.changed || [2]uint64{was, is} != row.bytes {
			t.Errorf("%s: %d unknown, %d changed, %d and %d bytes; want %d, %d, %v", row.name, r.unknown, r.changed, was, is, row.unknown, row.changed, row.bytes)
		}
	}
}

// A version follows from the values and the bundle, whatever the text was; programs that read
// JSON can tell two apart.
func TestSettingsOf(t *testing.T) {
	of := func(id byte, text string) uint64 {
		thresholds, err := inference.ParseThresholds(text)
		if err != nil {
			t.Fatal(err)
		}
		return settingsOf(inference.BundleID{id}, thresholds)
	}
	if a, b := of(1, "local=0.5,0.5;edge=1"), of(1, " edge=1.0; local=.50"); a != b || a == 0 || a >= 1<<versionBits {
		t.Errorf("one value has versions %d and %d", a, b)
	}
	if a, b, c := of(1, "local=0.5"), of(2, "local=0.5"), of(1, "local=0.51"); a == b || a == c {
		t.Errorf("others have the same version: %d, %d, %d", a, b, c)
	}
}

// What is known of thresholds is bounded, and what is in use stays.
func TestVersionsAreBounded(t *testing.T) {
	c := catalog{}
	id := inference.BundleID{1}
	number := func(i int) inference.Thresholds {
		thresholds, err := inference.ParseThresholds("local=" + string(rune('0'+i/1000%10)) + "." + string([]rune{rune('0' + i/100%10), rune('0' + i/10%10), rune('0' + i%10)}))
		if err != nil {
			t.Fatal(err)
		}
		return thresholds
	}
	first := c.learn(id, number(0), 1, func(roles.Model) bool { return false })
	inUse := func(m roles.Model) bool { return m.Settings == first }
	for i := 1; i < 2*versionsKept; i++ {
		c.learn(id, number(i), uint64(i), inUse)
	}
	if n := len(c.versions.known); n != versionsKept {
		t.Errorf("%d versions are known, want %d", n, versionsKept)
	}
	if one := c.versions.find(roles.Model{Bundle: id, Settings: first}); one == nil || one.thresholds.String() != "local=0" {
		t.Errorf("the one in use is %v", one)
	}
	if gone := c.versions.find(roles.Model{Bundle: id, Settings: settingsOf(id, number(1))}); gone != nil {
		t.Errorf("the oldest is still known: %v", gone)
	}
}

// What is set is checked where it comes in, at every node, before it is kept.
func TestCheckSettingOfThresholds(t *testing.T) {
	id := inference.BundleID{7}.String()
	for _, row := range []struct {
		key, value string
		good       bool
	}{
		{"thresholds/" + id, "local=0.5,0.6", true},
		{"thresholds/" + id, "local=0.5;edge=0.6", true},
		{"thresholds/" + id, "", true},
		{"thresholds/" + id, "local=NaN", false},
		{"thresholds/" + id, "local=2", false},
		{"thresholds/" + id, "0.5", false},
		{"thresholds/" + id[1:], "local=0.5", false},
		{"thresholds/", "local=0.5", false},
		{"thresholds", "local=0.5", false},
	} {
		if err := checkSetting(row.key, []byte(row.value)); (err == nil) != row.good {
			t.Errorf("%s = %q: %v, want good %t", row.key, row.value, err, row.good)
		}
	}
}
