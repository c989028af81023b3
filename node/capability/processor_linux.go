package capability

import (
	"os"
	"strings"
)

// processor names the kind of processor: where its model is not told, as on ARM, by the
// numbers of its maker, and by the board.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	board, err := os.ReadFile("/proc/device-tree/model")
	if err != nil {
		board = nil
	}
	return processorOf(string(info)) + string(board)
}

// processorOf is what tells processors apart in the text of /proc/cpuinfo, each once:
// a machine may have two kinds.
func processorOf(info string) string {
	var out []string
	seen := map[string]bool{}
	for line := range strings.Lines(info) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name", "Hardware", "cpu model", "uarch",
			"CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision":
			told := strings.TrimSpace(key) + ":" + strings.TrimSpace(value)
			if !seen[told] {
				seen[told] = true
				out = append(out, told)
			}
		}
	}
	return strings.Join(out, "\n")
}
