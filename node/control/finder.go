package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"connectrpc.com/connect"

	"ganglion/proto/controlpb"
)

// The times of a client.
const (
	dialWait   = 3 * time.Second
	helloWait  = 3 * time.Second // for a node to say who it is
	answerWait = 30 * time.Second
)

// answerBytes is the longest message that a node may answer: a bundle.
const answerBytes = publishBytes

// The errors of finding a node.
var (
	// ErrNoNode says that no node runs on this machine, or none that answers.
	ErrNoNode = errors.New("no node")
	// ErrAmbiguous says that more than one node has the name.
	ErrAmbiguous = errors.New("more than one node")
)

// Finder finds nodes.
type Finder struct {
	// TokenFile holds the token of the API. Empty: that which the run file names or, where
	// there is none, $GANGLION_API_TOKEN_FILE.
	TokenFile string

	dir string // of run files; empty: RunDir
}

// Node is a node that answered, and a client to ask it.
type Node struct {
	controlpb.NodeServiceClient
	// Status that it answered with.
	Status *controlpb.StatusResponse
	// Run is its run file; zero for a node that was named by its address.
	Run RunFile
	// Address of its API, as host:port.
	Address string

	finder Finder
}

// String names the node for people.
func (n *Node) String() string { return fmt.Sprintf("%s (%s)", n.Status.GetName(), n.Address) }

// Find is the node that a selector names: the name of a node or the PID of its process, on
// this machine; the host:port of an API, anywhere; or, empty, the first node of this
// machine, by name, that answers.
func (f Finder) Find(ctx context.Context, selector string) (*Node, error) {
	files, err := f.files()
	if err != nil {
		return nil, err
	}
	if selector == "" {
		return f.first(ctx, files)
	}
	var named []RunFile
	for _, file := range files {
		if file.Name == selector {
			named = append(named, file)
		}
	}
	if pid, err := strconv.Atoi(selector); err == nil && len(named) == 0 {
		for _, file := range files {
			if file.PID == pid {
				named = append(named, file)
			}
		}
	}
	switch len(named) {
	case 0:
	case 1:
		return f.reach(ctx, named[0])
	default:
		return nil, fmt.Errorf("%w of this machine has the name %s: choose one by its PID: %s", ErrAmbiguous, selector, list(named))
	}
	if _, port, err := net.SplitHostPort(selector); err == nil && port != "" {
		return f.at(ctx, selector)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w runs on this machine, so none is %q: start one with 'ganglion node', or give HOST:PORT of a node elsewhere", ErrNoNode, selector)
	}
	return nil, fmt.Errorf("%w of this machine is %q: here run %s", ErrNoNode, selector, list(files))
}

func (f Finder) files() ([]RunFile, error) {
	if f.dir != "" {
		return runFiles(f.dir)
	}
	return RunFiles()
}

