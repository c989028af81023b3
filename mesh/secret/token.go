package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const (
	tokenPrefix   = "gng1-"
	tokenBytes    = 32
	checksumBytes = 3
	groupChars    = 8  // characters between two hyphens
	tokenChars    = 56 // base32 characters of secret and checksum
	alphabet      = "abcdefghijklmnopqrstuvwxyz234567"

	// maxTokenTextBytes is the longest text that is looked at.
	maxTokenTextBytes = 4096
)

// Token is the secret of a mesh. The zero Token is none: see [Token.IsZero].
// Tokens may be compared with ==.
type Token struct{ secret [tokenBytes]byte }

// NewToken makes a token from the system's randomness.
func NewToken() Token {
	var t Token
	_, _ = rand.Read(t.secret[:]) // never fails: it ends the process instead
	return t
}

// ReadToken reads the text of a token: a file, or standard input. It refuses more
// than 4096 bytes.
func ReadToken(r io.Reader) (Token, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTokenTextBytes+1))
	if err != nil {
		return Token{}, fmt.Errorf("read token: %w", err)
	}
	return ParseToken(string(text))
}

// ParseToken returns the token with that text. Any error is a *[TokenError].
func ParseToken(text string) (Token, error) {
	if len(text) > maxTokenTextBytes {
		return Token{}, &TokenError{Typo: TypoLength, Excess: len(text) - tokenChars}
	}
	chars, err := tokenText(text)
	if err != nil {
		return Token{}, err
	}
	raw, ok := decodeToken(chars)
	if !ok {
		return Token{}, &TokenError{Typo: TypoChecksum, Position: suspectPosition(chars)}
	}
	return Token{secret: raw}, nil
}

// tokenText strips a text to its 56 characters of base32, in lower case.
func tokenText(text string) ([]byte, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return nil, &TokenError{Typo: TypoEmpty}
	}
	body, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok {
		// gng, a digit and a hyphen: a token of another version of the format.
		if len(text) > len(tokenPrefix) && text[:3] == tokenPrefix[:3] && text[3] >= '0' && text[3] <= '9' && text[4] == '-' {
			return nil, &TokenError{Typo: TypoVersion}
		}
		return nil, &TokenError{Typo: TypoPrefix}
	}
	chars := make([]byte, 0, tokenChars)
	for _, c := range body {
		switch {
		case c == '-' || strings.ContainsRune(" \t\r\n", c):
		case strings.ContainsRune(alphabet, c):
			chars = append(chars, byte(c))
		default:
			return nil, &TokenError{Typo: TypoCharacter, Position: len(chars) + 1, likely: likely(c)}
		}
	}
	if len(chars) != tokenChars {
		return nil, &TokenError{Typo: TypoLength, Excess: len(chars) - tokenChars}
	}
	return chars, nil
}

// likely returns the letter of the alphabet that is often taken for c, or 0.
func likely(c rune) byte {
	switch c {
	case '0':
		return 'o'
	case '1':
		return 'l'
	case '8':
		return 'b'
	case '9':
		return 'g'
	}
	return 0
}

// decodeToken returns the secret of 56 characters of the alphabet, and whether the
// checksum fits it.
func decodeToken(chars []byte) (raw [tokenBytes]byte, ok bool) {
	var all [tokenBytes + checksumBytes]byte
	if n, err := encoding().Decode(all[:], chars); err != nil || n != len(all) {
		return raw, false
	}
	copy(raw[:], all[:])
	return raw, [checksumBytes]byte(all[tokenBytes:]) == checksum(raw)
}

// suspectPosition returns the place of the one character that, exchanged for
// another or swapped with the next, makes the checksum fit; 0 where there is no such
// place, or more than one.
func suspectPosition(chars []byte) int {
	found := 0
	for i, was := range chars {
		fits := false
		for _, c := range []byte(alphabet) {
			chars[i] = c
			if _, ok := decodeToken(chars); ok {
				fits = true
			}
		}
		chars[i] = was
		if !fits && i+1 < len(chars) {
			chars[i], chars[i+1] = chars[i+1], chars[i]
			_, fits = decodeToken(chars)
			chars[i], chars[i+1] = chars[i+1], chars[i]
		}
		if !fits {
			continue
		}
		if found != 0 {
			return 0
		}
		found = i + 1
	}
	return found
}

