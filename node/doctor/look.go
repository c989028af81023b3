package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"ganglion/mesh/discovery"
	"ganglion/mesh/secret"
	"ganglion/proto/controlpb"
)

// Place is what a node would have to work with, where none runs.
type Place struct {
	// State is the node's folder; empty: none.
	State string
	// Token is its token, where one was given in another way than by the state folder.
	Token secret.Token
	// Open says that it would join the mesh without a secret.
	Open bool
	// Port is the TCP port of the mesh; 0: any.
	Port uint16
	// Discovery says where and how to listen, and for how long; its Keys are not used.
	Discovery discovery.Config
}

// Look gathers the facts that a machine can tell on which no node runs: its interfaces and
// ports, the state folder and its token, and what is heard meanwhile. It takes as long as
// Place.Discovery.Listen says. It makes no file but one in the state folder, if there is one,
// which it takes away again.
func Look(ctx context.Context, p Place, log *slog.Logger) (*controlpb.DiagnoseResponse, error) {
	c := &p.Discovery
	report := &controlpb.PlaceReport{
		State: p.State, Open: p.Open, Only: c.Interfaces, BeaconPort: uint32(c.Port), PortWanted: uint32(p.Port), BeaconVersion: discovery.Version,
	}
	for _, way := range c.Without {
		report.Without = append(report.Without, string(way))
	}
	p.token(report)
	if info, err := os.Stat(p.State); p.State != "" && err == nil && info.IsDir() {
		report.StateFault = Unwritable(p.State)
	}
	report.PortFault = p.port(ctx)
	facts := &controlpb.DiagnoseResponse{Place: report}
	status, err := discovery.Survey(ctx, *c, log)
	if err != nil {
		return nil, fmt.Errorf("listen to the network: %w", err)
	}
	report.DiscoveryFault = status.Fault
	listed, err := discovery.SystemInterfaces()
	if err != nil {
		report.DiscoveryFault = err.Error()
	}
	Discovery(facts, &status, listed, c.Interfaces)
	facts.Findings = Judge(facts)
	return facts, nil
}

// token says of which mesh the token is that a node would use.
func (p *Place) token(report *controlpb.PlaceReport) {
	token := p.Token
	switch {
	case p.Open:
		report.Mesh = openMesh()
		return
	case token.IsZero() && p.State != "":
		var err error
		token, err = secret.LoadToken(filepath.Join(p.State, "token"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			report.TokenFault = err.Error()
		}
	default:
	}
	if !token.IsZero() {
		report.Mesh = string(token.Keys().Fingerprint)
	}
}

// port says why the TCP port of the mesh cannot be had; empty: it can, or any will do. With
// interfaces named, a node listens at their addresses alone.
func (p *Place) port(ctx context.Context) string {
	if p.Port == 0 {
		return ""
	}
	hosts := []string{""}
	if len(p.Discovery.Interfaces) > 0 {
		hosts = nil
		listed, err := discovery.SystemInterfaces()
		if err != nil {
			return "" // told of in another place
		}
		used, _ := discovery.Select(listed, p.Discovery.Interfaces)
		for _, i := range used {
			for _, prefix := range i.Prefixes {
				if !prefix.Addr().IsLinkLocalUnicast() {
					hosts = append(hosts, prefix.Addr().String())
				}
			}
		}
	}
	for _, host := range hosts {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, fmt.Sprint(p.Port)))
		if err != nil {
			return plainCause(err)
		}
		_ = l.Close() // nobody has connected
	}
	return ""
}

// plainCause is an error of the network without what it was about.
func plainCause(err error) string {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err
	}
	if call := (*os.SyscallError)(nil); errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}

// Unwritable says why nothing can be written to a folder; empty: something can.
func Unwritable(folder string) string {
	f, err := os.CreateTemp(folder, ".doctor-*")
	if err == nil {
		// A file system that is full gives a file, and no room in it.
		const block = 4096
		_, err = f.Write(make([]byte, block))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	if err == nil {
		return ""
	}
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
