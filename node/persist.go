package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"ganglion/inference/durable"
	"ganglion/roles"
)

// persisted is what a node must not forget of its claims: a claim is on disk before anyone
// hears of it, so that no epoch comes twice from one identity.
type persisted struct {
	path   string // empty: in memory alone
	epochs map[roles.Role]roles.Epoch
	log    *slog.Logger
}

// claimsFile is the file, JSON.
type claimsFile struct {
	Claims []claimLine `json:"claims"`
}

type claimLine struct {
	Role    string `json:"role"`
	Site    string `json:"site,omitempty"`
	Group   int    `json:"group,omitempty"`
	Counter uint64 `json:"counter"`
	Peer    string `json:"peer"`
}

// openPersisted reads the claims of an earlier life; dir may be empty.
func openPersisted(dir string, log *slog.Logger) (persisted, error) {
	p := persisted{epochs: map[roles.Role]roles.Epoch{}, log: log}
	if dir == "" {
		return p, nil
	}
	p.path = filepath.Join(dir, "claims.json")
	data, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("read claims: %w", err)
	}
	var file claimsFile
	if err := json.Unmarshal(data, &file); err != nil {
		return p, fmt.Errorf("read claims: %s is damaged (%w): remove it, the mesh knows the claims", p.path, err)
	}
	for _, c := range file.Claims {
		role := roles.Role{Site: roles.Site(c.Site), Group: c.Group}
		for _, k := range []roles.RoleKind{roles.CloudKind, roles.AggregatorKind, roles.CoordinatorKind} {
			if k.String() == c.Role {
				role.Kind = k
			}
		}
		epoch := roles.Epoch{Counter: c.Counter, Peer: roles.Peer(c.Peer)}
		if err := errors.Join(role.Validate(), epoch.Validate()); err != nil {
			return p, fmt.Errorf("read claims: %s: %w: remove it, the mesh knows the claims", p.path, err)
		}
		p.epochs[role] = epoch
	}
	return p, nil
}

// save notes claims, on disk where there is a state directory. A disk that is full is no
// reason to leave the mesh without a holder: it is told, and the claim goes on.
func (p *persisted) save(ctx context.Context, claims []roles.Claim) {
	if len(claims) == 0 {
		return
	}
	for _, c := range claims {
		p.epochs[c.Role] = c.Epoch
	}
	if p.path == "" {
		return
	}
	var file claimsFile
	for role, e := range p.epochs {
		file.Claims = append(file.Claims, claimLine{role.Kind.String(), string(role.Site), role.Group, e.Counter, string(e.Peer)})
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err == nil {
		err = durable.WriteFile(p.path, append(data, '\n'), 0o600)
	}
	if err != nil {
		p.log.WarnContext(ctx, "claim is not on disk; after a restart this node may repeat its number", "error", err)
	}
}