func encoding() *base32.Encoding {
	return base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)
}

func checksum(secret [tokenBytes]byte) [checksumBytes]byte {
	sum := sha256.Sum256(append([]byte("ganglion token v1"), secret[:]...))
	return [checksumBytes]byte(sum[:])
}

// Reveal returns the token's text, which [ParseToken] reads. Show it to the person
// who runs the mesh and to nobody else.
func (t Token) Reveal() string {
	sum := checksum(t.secret)
	chars := encoding().EncodeToString(append(t.secret[:], sum[:]...))
	groups := make([]string, 0, tokenChars/groupChars)
	for ; chars != ""; chars = chars[groupChars:] {
		groups = append(groups, chars[:groupChars])
	}
	return tokenPrefix + strings.Join(groups, "-")
}

// IsZero tells whether this is no token.
func (t Token) IsZero() bool { return t == Token{} }

// Format writes the fingerprint of the token's mesh, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.describe()) }

// LogValue is the fingerprint of the token's mesh.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.describe()) }

func (t Token) describe() string {
	if t.IsZero() {
		return "no token"
	}
	return "token of mesh " + string(t.Keys().Fingerprint)
}

// Typo is a kind of error in the text of a token.
type Typo int

// The kinds, in the order in which they are looked for.
const (
	TypoEmpty     Typo = iota + 1 // nothing but white space
	TypoPrefix                    // does not begin with gng1-
	TypoVersion                   // begins like a token of another version
	TypoCharacter                 // has a character that no token has
	TypoLength                    // has too few or too many characters
	TypoChecksum                  // has a character that should be another
)

// TokenError says what is wrong with the text of a token, and repeats none of it.
type TokenError struct {
	Typo     Typo
	Position int  // of the wrong character behind the prefix, from 1, hyphens not counted; 0: unknown
	Excess   int  // characters too many, or, below 0, too few; for TypoLength
	likely   byte // what was probably meant; 0: unknown
}

// Error is one line that says where to look and what to do.
func (e *TokenError) Error() string {
	const again = "copy it again from where it was made"
	switch e.Typo {
	case TypoEmpty:
		return "parse token: it is empty; `ganglion token new` makes one"
	case TypoPrefix:
		return "parse token: it does not begin with " + tokenPrefix + ": is this a token? " + again
	case TypoVersion:
		return "parse token: it is of another version than " + tokenPrefix + ": use the same version of ganglion on every node"
	case TypoCharacter:
		if e.likely != 0 {
			return fmt.Sprintf("parse token: character %d (%s) is none that tokens have; is it %q?", e.Position, place(e.Position), e.likely)
		}
		return fmt.Sprintf("parse token: character %d (%s) is none that tokens have (a-z, 2-7)", e.Position, place(e.Position))
	case TypoLength:
		if e.Excess < 0 {
			return fmt.Sprintf("parse token: %d of %d characters are missing; %s", -e.Excess, tokenChars, again)
		}
		return fmt.Sprintf("parse token: it has %d characters more than %d; %s", e.Excess, tokenChars, again)
	case TypoChecksum:
		if e.Position != 0 {
			return fmt.Sprintf("parse token: checksum does not fit; look at character %d (%s): it is wrong, or swapped with the next", e.Position, place(e.Position))
		}
		return "parse token: checksum does not fit: several characters are wrong; " + again
	}
	return "parse token: " + errors.ErrUnsupported.Error()
}

// place names a character by its group, which is how a person finds it.
func place(position int) string {
	return fmt.Sprintf("group %d, number %d", (position-1)/groupChars+1, (position-1)%groupChars+1)
}
