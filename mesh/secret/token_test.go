package secret

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"
)

// known is a fixed token, so that the format cannot change unseen.
func known() Token {
	var t Token
	for i := range t.secret {
		t.secret[i] = byte(i)
	}
	return t
}

const knownText = "gng1-aaaqeaye-audaocaj-bifqydio-b4ibceqt-cqkrmfyy-denbwha5-dyp7ix54"

// TestTokenFormat pins text and keys to their specification, by values that were
// computed with another language's library: a change would lock every node with an
// older binary out of its mesh.
func TestTokenFormat(t *testing.T) {
	keys := known().Keys()
	tests := []struct{ name, got, want string }{
		{"text", known().Reveal(), knownText},
		{"network", hex.EncodeToString(keys.Network[:]), "cc167ba624eee5a22b89c6d4f3dd6d9f2e84b4b8086f454bc29488f70e94a18f"},
		{"beacon", hex.EncodeToString(keys.Beacon[:]), "be616fe09f7f2a0546c23e383d74eaaf70fa214728b0425ed098ee05365ee2c5"},
		{"fingerprint", string(keys.Fingerprint), "w2v6mdo4"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

// TestParseToken shows every kind of typing error told by its kind and place, since
// the person who made it sees neither.
func TestParseToken(t *testing.T) {
	text := known().Reveal()
	at := func(i int, c string) string { // the i-th character behind the prefix, hyphens counted
		i += len(tokenPrefix)
		return text[:i] + c + text[i+1:]
	}
	tests := []struct {
		name     string
		text     string
		typo     Typo // 0: it parses
		position int
		says     string
	}{
		{"as made", text, 0, 0, ""},
		{"capitals", strings.ToUpper(text), 0, 0, ""},
		{"with a line end", text + "\r\n", 0, 0, ""},
		{"without hyphens", tokenPrefix + strings.ReplaceAll(text[len(tokenPrefix):], "-", ""), 0, 0, ""},
		{"wrapped by a terminal", text[:40] + "\n  " + text[40:], 0, 0, ""},
		{"spaces for hyphens", tokenPrefix + strings.ReplaceAll(text[len(tokenPrefix):], "-", " "), 0, 0, ""},
		{"nothing", "", TypoEmpty, 0, "ganglion token new"},
		{"white space", " \n", TypoEmpty, 0, "empty"},
		{"something else", "hunter2", TypoPrefix, 0, "is this a token?"},
		{"prefix left out", text[len(tokenPrefix):], TypoPrefix, 0, "does not begin"},
		{"a later version", "gng2-" + text[len(tokenPrefix):], TypoVersion, 0, "another version"},
		{"zero for o", at(2, "0"), TypoCharacter, 3, `is it 'o'?`},
		{"one for l", at(2, "1"), TypoCharacter, 3, `is it 'l'?`},
		{"a letter of another alphabet", at(2, "é"), TypoCharacter, 3, "a-z, 2-7"},
		{"in the second group", at(9, "!"), TypoCharacter, 9, "group 2, number 1"},
		{"last character lost", text[:len(text)-1], TypoLength, 0, "1 of 56 characters are missing"},
		{"first group lost", text[:len(tokenPrefix)] + text[len(tokenPrefix)+9:], TypoLength, 0, "8 of 56"},
		{"pasted twice", text + text[len(tokenPrefix):], TypoLength, 0, "56 characters more"},
		{"endless", strings.Repeat("a", maxTokenTextBytes+1), TypoLength, 0, "more than 56"},
		{"one letter wrong", at(3, "x"), TypoChecksum, 4, "group 1, number 4"},
		{"two letters wrong", strings.Replace(at(3, "x"), "denb", "dznb", 1), TypoChecksum, 0, "several characters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseToken(tt.text)
			if tt.typo == 0 {
				if err != nil || got != known() {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			typo := (*TokenError)(nil)
			if !errors.As(err, &typo) {
				t.Fatalf("got %v, want a TokenError", err)
			}
			if typo.Typo != tt.typo || typo.Position != tt.position || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got kind %d at %d, %q\nwant kind %d at %d, ... %q", typo.Typo, typo.Position, err, tt.typo, tt.position, tt.says)
			}
		})
	}
}

// TestSwappedCharacters is the commonest error of all, two neighbours swapped, at
// every place where it changes the token.
func TestSwappedCharacters(t *testing.T) {
	text := strings.ReplaceAll(known().Reveal()[len(tokenPrefix):], "-", "")
	for i := range len(text) - 1 {
		if text[i] == text[i+1] {
			continue
		}
		swapped := []byte(text)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		_, err := ParseToken(tokenPrefix + string(swapped))
		typo := (*TokenError)(nil)
		if !errors.As(err, &typo) || typo.Typo != TypoChecksum || typo.Position != i+1 {
			t.Errorf("swapped at %d: got %v", i+1, err)
		}
	}
}

func TestReadToken(t *testing.T) {
	if got, err := ReadToken(strings.NewReader(known().Reveal() + "\n")); err != nil || got != known() {
		t.Errorf("got %v, %v", got, err)
	}
	broken := errors.New("broken pipe")
	if _, err := ReadToken(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// TestSecretsAreNotPrinted tries the ways in which a secret gets into a log by
// accident.
func TestSecretsAreNotPrinted(t *testing.T) {
	token := NewToken()
	identity, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	keys := token.Keys()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", token, "keys", keys, "identity", identity)
	printed := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		printed += fmt.Sprintf(verb+verb+verb+"\n", token, keys, identity)
		printed += fmt.Sprintf(verb+verb+"\n", &token, struct{ T Token }{token})
	}
	secrets := []string{
		token.Reveal(), token.Reveal()[5:13],
		fmt.Sprintf("%x", token.secret), fmt.Sprint(token.secret),
		fmt.Sprintf("%x", keys.Network), fmt.Sprint(keys.Network), fmt.Sprint(keys.Beacon),
		fmt.Sprintf("%x", identity.key), fmt.Sprintf("%d", identity.key),
	}
	for i, s := range secrets {
		if strings.Contains(printed, strings.Trim(s, "[]")) {
			t.Errorf("secret %d is printed:\n%s", i, printed)
		}
	}
	if !strings.Contains(printed, string(keys.Fingerprint)) {
		t.Errorf("the fingerprint is not printed:\n%s", printed)
	}
}

// TestKeys shows that keys depend on the token and on nothing else, and that no two
// of them are the same.
func TestKeys(t *testing.T) {
	a, b := NewToken().Keys(), NewToken().Keys()
	if a == b || a.Network == a.Beacon || a.Fingerprint == b.Fingerprint {
		t.Errorf("keys repeat: %v %v", a, b)
	}
	if !OpenKeys().IsOpen() || a.IsOpen() {
		t.Error("the open mesh is taken for another")
	}
	if !(Token{}).IsZero() || known().IsZero() {
		t.Error("the zero token is taken for another")
	}
}

// FuzzParseToken looks for a text that crashes the parser, or that parses and is not
// the same token when written again.
func FuzzParseToken(f *testing.F) {
	f.Add(known().Reveal())
	f.Add("gng1-")
	f.Add("GNG2-x")
	f.Add("gng1-\xff\xfe")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ParseToken(text)
		if err != nil {
			if typo := (*TokenError)(nil); !errors.As(err, &typo) || strings.Contains(err.Error(), "unsupported") {
				t.Fatalf("got %v, want a TokenError of a known kind", err)
			}
			return
		}
		if again, err := ParseToken(token.Reveal()); err != nil || again != token {
			t.Errorf("%q: written again it is %v, %v", text, again, err)
		}
	})
}
