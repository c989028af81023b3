package control

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"
)

// fromHere refuses what a page in a browser of this machine would send: requests under a
// name that is not the server's, as after DNS rebinding, and requests from a page that this
// server did not serve, which is every page.
func (s *Server) fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.isMine(r.Host) {
			http.Error(w, "this host name is not the control API's: address it as "+s.address.String(), http.StatusMisdirectedRequest)
			return
		}
		if !fromNoPage(r) {
			http.Error(w, "this node answers no web pages but its own: ask it from a program, or type the address of its page", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isMine reports whether a Host header names this server: as localhost or by an IP address
// that leads here. The port is free, for tunnels change it.
func (s *Server) isMine(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap().WithZone("")
	bound := s.address.Addr().Unmap().WithZone("")
	return ip.IsLoopback() || ip == bound || bound.IsUnspecified()
}

// fromNoPage reports whether a request comes from no web page but this server's own.
func fromNoPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return false
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || u.Host == "" || u.Host != r.Host {
			return false
		}
	}
	return true
}

// bounded limits how many requests are answered at once, how large they are and how long
// they may take to come.
func bounded(next http.Handler) http.Handler {
	all, big := make(chan struct{}, requestsAtOnce), make(chan struct{}, bigAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := requestBytes(r.URL.Path)
		room := []chan struct{}{all}
		if most > otherBytes {
			room = append(room, big)
		}
		for _, c := range room {
			select {
			case c <- struct{}{}:
				defer func() { <-c }() // one or two, for as long as the request
			default:
				http.Error(w, "the node answers too many requests at once: ask again", http.StatusServiceUnavailable)
				return
			}
		}
		const around = 1 << 10 // gRPC's frame
		control := http.NewResponseController(w)
		if r.Body != nil && r.Body != http.NoBody && control.SetReadDeadline(time.Now().Add(uploadWait)) == nil {
			r.Body = &upload{ReadCloser: http.MaxBytesReader(w, r.Body, int64(most)+around), control: control}
		}
		next.ServeHTTP(w, r)
	})
}

// upload is the body of a request. Once it has come whole, its deadline is lifted: the
// answer may take longer.
type upload struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read reads from the body.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = u.control.SetReadDeadline(time.Time{}) // it could be set, so it can be lifted
	}
	return n, err
}

// isPublic reports whether a path is answered without a token: it says nothing about the
// node. A path that leads elsewhere when it is cleaned is none.
func isPublic(of string) bool {
	return of == "/" || strings.HasPrefix(of, pageFiles) && path.Clean(of) == of
}
