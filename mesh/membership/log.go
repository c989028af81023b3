package membership

import (
	"log/slog"
	"strings"
)

// logWriter passes memberlist's own log on: it is of use to who debugs this package,
// and to nobody else.
type logWriter struct{ log *slog.Logger }

// Write takes one line.
func (w logWriter) Write(line []byte) (int, error) {
	w.log.Debug("memberlist", "line", strings.TrimSpace(string(line)))
	return len(line), nil
}
