package control

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"ganglion/proto/controlpb"
)

const statusPath = controlpb.NodeServiceStatusProcedure

// tokenFile is a file with an API token.
func tokenFile(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// send sends a request, changed by edit, and returns the status and the body.
func send(t *testing.T, s served, method, path, body string, edit func(*http.Request)) (int, string) {
	t.Helper()
	ctx, cancel := testContext(t)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.Address().String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if edit != nil {
		edit(r)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// A program of this machine is answered; what a web page would send, or another machine's
// host name, or a caller without the token, is not, and learns nothing.
func TestWhoIsAnswered(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ganglion_up 1\n") })
	const token = "correct-horse-battery"
	open := serve(t, Config{}, newFake("anna"), metrics)
	closed := serve(t, Config{TokenFile: tokenFile(t, token)}, newFake("anna"), metrics)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	tests := []struct {
		name   string
		server served
		path   string
		edit   func(*http.Request)
		want   int
	}{
		{"a program", open, statusPath, nil, 200},
		{"metrics", open, "/metrics", nil, 200},
		{"no such path", open, "/secrets", nil, 404},
		{"as localhost", open, statusPath, host("localhost:4802"), 200},
		{"as another loopback address, by a tunnel", open, statusPath, host("127.0.0.2:9999"), 200},
		{"as IPv6 loopback", open, statusPath, host("[::1]"), 200},
		{"rebound name", open, statusPath, host("evil.example:4802"), 421},
		{"rebound name, metrics", open, "/metrics", host("evil.example"), 421},
		{"name that begins like ours", open, statusPath, host("localhost.evil.example"), 421},
		{"another address", open, statusPath, host("192.0.2.1:4802"), 421},
		{"a page", open, statusPath, header("Origin", "http://evil.example"), 403},
		{"a page of a file", open, statusPath, header("Origin", "null"), 403},
		{"a page of another port", open, statusPath, header("Origin", "http://127.0.0.1:1"), 403},
		{"a page's image", open, "/metrics", header("Sec-Fetch-Site", "cross-site"), 403},
		{"same origin", open, statusPath, func(r *http.Request) { r.Header.Set("Origin", "http://"+r.Host) }, 200},
		{"typed into a browser", open, "/metrics", header("Sec-Fetch-Site", "none"), 200},

		{"the token", closed, statusPath, header("Authorization", "Bearer "+token), 200},
		{"the token, metrics", closed, "/metrics", header("Authorization", "Bearer "+token), 200},
		{"no token", closed, statusPath, nil, 401},
		{"no token, metrics", closed, "/metrics", nil, 401},
		{"no token, the page that says nothing", closed, "/", nil, 200},
		{"wrong token", closed, statusPath, header("Authorization", "Bearer "+token+"x"), 401},
		{"part of the token", closed, statusPath, header("Authorization", "Bearer "+token[:len(token)-1]), 401},
		{"an empty token", closed, statusPath, header("Authorization", "Bearer "), 401},
		{"as a password", closed, statusPath, header("Authorization", "Basic "+token), 401},
		{"the token, from a page", closed, statusPath, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Origin", "http://evil.example")
		}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			method, body := http.MethodPost, "{}"
			if tt.path != statusPath {
				method, body = http.MethodGet, ""
			}
			got, text := send(t, tt.server, method, tt.path, body, tt.edit)
			if got != tt.want {
				t.Errorf("status %d, want %d: %s", got, tt.want, text)
			}
			if strings.Contains(text, token) || got != 200 && strings.Contains(text, "anna") {
				t.Errorf("the answer tells too much: %s", text)
			}
		})
	}
}

// A caller cannot have the node keep more than its calls need, compressed or not.
func TestSizes(t *testing.T) {
	s := serve(t, Config{}, newFake("anna"), nil)
	client := newClient(s.Address().String(), Token{})
	ctx, cancel := testContext(t)
	defer cancel()
	got, err := client.Publish(ctx, &controlpb.PublishRequest{File: make([]byte, 64<<20)})
	if err != nil || got.GetBundle() != fmt.Sprint(64<<20) {
		t.Errorf("the largest bundle: %v, %v", got, err)
	}
	_, err = client.Publish(ctx, &controlpb.PublishRequest{File: make([]byte, 64<<20+2<<10)})
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("a larger bundle: %v, want resource_exhausted", err)
	}
	_, err = client.Set(ctx, &controlpb.SetRequest{Value: strings.Repeat("x", otherBytes)})
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("a large setting: %v, want resource_exhausted", err)
	}
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	if _, err := w.Write(append([]byte(`{"value":"`), bytes.Repeat([]byte("x"), 8<<20)...)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	code, text := send(t, s, http.MethodPost, controlpb.NodeServiceSetProcedure, bomb.String(), func(r *http.Request) {
		r.Header.Set("Content-Encoding", "gzip")
	})
	if code != http.StatusTooManyRequests || !strings.Contains(text, "resource_exhausted") {
		t.Errorf("8 MiB in %d bytes: status %d %s", bomb.Len(), code, text)
	}
	code, _ = send(t, s, http.MethodPost, statusPath, "{}", func(r *http.Request) {
		r.Header.Set("X-Large", strings.Repeat("x", 1<<20))
	})
	if code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 1 MiB: status %d", code)
	}
}

