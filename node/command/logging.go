package command

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// The forms of log lines.
const (
	logText = "text"
	logJSON = "json"
)

// logOptions say what is logged; the zero value leaves it to where it goes.
type logOptions struct {
	level  string // one of logLevels; empty: see logger
	format string // one of logFormats; empty: see logger
}

func defaultLog() logOptions { return logOptions{} }

func logLevels() []string  { return []string{"debug", "info", "warn", "error"} }
func logFormats() []string { return []string{logText, logJSON} }

// logger writes log lines to errs: text to a terminal and JSON elsewhere, unless the
// options say otherwise. told says that the same reader is told in words what happens,
// so that it is logged from warnings on.
func (l logOptions) logger(errs io.Writer, told bool) *slog.Logger {
	shown := isTerminal(errs)
	level := slog.LevelInfo
	switch l.level {
	case "debug":
		level = slog.LevelDebug
	case "warn":
		level = slog.LevelWarn
	case "error":
		level = slog.LevelError
	case "":
		if told && shown {
			level = slog.LevelWarn
		}
	}
	options := &slog.HandlerOptions{Level: level}
	if l.format == logText || l.format == "" && shown {
		return slog.New(slog.NewTextHandler(errs, options))
	}
	return slog.New(slog.NewJSONHandler(errs, options))
}

// isTerminal tells whether somebody watches what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
