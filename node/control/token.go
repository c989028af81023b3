package control

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
)

// The lengths of an API token.
const (
	leastTokenBytes = 16
	mostTokenBytes  = 256
)

// Token is what a caller of the API shows: one word. The zero Token is none. It prints as
// "API token", whatever the verb, never as itself.
type Token struct{ text string }

// ReadToken reads a token from a file that nobody but its owner may read.
func ReadToken(path string) (Token, error) {
	f, err := os.Open(path)
	if err != nil {
		return Token{}, fmt.Errorf("read API token: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Token{}, fmt.Errorf("read API token: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return Token{}, fmt.Errorf("read API token: others may read %s (mode %#o); mend it with: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, mostTokenBytes+64))
	if err != nil {
		return Token{}, fmt.Errorf("read API token: %w", err)
	}
	t, err := parseToken(string(data))
	if err != nil {
		return Token{}, fmt.Errorf("read API token %s: %w", path, err)
	}
	return t, nil
}

var errToken = errors.New("it must hold one word of 16 to 256 printable characters; make one with: ganglion token new --out FILE")

// parseToken reads a token's text. Its error repeats none of it.
func parseToken(text string) (Token, error) {
	text = strings.TrimSpace(text)
	if len(text) < leastTokenBytes || len(text) > mostTokenBytes {
		return Token{}, errToken
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return Token{}, errToken
		}
	}
	return Token{text}, nil
}

// IsZero reports whether this is no token.
func (t Token) IsZero() bool { return t.text == "" }

// Format writes that it is a token, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "API token") }

// LogValue is what a log is told.
func (t Token) LogValue() slog.Value { return slog.StringValue("API token") }

// header is what a request shows.
func (t Token) header() string { return "Bearer " + t.text }

// guard refuses requests that do not show the token. It compares digests, in a time that
// does not depend on what was shown.
func (t Token) guard(next http.Handler) http.Handler {
	if t.IsZero() {
		return next
	}
	want := sha256.Sum256([]byte(t.header()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 && !isPublic(r.URL.Path) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "this control API asks for its token, as a bearer token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