// Uploads that never end hold their places, and no more: small calls go on, and the places
// come back.
func TestSlowUploads(t *testing.T) {
	s := serve(t, Config{}, newFake("anna"), nil)
	var hanging []net.Conn
	for range bigAtOnce {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Address().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		// The server asks for the body once the call has its place.
		_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/proto\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
			controlpb.NodeServicePublishProcedure)
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.Contains(line, "100 Continue") {
			t.Fatalf("a slow upload is answered %q, %v", line, err)
		}
		hanging = append(hanging, c)
	}
	code, _ := send(t, s, http.MethodPost, controlpb.NodeServicePublishProcedure, "{}", nil)
	if code != http.StatusServiceUnavailable {
		t.Errorf("one upload more: status %d, want 503", code)
	}
	if code, text := send(t, s, http.MethodPost, statusPath, "{}", nil); code != 200 {
		t.Errorf("a small call meanwhile: status %d %s", code, text)
	}
	for _, c := range hanging {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := testContext(t)
	defer cancel()
	for code = 0; code != 200 && ctx.Err() == nil; {
		code, _ = send(t, s, http.MethodPost, controlpb.NodeServicePublishProcedure, "{}", nil)
	}
	if code != 200 {
		t.Errorf("once they are gone: status %d", code)
	}
}

// gRPC over HTTP/2 without TLS, streams included, is served on the same port.
func TestGRPC(t *testing.T) {
	f := newFake("anna")
	f.publish(beatLines(runOne, 3)...)
	s := serve(t, Config{}, f, nil)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	defer transport.CloseIdleConnections()
	client := controlpb.NewNodeServiceClient(&http.Client{Transport: transport}, "http://"+s.Address().String(), connect.WithGRPC())
	ctx, cancel := testContext(t)
	defer cancel()
	status, err := client.Status(ctx, &controlpb.StatusRequest{})
	if err != nil || status.GetName() != "anna" {
		t.Errorf("status: %v, %v", status, err)
	}
	stream, err := client.Verdicts(ctx, &controlpb.VerdictsRequest{Last: 2})
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for stream.Receive() {
		lines++
	}
	if lines != 2 || stream.Err() != nil {
		t.Errorf("%d lines, want 2: %v", lines, stream.Err())
	}
	_, err = client.Publish(ctx, &controlpb.PublishRequest{File: make([]byte, 64<<20+2<<10)})
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("a bundle that is too large: %v, want resource_exhausted", err)
	}
}

