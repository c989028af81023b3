package mesh

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"ganglion/mesh/membership"
	"ganglion/mesh/secret"
)

func newIDs(t testing.TB, count int) []MemberID {
	t.Helper()
	ids := make([]MemberID, count)
	for i := range ids {
		identity, err := secret.NewIdentity()
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = identity.ID()
	}
	slices.Sort(ids)
	return ids
}

// TestParseDenied: what people type and what programs write is read alike, and anything
// else is refused as a whole: half a list would let somebody in.
func TestParseDenied(t *testing.T) {
	ids := newIDs(t, DeniedMax+1)
	a, b := string(ids[0]), string(ids[1])
	tests := []struct {
		name, value string
		want        []MemberID
		refused     bool
	}{
		{"empty", "", nil, false},
		{"blank", " \n\t,\r\n", nil, false},
		{"one", a, ids[:1], false},
		{"commas", b + ", " + a, ids[:2], false},
		{"lines", a + "\r\n" + b + "\n", ids[:2], false},
		{"twice", a + "\n" + a, ids[:1], false},
		{"no ID", a + "\nnode-7", nil, true},
		{"blank between", a + " " + b, nil, true},
		{"as many as may be", string(FormatDenied(ids[:DeniedMax])), ids[:DeniedMax], false},
		{"one too many", string(FormatDenied(ids)), nil, true},
		{"too long", strings.Repeat("\n", membership.ValueBytesMax+1), nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseDenied([]byte(tt.value))
			if !slices.Equal(got, tt.want) || errors.Is(err, membership.ErrMalformed) != tt.refused {
				t.Errorf("got %d members, %v", len(got), err)
			}
		})
	}
}

// FuzzParseDenied: whatever a member sets, the list is refused or has one spelling.
func FuzzParseDenied(f *testing.F) {
	ids := newIDs(f, 2)
	f.Add([]byte(""))
	f.Add(FormatDenied(ids))
	f.Add([]byte(string(ids[1]) + ", " + string(ids[0])))
	f.Add([]byte("12D3KooW,\x00\n"))
	f.Fuzz(func(t *testing.T, value []byte) {
		denied, err := ParseDenied(value)
		if err != nil {
			if len(denied) != 0 || !errors.Is(err, membership.ErrMalformed) {
				t.Fatalf("got %v with %v", denied, err)
			}
			return
		}
		text := FormatDenied(denied)
		again, err := ParseDenied(text)
		if err != nil || !slices.Equal(denied, again) || !bytes.Equal(FormatDenied(again), text) {
			t.Fatalf("%q became %q, %v", value, text, err)
		}
	})
}
