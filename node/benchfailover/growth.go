package benchfailover

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"ganglion/node/benchmesh"
)

// What a node may grow by. A verdict log fills for minutes, by design: so much of memory is
// allowed for each verdict that came to it, up to what it keeps.
const (
	allowedBytes       = 16 << 20
	allowedPerVerdict  = 2 << 10
	allowedGoroutines  = 40
	allowedDescriptors = 16
)

// use is what a process uses.
type use struct {
	node        string
	starts      int
	memory      uint64 // anonymous, in bytes
	descriptors int
	goroutines  *int // nil: the node does not tell
	verdicts    uint64
}

// Growth is what a node that lived all along has grown by.
type Growth struct {
	Node        string   `json:"node"`
	Memory      [2]int64 `json:"memory_bytes"` // after warming up, and at the end
	Descriptors [2]int   `json:"descriptors"`
	Goroutines  *[2]int  `json:"goroutines"` // nil: the nodes do not tell
	Verdicts    uint64   `json:"verdicts"`   // that came to its log in between
	Faults      []string `json:"faults"`     // what grew by more than it may
}

// uses is what these nodes use. It is nothing where the system does not tell.
func (m *liveMesh) uses(ctx context.Context, of []*member) (all []use, err error) {
	if !benchmesh.ProcKnown() {
		return nil, nil
	}
	for _, one := range of {
		u := use{node: one.name, starts: one.starts}
		memory, err := benchmesh.MemoryOf(one.process.PID())
		if err != nil {
			return nil, err
		}
		u.memory = memory.Anonymous
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", one.process.PID()))
		if err != nil {
			return nil, fmt.Errorf("count descriptors: %w", err)
		}
		u.descriptors = len(open)
		if err := u.ask(ctx, one); err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// ask reads a node's metrics.
func (u *use) ask(ctx context.Context, one *member) error {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+one.api+"/metrics", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", one.name, err)
	}
	answer, err := one.plain.Do(q)
	if err != nil {
		return fmt.Errorf("ask %s: %w", one.name, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s for its metrics: %s", one.name, answer.Status)
	}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		name, _, _ = strings.Cut(name, "{")
		value, err := strconv.ParseFloat(text, 64)
		switch {
		case strings.HasPrefix(name, "#") || err != nil:
		case name == "go_goroutines":
			n := int(value)
			u.goroutines = &n
		case name == "ganglion_log_verdicts_total":
			u.verdicts += uint64(value)
		default:
		}
	}
	return nil
}

// growthOf compares what a process used.
func growthOf(before, after use) Growth {
	g := Growth{
		Node: after.node, Memory: [2]int64{int64(before.memory), int64(after.memory)},
		Descriptors: [2]int{before.descriptors, after.descriptors}, Verdicts: after.verdicts - before.verdicts, Faults: []string{},
	}
	add := func(format string, args ...any) {
		g.Faults = append(g.Faults, after.node+" has grown: "+fmt.Sprintf(format, args...))
	}
	if before.starts != after.starts {
		g.Faults = append(g.Faults, after.node+" was started anew: its growth is not known")
		return g
	}
	const mega = 1 << 20
	if allowed := int64(allowedBytes + allowedPerVerdict*g.Verdicts); g.Memory[1]-g.Memory[0] > allowed {
		add("memory from %d to %d MiB", g.Memory[0]/mega, g.Memory[1]/mega)
	}
	if g.Descriptors[1]-g.Descriptors[0] > allowedDescriptors {
		add("descriptors from %d to %d", g.Descriptors[0], g.Descriptors[1])
	}
	if before.goroutines == nil || after.goroutines == nil {
		return g
	}
	g.Goroutines = &[2]int{*before.goroutines, *after.goroutines}
	if g.Goroutines[1]-g.Goroutines[0] > allowedGoroutines {
		add("goroutines from %d to %d", g.Goroutines[0], g.Goroutines[1])
	}
	return g
}