// A server that ends answers what it was asked, ends its streams, and lets go of the port.
func TestShutdown(t *testing.T) {
	ctx, cancel := testContext(t)
	defer cancel()
	f := newFake("anna")
	f.began, f.hold = make(chan struct{}), make(chan struct{})
	s := serve(t, Config{}, f, nil)
	client := newClient(s.Address().String(), Token{})

	answered, streamed, ended := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := client.Tally(ctx, &controlpb.TallyRequest{})
		answered <- err
	}()
	go func() {
		stream, err := client.Verdicts(ctx, &controlpb.VerdictsRequest{Follow: true})
		if err == nil {
			for stream.Receive() {
			}
			err = stream.Err()
		}
		streamed <- err
	}()
	<-f.began
	if err := f.waitFollowed(ctx); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- s.stop() }()
	if err := <-streamed; err != nil {
		t.Errorf("the stream ended with %v, want its end", err)
	}
	close(f.hold)
	if err := <-answered; err != nil {
		t.Errorf("the call was answered %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Address().String())
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	_ = l.Close()
}

// A call that takes longer than a server may is cut off: a node that leaves does leave.
func TestShutdownCutsOff(t *testing.T) {
	ctx, cancel := testContext(t)
	defer cancel()
	f := newFake("anna")
	f.began, f.hold = make(chan struct{}), make(chan struct{})
	s := serve(t, Config{}, f, nil)
	answered := make(chan error, 1)
	go func() {
		_, err := newClient(s.Address().String(), Token{}).Tally(ctx, &controlpb.TallyRequest{})
		answered <- err
	}()
	<-f.began
	if err := s.stop(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the call was answered, although nobody did")
	}
}

// Where the port is taken, another is used; beyond loopback nothing is served without a
// token that nobody else can read.
func TestAddresses(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	first := serve(t, Config{}, newFake("anna"), nil)
	var told bytes.Buffer
	second, err := New(Config{Address: first.Address()}, newFake("bert"), nil, slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer second.listener.Close()
	if a := second.Address(); a == first.Address() || a.Addr() != first.Address().Addr() || a.Port() == 0 {
		t.Errorf("the second server listens on %v, the first on %v", a, first.Address())
	}
	if !strings.Contains(told.String(), second.Address().String()) {
		t.Errorf("the log does not tell of %v: %s", second.Address(), told.String())
	}
	readable := tokenFile(t, "correct-horse-battery")
	if err := os.Chmod(readable, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, address, tokenFile, want string }{
		{"all interfaces", "0.0.0.0:0", "", "token"},
		{"all interfaces, IPv6", "[::]:0", "", "token"},
		{"another interface", "192.0.2.1:4802", "", "token"},
		{"in IPv6's clothes", "[::ffff:192.0.2.1]:4802", "", "token"},
		{"no such file", "127.0.0.1:0", "/nonexistent/token", "no such file"},
		{"short", "127.0.0.1:0", tokenFile(t, "short"), "16"},
		{"two words", "127.0.0.1:0", tokenFile(t, "correct horse battery staple"), "one word"},
		{"empty", "127.0.0.1:0", tokenFile(t, ""), "one word"},
		{"readable by others", "127.0.0.1:0", readable, "chmod 600"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(Config{Address: netip.MustParseAddrPort(tt.address), TokenFile: tt.tokenFile}, newFake("anna"), nil, log)
			if err == nil {
				_ = s.listener.Close()
				t.Fatalf("it listens on %v", s.Address())
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "horse") {
				t.Errorf("error %q, want one with %q and without the token", err, tt.want)
			}
		})
	}
	if _, err := New(Config{}, newFake("anna"), nil, log); err == nil {
		t.Error("no address is taken for one")
	}
}

// A token is never printed, however.
func TestTokenIsNotPrinted(t *testing.T) {
	token, err := parseToken("correct-horse-battery")
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("token", "token", token)
	for _, text := range []string{fmt.Sprint(token), fmt.Sprintf("%+v %#v %s %q %x", token, token, token, token, token), logged.String()} {
		if strings.Contains(text, "horse") || strings.Contains(text, fmt.Sprintf("%x", "horse")) {
			t.Errorf("printed: %s", text)
		}
	}
}

// An upload's deadline must not end the answer that comes after it.
func TestUploadDeadlineIsLifted(t *testing.T) {
	set := []time.Time{}
	w := &deadlines{set: &set}
	body := &upload{ReadCloser: io.NopCloser(strings.NewReader("ab")), control: http.NewResponseController(w)}
	if _, err := io.ReadAll(body); err != nil {
		t.Fatal(err)
	}
	if len(set) == 0 || !set[len(set)-1].IsZero() {
		t.Errorf("deadlines set at the end of the body: %v, want none", set)
	}
}

type deadlines struct {
	http.ResponseWriter
	set *[]time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	*d.set = append(*d.set, at)
	return nil
}

// What ended a call is told in words that say what to do.
func TestExplain(t *testing.T) {
	s := serve(t, Config{TokenFile: tokenFile(t, "correct-horse-battery")}, newFake("anna"), nil)
	ctx, cancel := testContext(t)
	defer cancel()
	_, err := Finder{dir: t.TempDir()}.Find(ctx, s.Address().String())
	if err == nil || !strings.Contains(err.Error(), "--api-token-file") {
		t.Errorf("without the token: %v", err)
	}
	n, err := Finder{dir: t.TempDir(), TokenFile: tokenFile(t, "correct-horse-battery")}.Find(ctx, s.Address().String())
	if err != nil {
		t.Fatalf("with the token: %v", err)
	}
	_, err = n.Bundle(ctx, &controlpb.BundleRequest{})
	var failed *CallError
	if err = n.Explain(err); !errors.As(err, &failed) || failed.Code != connect.CodeUnimplemented || !strings.Contains(err.Error(), "anna") {
		t.Errorf("a call that is not there: %v", err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	_, err = n.Tally(stopped, &controlpb.TallyRequest{})
	if !errors.Is(n.Explain(err), context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
}
