package roles

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// MaxSiteBytes is the longest name of a site.
const MaxSiteBytes = 64

// Site is the name of one instance of the topology's views: letters, digits, dots,
// dashes and underscores, and not all dots.
type Site string

// Validate reports a name that cannot be part of a SampleID's text.
func (s Site) Validate() error {
	if len(s) == 0 || len(s) > MaxSiteBytes {
		return fmt.Errorf("site: a name has 1 to %d bytes, this one %d", MaxSiteBytes, len(s))
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '-' && c != '_' {
			return fmt.Errorf("site %q: %q; use letters, digits, dots, dashes and underscores", string(s), rune(c))
		}
	}
	if strings.Trim(string(s), ".") == "" {
		return fmt.Errorf("site %q: all dots", string(s))
	}
	return nil
}

// RunID identifies a run of a site: 64 random bits, never 0.
type RunID uint64

// String is 16 hexadecimal digits.
func (r RunID) String() string { return fmt.Sprintf("%016x", uint64(r)) }

// RequestID identifies a sample on demand within its site: 64 random bits, never 0.
type RequestID uint64

// String is 16 hexadecimal digits.
func (r RequestID) String() string { return fmt.Sprintf("%016x", uint64(r)) }

// Beat counts the moments of a run from 0.
type Beat uint64

// MaxBeat is the highest beat: the largest that every JSON reader keeps exactly.
const MaxBeat Beat = 1<<53 - 1

// SampleID is one sample: a beat of a run, or a request. It is comparable.
type SampleID struct {
	Site    Site
	Run     RunID     // 0 for a request
	Beat    Beat      // of the run
	Request RequestID // 0 for a beat
}

// Compare orders samples by site, run, beat and request.
func (id SampleID) Compare(other SampleID) int {
	return cmp.Or(
		cmp.Compare(id.Site, other.Site), cmp.Compare(id.Run, other.Run),
		cmp.Compare(id.Beat, other.Beat), cmp.Compare(id.Request, other.Request))
}

// OnDemand reports whether the sample is a request, not a beat of a run.
func (id SampleID) OnDemand() bool { return id.Request != 0 }

// Validate reports an identifier that is neither a beat of a run nor a request.
func (id SampleID) Validate() error {
	switch {
	case (id.Run == 0) == (id.Request == 0):
		return fmt.Errorf("sample %s: it is either a beat of a run or a request", id)
	case id.OnDemand() && id.Beat != 0, id.Beat > MaxBeat:
		return fmt.Errorf("sample %s: beat %d", id, id.Beat)
	}
	return id.Site.Validate()
}

// String is site/run/beat or site/request.
func (id SampleID) String() string {
	if id.OnDemand() {
		return fmt.Sprintf("%s/%s", id.Site, id.Request)
	}
	return fmt.Sprintf("%s/%s/%d", id.Site, id.Run, id.Beat)
}

// ParseSampleID reads the text of a valid SampleID, in the one form that String
// writes.
func ParseSampleID(text string) (SampleID, error) {
	site, rest, _ := strings.Cut(text, "/")
	series, beat, onBeat := strings.Cut(rest, "/")
	id := SampleID{Site: Site(site)}
	number, err := strconv.ParseUint(series, 16, 64)
	if onBeat && err == nil {
		id.Run = RunID(number)
		number, err = strconv.ParseUint(beat, 10, 64)
		id.Beat = Beat(number)
	} else {
		id.Request = RequestID(number)
	}
	if err == nil {
		err = id.Validate()
	}
	if err != nil || id.String() != text { // leading zeros, capitals, signs
		return SampleID{}, fmt.Errorf("sample %.120q: write it as site/run/beat or site/request, run and request in 16 hexadecimal digits", text)
	}
	return id, nil
}
