package safetensors

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxTold is the most bytes of a text that a file tells about its weights: what they were
// trained on, what their thresholds are for, which bundle they are from.
const MaxTold = 256

// checkTold refuses texts that are no line for people. They go into the bundle, and from
// there to every node and its terminals.
func (f *File) checkTold() error {
	for _, key := range []string{DataKey, BundleKey, CalibratedKey} {
		text := f.Metadata[key]
		switch {
		case len(text) > MaxTold:
			return fmt.Errorf("read the metadata %s of the weights: %s has %d bytes, more than %d: shorten it", key, quote(text), len(text), MaxTold)
		case !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable):
			return fmt.Errorf("read the metadata %s of the weights: %s has a character that does not print: leave it out", key, quote(text))
		}
	}
	return nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// tellable is a text as Import takes it: without what does not print, and cut where it is
// long. Bundles have been sealed with names of files as they were.
func tellable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	const more = "..."
	if len(text) <= MaxTold {
		return text
	}
	cut := MaxTold - len(more)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + more
}
