package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// MostPlanBytes is the largest file of a plan.
const MostPlanBytes = 64 << 10

// stepKeys are the keys of a step in a file.
func stepKeys() []string {
	return []string{"at", "do", "target", "for", "every", "times", "delay", "loss"}
}

// PlanError is everything that is wrong with the file of a plan.
type PlanError struct {
	// Faults are one sentence each, with the file and the line in front.
	Faults []string
}

// Error is the faults, a line each where there are several.
func (e *PlanError) Error() string {
	if len(e.Faults) == 1 {
		return e.Faults[0]
	}
	return fmt.Sprintf("%d faults:\n  %s", len(e.Faults), strings.Join(e.Faults, "\n  "))
}

// ReadPlan reads a plan from YAML; name is the file's, for errors. It is a list of steps:
//
//   - {at: 2s, do: kill, target: aggregator}
//   - {at: 10s, do: cut, target: 2 of devices, for: 5s}
//   - {at: 20s, do: slow, target: cloud, delay: 200ms, for: 10s, every: 30s, times: 3}
//   - {do: lose, target: nodes, loss: 5%, for: 1m}
//
// A step without a time falls at the beginning. An error is a *[PlanError] that has
// everything wrong with the file.
func ReadPlan(name string, data []byte) (Plan, error) {
	r := planReader{name: name}
	var p Plan
	if len(data) > MostPlanBytes {
		r.fault(0, "the file has more than %d bytes: is it a plan?", MostPlanBytes)
	} else if root := r.document(data); root != nil {
		p = r.plan(root)
	}
	if len(r.faults) > 0 {
		return Plan{}, &PlanError{r.faults}
	}
	return p, nil
}

// planReader reads on behind a fault, so that all are told at once.
type planReader struct {
	name   string
	faults []string
}

// mostFaults are told of one file.
const mostFaults = 50

func (r *planReader) fault(line int, format string, args ...any) {
	if len(r.faults) == mostFaults {
		return
	}
	where := r.name
	if line > 0 {
		where += ":" + strconv.Itoa(line)
	}
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ")
	r.faults = append(r.faults, where+": "+text)
}

// document is the root of the only document; nil where there is none, which is a fault.
func (r *planReader) document(data []byte) *yaml.Node {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && (len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null"):
		r.fault(0, "the plan is empty: write steps such as - {at: 2s, do: kill, target: aggregator}")
		return nil
	case err != nil:
		r.fault(0, "this is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	if err := d.Decode(&second); err == nil {
		r.fault(second.Line, "a second document begins here: keep one")
		return nil
	} else if !errors.Is(err, io.EOF) {
		r.fault(0, "this is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	return doc.Content[0]
}

// plan reads the list of steps.
func (r *planReader) plan(root *yaml.Node) (p Plan) {
	if root.Kind != yaml.SequenceNode || root.Anchor != "" {
		r.fault(root.Line, "want a list of steps such as - {at: 2s, do: kill, target: aggregator}")
		return p
	}
	if len(root.Content) == 0 || len(root.Content) > MostSteps {
		r.fault(root.Line, "the plan has %d steps: give 1 to %d", len(root.Content), MostSteps)
		return p
	}
	for _, n := range root.Content {
		if s, ok := r.step(n); ok {
			p.Steps = append(p.Steps, s)
		}
	}
	return p
}

// step reads one step; ok is false where it is at fault.
func (r *planReader) step(n *yaml.Node) (s Step, ok bool) {
	if n.Kind != yaml.MappingNode || n.Anchor != "" {
		r.fault(n.Line, "want a step such as {at: 2s, do: kill, target: aggregator}")
		return s, false
	}
	before := len(r.faults)
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		switch line, twice := seen[name]; {
		case key.Kind != yaml.ScalarNode || !slices.Contains(stepKeys(), name):
			r.fault(key.Line, "%.40q: there is no such key: a step has %s", name, strings.Join(stepKeys(), ", "))
		case twice:
			r.fault(key.Line, "%s: the step has this key in line %d already: keep one", name, line)
		case value.Kind != yaml.ScalarNode || value.Anchor != "" || value.Value == "" || value.ShortTag() == "!!null":
			r.fault(key.Line, "%s: want one value", name)
		default:
			if err := s.set(name, value.Value); err != nil {
				r.fault(value.Line, "%s: %v", name, err)
			}
		}
		seen[name] = key.Line
	}
	for _, needed := range []string{"do", "target"} {
		if seen[needed] == 0 {
			r.fault(n.Line, "the step has no %s", needed)
		}
	}
	if len(r.faults) > before {
		return s, false
	}
	s.Fault = s.Fault.WithDefaults()
	if err := s.Validate(); err != nil {
		r.fault(n.Line, "%v", err)
		return s, false
	}
	return s, true
}

// set takes the value of a key.
func (s *Step) set(key, text string) (err error) {
	switch key {
	case "at":
		s.At, err = readTime(text)
	case "do":
		s.Fault.Do = Do(text)
	case "target":
		s.Target, err = ParseTarget(text)
	case "for":
		s.Fault.For, err = readTime(text)
	case "every":
		s.Every, err = readTime(text)
	case "times":
		if s.Times, err = strconv.Atoi(text); err != nil || s.Times < 1 {
			err = fmt.Errorf("%.40q is no number of times: give 1 or more", text)
		}
	case "delay":
		s.Fault.Delay, err = readTime(text)
	case "loss":
		s.Fault.Loss, err = ParseShare(text)
	}
	if err == nil && s.isZero(key) { // not what is taken where the key is left out
		err = fmt.Errorf("%.40q is nothing: give more than zero, or leave %s out", text, key)
	}
	return err
}

// isZero reports whether a key that may be left out has the value of one that was.
func (s *Step) isZero(key string) bool {
	switch key {
	case "for":
		return s.Fault.For == 0
	case "every":
		return s.Every == 0
	case "delay":
		return s.Fault.Delay == 0
	case "loss":
		return s.Fault.Loss == 0
	}
	return false
}

func readTime(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no time: write it like 500ms, 30s or 2m", text)
	}
	return d, nil
}
