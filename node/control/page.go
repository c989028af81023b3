package control

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	"ganglion/proto/controlpb"
)

// Where the page's files and pictures of samples are.
const (
	pageFiles = "/page/"
	lookPath  = "/look"
)

// policy is what a page of this server may do: run its own scripts, which stand in files of
// their own, ask this server, and show pictures of it, by their address or, with a token, as
// it has fetched them. No page may show it in a frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// strict has a browser take nothing for what it is not, show nothing of this server within
// pages of others, tell nobody where it was, and keep nothing that it is not told to keep.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// wantsHTML reports whether a request is a browser's that shows a page, rather than a
// program's.
func wantsHTML(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") {
				return true
			}
		}
	}
	return false
}

// looks answers GET /look?sample=SAMPLE&view=VIEW with the picture that Look returns. It may
// be kept by that browser for as long as the verdict is about: what was seen does not change.
func looks(handler controlpb.NodeServiceHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		answer, err := handler.Look(r.Context(), &controlpb.LookRequest{Sample: q.Get("sample"), View: q.Get("view")})
		if err != nil {
			http.Error(w, lookError(err), lookStatus(err))
			return
		}
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Cache-Control", "private, max-age=600, immutable")
		_, _ = w.Write(answer.GetPng())
	})
}

// lookError is an error without the code in front of it, which the status of the answer is.
func lookError(err error) string {
	if e := (*connect.Error)(nil); errors.As(err, &e) {
		return e.Message()
	}
	return err.Error()
}

// lookStatus is the status of HTTP for an error of Look.
func lookStatus(err error) int {
	switch connect.CodeOf(err) {
	case connect.CodeNotFound:
		return http.StatusNotFound
	case connect.CodeInvalidArgument:
		return http.StatusBadRequest
	case connect.CodeResourceExhausted:
		return http.StatusTooManyRequests
	default:
		return http.StatusServiceUnavailable
	}
}

// readWait is how long the reader of a stream may take nothing of it. One that is gone without
// a word, or stopped, would hold its place for ever.
const readWait = 30 * time.Second

// hurried is the answer of a stream whose reader has to go on reading.
type hurried struct {
	http.ResponseWriter
	control *http.ResponseController
}

func newHurried(w http.ResponseWriter) *hurried { return &hurried{w, http.NewResponseController(w)} }

// hurry gives the reader its time again. Where the connection has no deadlines it has all the
// time that there is.
func (h *hurried) hurry() { _ = h.control.SetWriteDeadline(time.Now().Add(readWait)) }

// rest lifts the deadline: other answers may come on the connection.
func (h *hurried) rest() { _ = h.control.SetWriteDeadline(time.Time{}) }

// Write writes a part of the answer.
func (h *hurried) Write(p []byte) (int, error) {
	h.hurry()
	return h.ResponseWriter.Write(p)
}

// Flush sends what was written.
func (h *hurried) Flush() {
	h.hurry()
	_ = h.control.Flush() // whoever writes next finds out
}

// Unwrap is the answer itself.
func (h *hurried) Unwrap() http.ResponseWriter { return h.ResponseWriter }
