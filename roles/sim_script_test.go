package roles

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// script is a scenario that people can read. A line is empty, a comment after #, a
// setting of the world, or a fault at a time:
//
//	deployment c, 4 cameras, 2 spares      the preset, and how many nodes there are
//	beats 150 every 20ms                   of the run, which begins after 3 s
//	net way 50ms jitter 5ms loss 0.05      also: again, gossip, late, spares, cloud
//	node n2 clock +200ppm                  also: camera nan|odd|stuck, retention 8192, absent
//	at 3.7s crash aggregator               NODE is n3, or the holder of a role, or its standby
//
// The faults are in the table of commands.
type script struct {
	name   string
	text   string
	seed   uint64
	set    setting
	faults []scheduled
}

type scheduled struct {
	at   time.Duration
	line string
	do   func(w *world)
}

// settings is how a script begins where it says nothing else.
func settings() setting {
	return setting{preset: "c", cameras: 4, spares: 2, count: 150, period: 20 * ms, weather: lan(), parts: map[int]part{}}
}

func parseScript(name, text string) (*script, error) {
	s := &script{name: name, text: text, set: settings()}
	for number, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(strings.ReplaceAll(line, ",", " "))
		if len(words) == 0 {
			continue
		}
		if err := s.parse(words); err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", name, number+1, strings.TrimSpace(line), err)
		}
	}
	return s, nil
}

func (s *script) parse(words []string) (err error) {
	switch {
	case words[0] == "seed" && len(words) == 2:
		s.seed, err = strconv.ParseUint(words[1], 10, 64)
	case words[0] == "deployment" && len(words) == 6:
		s.set.preset = words[1]
		if s.set.cameras, err = strconv.Atoi(words[2]); err == nil {
			s.set.spares, err = strconv.Atoi(words[4])
		}
	case words[0] == "beats" && len(words) == 4:
		var count uint64
		if count, err = strconv.ParseUint(words[1], 10, 32); err == nil {
			s.set.count = Beat(count)
			s.set.period, err = time.ParseDuration(words[3])
		}
	case words[0] == "net":
		return s.net(words[1:])
	case words[0] == "node" && len(words) > 2:
		return s.node(words[1], words[2:])
	case words[0] == "at" && len(words) > 2:
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return fmt.Errorf("parse time: %w", err)
		}
		do, err := parseFault(words[2], words[3:])
		if err != nil {
			return err
		}
		s.faults = append(s.faults, scheduled{d, strings.Join(words[2:], " "), do})
	default:
		return fmt.Errorf("no such line")
	}
	return err
}

func (s *script) net(words []string) error {
	net := &s.set.weather
	durations := map[string]*time.Duration{
		"way": &net.way, "jitter": &net.jitter, "again": &net.again, "spares": &net.spares, "cloud": &net.cloud,
	}
	shares := map[string]*float64{"loss": &net.loss, "gossip": &net.gossip, "late": &net.late}
	for ; len(words) >= 2; words = words[2:] {
		var err error
		switch {
		case durations[words[0]] != nil:
			*durations[words[0]], err = time.ParseDuration(words[1])
		case shares[words[0]] != nil:
			*shares[words[0]], err = strconv.ParseFloat(words[1], 64)
		default:
			err = fmt.Errorf("no such weather: %s", words[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *script) node(name string, words []string) error {
	id, err := strconv.Atoi(strings.TrimPrefix(name, "n"))
	if err != nil {
		return fmt.Errorf("parse node: %w", err)
	}
	p := s.set.parts[id]
	switch {
	case words[0] == "absent":
		p.absent = true
	case len(words) < 2:
		return fmt.Errorf("no such part")
	case words[0] == "clock":
		p.ppm, err = strconv.ParseInt(strings.TrimSuffix(words[1], "ppm"), 10, 64)
	case words[0] == "camera":
		p.camera = words[1]
	case words[0] == "retention":
		p.retention, err = strconv.Atoi(words[1])
	default:
		return fmt.Errorf("no such part")
	}
	s.set.parts[id] = p
	return err
}

// play runs a script to its end: until all has settled, or for the time that it may take.
func (s *script) play(t testing.TB, seed uint64, loose looseness) *world {
	t.Helper()
	w := newWorld(t, seed, &s.set, loose)
	for _, f := range s.faults {
		w.faulted = max(w.faulted, f.at)
		w.at(f.at, func() {
			w.note("-- %s", f.line)
			w.faulted = max(w.faulted, w.now)
			if !strings.HasPrefix(f.line, "false-death") && !strings.HasPrefix(f.line, "set") { // which must cost nothing at all
				w.acts = append(w.acts, trouble{w.now, w.now + afterTouch})
			}
			f.do(w)
		})
	}
	w.settle()
	w.check(&s.set)
	w.summary()
	return w
}
