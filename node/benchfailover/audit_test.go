package benchfailover

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each thing that may be wrong with logs must be found, and nothing where nothing is: a
// measurement that cannot find a lost sample says nothing when it finds none.
func TestAccount(t *testing.T) {
	good := func(hash string) []entry { return []entry{{hash: hash, stands: true, exit: "local"}} }
	logs := func(change func(a, b, restarted logbook)) []logbook {
		a := logbook{node: "a", always: true, beats: map[uint64][]entry{5: good("5"), 6: good("6"), 7: good("7")}}
		b := logbook{node: "b", always: true, beats: map[uint64][]entry{5: good("5"), 6: good("6"), 7: good("7")}}
		r := logbook{node: "r", beats: map[uint64][]entry{7: good("7")}}
		change(a, b, r)
		return []logbook{a, b, r}
	}
	missing := func(view string) map[string]string { return map[string]string{view: "silent"} }
	for _, tt := range []struct {
		name   string
		change func(a, b, r logbook)
		want   account
	}{
		{"nothing", func(_, _, _ logbook) {}, account{due: 3}},
		{"lost", func(a, b, _ logbook) { delete(a.beats, 6); delete(b.beats, 6) }, account{due: 3, lost: 1, absent: 2}},
		{"still at work", func(a, b, r logbook) { delete(a.beats, 7); delete(b.beats, 7); delete(r.beats, 7) }, account{due: 3, open: 1}},
		{"at work, and lost before", func(a, b, r logbook) {
			delete(a.beats, 5)
			delete(b.beats, 5)
			delete(a.beats, 7)
			delete(b.beats, 7)
			delete(r.beats, 7)
		}, account{due: 3, open: 1, lost: 1, absent: 2}},
		{"lacking at one", func(a, _, _ logbook) { delete(a.beats, 6) }, account{due: 3, absent: 1}},
		{"lacking at one that was restarted", func(_, _, r logbook) { delete(r.beats, 7) }, account{due: 3}},
		{"known to one that was restarted alone", func(a, b, _ logbook) { delete(a.beats, 7); delete(b.beats, 7) }, account{due: 3, absent: 2}},
		{"two at one node", func(a, _, _ logbook) { a.beats[5] = append(a.beats[5], good("other")...) }, account{due: 3, contradicted: 1}},
		{"two at two nodes", func(a, _, _ logbook) { a.beats[5] = good("other") }, account{due: 3, contradicted: 1}},
		{"one gave way", func(a, _, _ logbook) { a.beats[5] = append(a.beats[5], entry{hash: "old"}) }, account{due: 3, superseded: 1}},
		{"both gave way", func(a, b, _ logbook) {
			a.beats[5], b.beats[5] = []entry{{hash: "5"}}, []entry{{hash: "5"}}
		}, account{due: 3, lost: 1, absent: 2, superseded: 1}},
		{"early", func(a, b, _ logbook) {
			a.beats[5], b.beats[5] = []entry{{hash: "5", stands: true, early: true}}, []entry{{hash: "5", stands: true, early: true}}
		}, account{due: 3, early: 1}},
		{"a view unseen", func(a, b, _ logbook) {
			a.beats[5] = []entry{{hash: "5", stands: true, exit: "local", missing: missing("north")}}
			b.beats[5] = a.beats[5]
		}, account{due: 3, unseen: 1}},
		{"the view of one that was hit unseen", func(a, b, _ logbook) {
			a.beats[5] = []entry{{hash: "5", stands: true, exit: "local", missing: missing("east")}}
			b.beats[5] = a.beats[5]
		}, account{due: 3}},
		{"blank", func(a, b, _ logbook) {
			a.beats[5] = []entry{{hash: "5", stands: true, exit: noneExit, missing: missing("north")}}
			b.beats[5] = a.beats[5]
		}, account{due: 3, unseen: 1, blank: 1, reasons: map[string]int{"silent": 1}, blanks: []uint64{5}}},
		{"blank where nothing was to be seen", func(a, b, _ logbook) {
			a.beats[6] = []entry{{hash: "6", stands: true, exit: noneExit}}
			b.beats[6] = a.beats[6]
		}, account{due: 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			final := uint64(8)
			if tt.want.open > 0 {
				final = 6
			}
			visible := func(beat uint64) []string {
				if beat == 5 {
					return []string{"north"}
				}
				return []string{"east"}
			}
			got := accountOf(logs(tt.change), 5, 8, final, []string{"north", "west"}, visible)
			if tt.want.reasons == nil {
				tt.want.reasons = map[string]int{}
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(account{})); diff != "" {
				t.Errorf("account (-want +got):\n%s", diff)
			}
		})
	}
}
