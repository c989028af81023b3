package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"ganglion/proto/controlpb"
)

// pageOfTests is a page; it says which file of it was asked for.
var pageOfTests = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = io.WriteString(w, "the page, "+r.URL.Path)
})

// browser is a request as a browser sends it for what a person has typed.
func browser(r *http.Request) {
	r.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Site", "none")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
}

// answered is what came of a request.
type answered struct {
	status int
	header http.Header
	text   string
}

// ask sends a request.
func ask(t *testing.T, s served, method, path string, edit func(*http.Request)) answered {
	t.Helper()
	ctx, cancel := testContext(t)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.Address().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(r)
	}
	response, err := http.DefaultTransport.RoundTrip(r) // follows no redirects
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{response.StatusCode, response.Header, string(text)}
}

// TestWhoSeesThePage: a person types the address and sees the page, with the API's token set too,
// for its files say nothing; a program is told in a line what this is. Everything else needs the
// token, however its path is written, and other pages get nothing at all.
func TestWhoSeesThePage(t *testing.T) {
	const token = "correct-horse-battery"
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ganglion_up 1\n") })
	open := serve(t, Config{Page: pageOfTests}, newFake("anna"), metrics)
	closed := serve(t, Config{Page: pageOfTests, TokenFile: tokenFile(t, token)}, newFake("anna"), metrics)
	without := serve(t, Config{}, newFake("anna"), metrics)
	const picture = lookPath + "?sample=yard/1&view=north"
	with := func(edits ...func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			for _, e := range edits {
				e(r)
			}
		}
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	bearer := header("Authorization", "Bearer "+token)
	foreign := header("Sec-Fetch-Site", "cross-site")
	tests := []struct {
		name   string
		server served
		path   string
		edit   func(*http.Request)
		want   int
		says   string
	}{
		{"a browser", open, "/", browser, 200, "the page, /"},
		{"a program", open, "/", nil, 200, "A ganglion node"},
		{"curl", open, "/", header("Accept", "*/*"), 200, "A ganglion node"},
		{"a file of the page", open, "/page/script/main.mjs", nil, 200, "the page, /page/script/main.mjs"},
		{"a picture", open, picture, header("Sec-Fetch-Site", "same-origin"), 200, "PNG yard/1 north"},
		{"a link on another page", open, "/", with(browser, foreign), 403, "no web pages but its own"},
		{"a rebound name", open, "/", with(browser, func(r *http.Request) { r.Host = "evil.example" }), 421, "host name"},
		{"a picture on another page", open, picture, foreign, 403, "no web pages"},
		{"a picture for a subdomain's page", open, picture, header("Sec-Fetch-Site", "same-site"), 403, "no web pages"},

		{"no page: a browser", without, "/", browser, 200, "A ganglion node"},
		{"no page: a file", without, "/page/script/main.mjs", browser, 404, ""},
		{"no page: a picture", without, picture, nil, 404, ""},

		{"token: the page", closed, "/", browser, 200, "the page, /"},
		{"token: a file", closed, "/page/style/map.css", nil, 200, "the page, /page/style/map.css"},
		{"token: a picture", closed, picture, nil, 401, "token"},
		{"token: a picture, shown", closed, picture, bearer, 200, "PNG"},
		{"token: numbers", closed, "/metrics", browser, 401, "token"},
		{"token: numbers by way of the page", closed, "/page/../metrics", browser, 401, "token"},
		{"token: so, encoded", closed, "/page/%2e%2e/metrics", browser, 401, "token"},
		{"token: so, twice", closed, "/page//../../metrics", browser, 401, "token"},
		{"token: so, with a slash of another kind", closed, "/page/..%2fmetrics", browser, 401, "token"},
		{"token: a name that begins like the page's", closed, "/page", browser, 401, "token"},
		{"token: another that does", closed, "/pages/x", browser, 401, "token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ask(t, tt.server, http.MethodGet, tt.path, tt.edit)
			if got.status != tt.want || !strings.Contains(got.text, tt.says) {
				t.Errorf("status %d, want %d with %q: %s", got.status, tt.want, tt.says, got.text)
			}
			if strings.Contains(got.text, token) || strings.Contains(got.text, "ganglion_up") {
				t.Errorf("the answer tells too much: %s", got.text)
			}
			strictly(t, got)
		})
	}
}

