package link

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/libp2p/go-libp2p/gologshim"
)

// RouteLogs sends what libp2p logs to the logger, all of it as debug: what matters of
// it this package returns or logs itself, and libp2p calls an error what is none, such
// as a listener that was closed on purpose. Without it libp2p writes to standard
// error. It holds for the whole process; the one who starts the process calls it,
// before the first [New].
func RouteLogs(log *slog.Logger) { gologshim.SetDefaultHandler(demoted{log.Handler()}) }

// demoted passes records on as debug.
type demoted struct{ to slog.Handler }

// Enabled tells whether the logger takes debug.
func (d demoted) Enabled(ctx context.Context, _ slog.Level) bool {
	return d.to.Enabled(ctx, slog.LevelDebug)
}

// Handle passes a record on.
func (d demoted) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	if err := d.to.Handle(ctx, r); err != nil {
		return fmt.Errorf("log for libp2p: %w", err)
	}
	return nil
}

// WithAttrs adds attributes.
func (d demoted) WithAttrs(attrs []slog.Attr) slog.Handler { return demoted{d.to.WithAttrs(attrs)} }

// WithGroup adds a group.
func (d demoted) WithGroup(name string) slog.Handler { return demoted{d.to.WithGroup(name)} }
