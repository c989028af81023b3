package mesh

import (
	"fmt"
	"slices"
	"strings"

	"ganglion/mesh/membership"
	"ganglion/mesh/secret"
)

// DeniedKey is the key of the setting that holds the denied members, who are neither
// dialled nor accepted by any node.
const DeniedKey = "denied"

// DeniedMax is how many members may be denied; who needs more makes a new token.
const DeniedMax = 256

// ParseDenied returns the members that a value of [DeniedKey] names, sorted, each
// once. The value is member IDs with commas, line ends, or both between them; blanks
// and empty lines mean nothing, and an empty value denies nobody. The errors wrap
// [membership.ErrMalformed].
func ParseDenied(value []byte) ([]MemberID, error) {
	if len(value) > membership.ValueBytesMax {
		return nil, fmt.Errorf("read denied members: %d bytes, at most %d are allowed: %w", len(value), membership.ValueBytesMax, membership.ErrMalformed)
	}
	var denied []MemberID
	between := func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }
	for text := range strings.FieldsFuncSeq(string(value), between) {
		text = strings.Trim(text, " \t")
		if text == "" {
			continue
		}
		id, err := secret.ParseMemberID(text)
		if err != nil {
			return nil, fmt.Errorf("read denied members: %w: %w", membership.ErrMalformed, err)
		}
		denied = append(denied, id)
	}
	slices.Sort(denied)
	denied = slices.Compact(denied)
	if len(denied) > DeniedMax {
		return nil, fmt.Errorf("read denied members: %d, at most %d are allowed; make a new token instead: %w", len(denied), DeniedMax, membership.ErrMalformed)
	}
	return denied, nil
}

// FormatDenied returns the value of [DeniedKey] that denies these members and nobody
// else, one a line.
func FormatDenied(denied []MemberID) []byte {
	sorted := slices.Compact(slices.Sorted(slices.Values(denied)))
	var text strings.Builder
	for _, id := range sorted {
		text.WriteString(string(id))
		text.WriteByte('\n')
	}
	return []byte(text.String())
}
