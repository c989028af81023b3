package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"ganglion/proto/controlpb"
)

// DefaultPort is where the control API is looked for when nothing else is said.
const DefaultPort = 4802

// The limits of the server.
const (
	publishBytes  = 64<<20 + 1<<10 // a bundle and what is around it
	classifyBytes = 32 << 20       // pictures
	otherBytes    = 64 << 10

	headerBytes    = 16 << 10
	headerWait     = 5 * time.Second
	uploadWait     = time.Minute // for the body of a request
	idleWait       = 2 * time.Minute
	shutdownWait   = 2 * time.Second // for calls that are being answered
	requestsAtOnce = 256             // at once, streams included
	bigAtOnce      = 4               // of those, with a bundle or pictures
)

// Config says where the API is served.
type Config struct {
	// Address to listen on; port 0: any that is free. Where the port is taken, any free
	// one is used instead.
	Address netip.AddrPort
	// TokenFile holds the token that every request has to show, one word of 16 to 256
	// characters. Empty: none is asked for, which is possible on loopback alone.
	TokenFile string
	// Page, if not nil, answers GET / for browsers, and GET /page/: files that say nothing of
	// the node, for they are served without a token. Nil: there is no page, and no pictures.
	Page http.Handler
	// Listen, if not nil, listens in place of the machine's TCP: on a network in memory.
	Listen func(at netip.AddrPort) (net.Listener, error)
}

// Validate returns every fault of the configuration, joined, or nil.
func (c *Config) Validate() error {
	if !c.Address.IsValid() {
		return errors.New("API address: give IP:PORT, such as 127.0.0.1:4802")
	}
	if ip := c.Address.Addr().Unmap(); !ip.IsLoopback() && c.TokenFile == "" {
		return fmt.Errorf("API address %s is reached from other machines: give a token file too (--api-token-file), or use 127.0.0.1:%d",
			c.Address, c.Address.Port())
	}
	return nil
}

// Server serves the control API of one node. Make it with [New], which listens, then
// [Server.Run] it once.
type Server struct {
	listener net.Listener
	address  netip.AddrPort
	http     http.Server
	log      *slog.Logger
	end      context.CancelFunc // ends streams
}

// New is a server that listens, so that its address is known. handler answers the calls,
// metrics (nil: none) the path /metrics. Where the port is taken, it listens on another and
// says so in the log.
func New(c Config, handler controlpb.NodeServiceHandler, metrics http.Handler, log *slog.Logger) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("serve control API: %w", err)
	}
	var token Token
	if c.TokenFile != "" {
		var err error
		if token, err = ReadToken(c.TokenFile); err != nil {
			return nil, fmt.Errorf("serve control API: %w", err)
		}
	}
	if c.Listen == nil {
		c.Listen = func(at netip.AddrPort) (net.Listener, error) { return listen(at, log) }
	}
	listener, err := c.Listen(c.Address)
	if err != nil {
		return nil, fmt.Errorf("serve control API: %w", err)
	}
	address, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serve control API: %w", err), listener.Close())
	}
	streams, end := context.WithCancel(context.Background())
	s := &Server{listener: listener, address: address, log: log, end: end}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = http.Server{
		Handler:           strict(s.fromHere(token.guard(bounded(routes(streams, handler, metrics, c.Page))))),
		Protocols:         &protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 64},
		ReadHeaderTimeout: headerWait,
		IdleTimeout:       idleWait,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

func listen(address netip.AddrPort, log *slog.Logger) (net.Listener, error) {
	var config net.ListenConfig
	ctx := context.Background() // it takes no time
	l, err := config.Listen(ctx, "tcp", address.String())
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	l, err = config.Listen(ctx, "tcp", netip.AddrPortFrom(address.Addr(), 0).String())
	if err == nil {
		log.Info("port of the control API is taken, another is used", "taken", address.String(), "address", l.Addr().String())
	}
	return l, err
}

// Address is where the server listens.
func (s *Server) Address() netip.AddrPort { return s.address }

// PageURL is what a person of this machine types into a browser to see the page.
func (s *Server) PageURL() string {
	at := s.address
	if at.Addr().IsUnspecified() {
		loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if at.Addr().Is6() {
			loopback = netip.IPv6Loopback()
		}
		at = netip.AddrPortFrom(loopback, at.Port())
	}
	return "http://" + at.String() + "/"
}

// Run serves until ctx is done. Then streams end at once, and other calls have two seconds
// to be answered.
func (s *Server) Run(ctx context.Context) error {
	calls, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	s.http.BaseContext = func(net.Listener) context.Context { return calls }
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve control API: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		s.end()
		wait, cancel := context.WithTimeout(calls, shutdownWait)
		defer cancel()
		if err := s.http.Shutdown(wait); err != nil {
			s.log.Warn("calls of the control API were cut off", "error", err)
			abort()
			return s.http.Close()
		}
		return nil
	})
	return g.Wait()
}

// routes is everything that the server answers. Streams end when the context streams does.
func routes(streams context.Context, handler controlpb.NodeServiceHandler, metrics, page http.Handler) http.Handler {
	options := connect.WithConditionalHandlerOptions(func(spec connect.Spec) []connect.HandlerOption {
		return []connect.HandlerOption{connect.WithReadMaxBytes(requestBytes(spec.Procedure))}
	})
	mux := http.NewServeMux()
	path, service := controlpb.NewNodeServiceHandler(handler, options)
	mux.Handle(path, service)
	for _, procedure := range []string{
		controlpb.NodeServiceVerdictsProcedure, controlpb.NodeServiceEventsProcedure, controlpb.NodeServiceWatchProcedure,
	} {
		mux.HandleFunc(procedure, func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(streams, cancel)()
			if procedure == controlpb.NodeServiceWatchProcedure {
				in := newHurried(w)
				defer in.rest()
				w = in
			}
			service.ServeHTTP(w, r.WithContext(ctx))
		})
	}
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	if page != nil {
		mux.Handle("GET "+pageFiles, page)
		mux.Handle("GET "+lookPath, looks(handler))
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if page != nil && wantsHTML(r) {
			page.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "A ganglion node. Ask it with the ganglion program, gRPC, connect or JSON; numbers are at /metrics.\n")
	})
	return mux
}

// requestBytes is the largest message of a call.
func requestBytes(procedure string) int {
	switch procedure {
	case controlpb.NodeServicePublishProcedure:
		return publishBytes
	case controlpb.NodeServiceClassifyProcedure:
		return classifyBytes
	}
	return otherBytes
}