// strictly checks what every answer of the server tells a browser.
func strictly(t *testing.T, a answered) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy":      "default-src 'none'; ",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.header.Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
		t.Errorf("the policy lets something in: %q", policy)
	}
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" {
			t.Errorf("the answer has a header %s", name)
		}
	}
	kept := a.header.Get("Cache-Control")
	switch {
	case a.status == http.StatusOK && a.header.Get("Content-Type") == "image/png":
		if !strings.Contains(kept, "private") {
			t.Errorf("a picture is kept %q, want by that browser alone", kept)
		}
	case a.status == http.StatusOK && a.header.Get("Content-Type") == "text/html":
		if kept != "no-cache" {
			t.Errorf("the page is kept %q", kept)
		}
	case kept != "no-store":
		t.Errorf("an answer is kept %q, want not at all", kept)
	}
}

// Look answers with the picture's name, or as the name of the view says.
func (f *fakeNode) Look(_ context.Context, q *controlpb.LookRequest) (*controlpb.LookResponse, error) {
	for _, code := range []connect.Code{connect.CodeNotFound, connect.CodeInvalidArgument, connect.CodeUnavailable, connect.CodeInternal} {
		if q.GetView() == code.String() {
			return nil, connect.NewError(code, errors.New("why not"))
		}
	}
	return &controlpb.LookResponse{Png: []byte("PNG " + q.GetSample() + " " + q.GetView())}, nil
}

// TestLooks: a picture that is not there is told as such, so that a page can tell that from a node
// that is gone.
func TestLooks(t *testing.T) {
	s := serve(t, Config{Page: pageOfTests}, newFake("anna"), nil)
	for code, want := range map[connect.Code]int{
		connect.CodeNotFound: 404, connect.CodeInvalidArgument: 400, connect.CodeUnavailable: 503, connect.CodeInternal: 503,
	} {
		got := ask(t, s, http.MethodGet, lookPath+"?sample=yard/1&view="+code.String(), nil)
		if got.status != want || got.text != "why not\n" {
			t.Errorf("%v: status %d, %q", code, got.status, got.text)
		}
		strictly(t, got)
	}
	if got := ask(t, s, http.MethodPost, lookPath+"?sample=yard/1&view=north", nil); got.status != http.StatusMethodNotAllowed {
		t.Errorf("a picture that is posted for: status %d", got.status)
	}
}

// Watch answers at once, and then when its reader has gone.
func (f *fakeNode) Watch(ctx context.Context, _ *controlpb.WatchRequest, s *connect.ServerStream[controlpb.WatchResponse]) error {
	if err := s.Send(&controlpb.WatchResponse{AtUnixNs: 1}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// TestWatchEndsWithTheServer: an open page holds no node up that leaves.
func TestWatchEndsWithTheServer(t *testing.T) {
	s := serve(t, Config{}, newFake("anna"), nil)
	ctx, cancel := testContext(t)
	defer cancel()
	stream, err := newClient(s.Address().String(), Token{}).Watch(ctx, &controlpb.WatchRequest{})
	if err != nil || !stream.Receive() {
		t.Fatalf("watch: %v", errors.Join(err, stream.Err()))
	}
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	if stream.Receive() || stream.Err() != nil {
		t.Errorf("the stream did not end: %v", stream.Err())
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// TestHurried: a reader that takes nothing is not waited for without end, and what comes after the
// stream on its connection is not held to its deadline.
func TestHurried(t *testing.T) {
	set := []time.Time{}
	h := newHurried(&deadlineWriter{set: &set})
	begun := time.Now()
	if _, err := h.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	h.Flush()
	if len(set) != 2 || set[0].Before(begun.Add(readWait)) || set[1].Before(set[0]) {
		t.Errorf("deadlines of a write and a flush at %v: %v", begun, set)
	}
	h.rest()
	if !set[len(set)-1].IsZero() {
		t.Errorf("deadlines %v: the last is not lifted", set)
	}
}

type deadlineWriter struct {
	http.ResponseWriter
	set *[]time.Time
}

func (d *deadlineWriter) Write(p []byte) (int, error) { return len(p), nil }
func (d *deadlineWriter) FlushError() error           { return nil }
func (d *deadlineWriter) SetWriteDeadline(at time.Time) error {
	*d.set = append(*d.set, at)
	return nil
}

// TestPageURL: what a person is told to type works on that machine, whatever the server listens on.
func TestPageURL(t *testing.T) {
	for at, want := range map[string]string{
		"127.0.0.1:4802":   "http://127.0.0.1:4802/",
		"0.0.0.0:4803":     "http://127.0.0.1:4803/",
		"[::]:4804":        "http://[::1]:4804/",
		"192.168.7.9:4805": "http://192.168.7.9:4805/",
	} {
		s := &Server{address: netip.MustParseAddrPort(at)}
		if got := s.PageURL(); got != want || !s.isMine(strings.TrimSuffix(strings.TrimPrefix(got, "http://"), "/")) {
			t.Errorf("a server at %s has its page at %s, want %s", at, got, want)
		}
	}
}