// first is the first node that answers.
func (f Finder) first(ctx context.Context, files []RunFile) (*Node, error) {
	if len(files) == 0 {
		return nil, fmt.Errorf("%w runs on this machine: start one with 'ganglion node' or 'ganglion demo --keep'", ErrNoNode)
	}
	var faults []error
	for _, file := range files {
		n, err := f.reach(ctx, file)
		if err == nil {
			return n, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		faults = append(faults, err)
	}
	if len(faults) == 1 {
		return nil, faults[0]
	}
	return nil, fmt.Errorf("%w of the %d on this machine answers: %w", ErrNoNode, len(files), faults[0])
}

// list names nodes.
func list(files []RunFile) string {
	var names []string
	for _, f := range files {
		names = append(names, fmt.Sprintf("%s (PID %d)", f.Name, f.PID))
	}
	return strings.Join(names, ", ")
}

// reach asks the node of a run file who it is: another may have its address by now.
func (f Finder) reach(ctx context.Context, file RunFile) (*Node, error) {
	n, err := f.hello(ctx, file.API, file.API, cmp.Or(f.TokenFile, file.TokenFile, os.Getenv("GANGLION_API_TOKEN_FILE")))
	if err != nil {
		return nil, fmt.Errorf("ask node %s (PID %d): %w", file.Name, file.PID, err)
	}
	if n.Status.GetPeer() != file.Peer {
		return nil, fmt.Errorf("ask node %s (PID %d): at %s another node answers, %s; name it by its address", file.Name, file.PID, file.API, n.Status.GetName())
	}
	n.Run = file
	return n, nil
}

// at asks the node at a host:port. A name is looked up first: servers answer to addresses
// alone.
func (f Finder) at(ctx context.Context, hostport string) (*Node, error) {
	address := hostport
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, fmt.Errorf("ask node at %s: %w", hostport, err)
	}
	if _, err := netip.ParseAddr(host); err != nil {
		lookup, cancel := context.WithTimeout(ctx, dialWait)
		defer cancel()
		found, err := net.DefaultResolver.LookupNetIP(lookup, "ip", host)
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("ask node at %s: %w", hostport, errors.Join(err, ctx.Err()))
		}
		address = net.JoinHostPort(found[0].Unmap().String(), port)
	}
	n, err := f.hello(ctx, address, hostport, cmp.Or(f.TokenFile, os.Getenv("GANGLION_API_TOKEN_FILE")))
	if errors.Is(err, syscall.ECONNREFUSED) {
		err = fmt.Errorf("%w: no node serves there; on its machine this tells where it does: ganglion status", err)
	}
	if err != nil {
		return nil, fmt.Errorf("ask node at %s: %w", hostport, err)
	}
	return n, nil
}

// hello makes a client of the API at an address and asks who is there.
func (f Finder) hello(ctx context.Context, address, shown, tokenFile string) (*Node, error) {
	var token Token
	if tokenFile != "" {
		var err error
		if token, err = ReadToken(tokenFile); err != nil {
			return nil, err
		}
	}
	n := &Node{NodeServiceClient: newClient(address, token), Address: shown, finder: f}
	ctx, cancel := context.WithTimeout(ctx, helloWait)
	defer cancel()
	var err error
	if n.Status, err = n.NodeServiceClient.Status(ctx, &controlpb.StatusRequest{}); err != nil {
		return nil, explain(err)
	}
	return n, nil
}

// newClient is a client of the API at ip:port. It asks no proxy.
func newClient(address string, token Token) controlpb.NodeServiceClient {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialWait}).DialContext,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     answerWait,
	}
	return controlpb.NewNodeServiceClient(&http.Client{Transport: bearer{transport, token}}, "http://"+address,
		connect.WithReadMaxBytes(answerBytes))
}

// bearer shows the token with every request.
type bearer struct {
	next  http.RoundTripper
	token Token
}

// RoundTrip sends a request.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if !b.token.IsZero() {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", b.token.header())
	}
	return b.next.RoundTrip(r)
}

// explain turns an error of a call into one for people: what went wrong, and what to do.
func explain(err error) error {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	switch failed.Code() {
	case connect.CodeUnauthenticated:
		return errors.New("the API asks for a token, or for another than this: give it with --api-token-file FILE, or GANGLION_API_TOKEN_FILE")
	case connect.CodeDeadlineExceeded:
		return errors.New("no answer in time")
	default:
		return &CallError{Code: failed.Code(), text: failed.Message(), cause: failed}
	}
}

// CallError is why a node did not do what it was asked for.
type CallError struct {
	// Code says of which kind the reason is.
	Code connect.Code

	text  string
	cause error
}

// Error is what the node said, or why it said nothing.
func (e *CallError) Error() string { return e.text }

// Unwrap is the error of the call.
func (e *CallError) Unwrap() error { return e.cause }

// Explain turns an error of a call to this node into one for people.
func (n *Node) Explain(err error) error {
	if err == nil {
		return nil
	}
	if err = explain(err); errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("ask node %s: %w", n, err)
}
