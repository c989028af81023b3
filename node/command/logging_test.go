package command

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestLogger shows form and levels: where nobody watches, lines are for programs.
func TestLogger(t *testing.T) {
	tests := []struct {
		name    string
		options logOptions
		told    bool
		json    bool
		want    string // the messages that are written
	}{
		{"nothing said", logOptions{}, false, true, "info warn error"},
		{"nobody watches the log", logOptions{}, true, true, "info warn error"},
		{"text", logOptions{format: logText}, false, false, "info warn error"},
		{"debug", logOptions{level: "debug"}, false, true, "debug info warn error"},
		{"warn", logOptions{level: "warn"}, false, true, "warn error"},
		{"error as text", logOptions{level: "error", format: logText}, false, false, "error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			log := tt.options.logger(&out, tt.told)
			log.Debug("debug")
			log.Info("info")
			log.Warn("warn")
			log.Error("error")
			var got []string
			for line := range strings.Lines(out.String()) {
				var entry struct {
					Message string `json:"msg"`
				}
				if err := json.Unmarshal([]byte(line), &entry); (err == nil) != tt.json {
					t.Fatalf("the line %q is of the other form", line)
				}
				if !tt.json {
					_, after, _ := strings.Cut(line, "msg=")
					entry.Message = strings.TrimSpace(after)
				}
				got = append(got, entry.Message)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
