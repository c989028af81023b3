package dataset

import (
	"fmt"

	"ganglion/inference/topology"
)

// check reports the first fault of a set's content.
func (s *Set) check() error {
	if err := checkShape(len(s.Labels), len(s.Views), s.Shape()); err != nil {
		return err
	}
	if err := checkNames("class", s.Classes, topology.MaxClasses); err != nil {
		return err
	}
	if err := checkNames("view", s.Views, topology.MaxViews); err != nil {
		return err
	}
	n := s.Len()
	if got, want := len(s.Pixels), n*len(s.Views)*s.Shape().Size(); got != want {
		return fmt.Errorf("there are %d pixel bytes, want %d for %d samples", got, want, n)
	}
	if got, want := len(s.ViewLabels), n*len(s.Views); got != want {
		return fmt.Errorf("there are %d view labels, want %d for %d samples of %d views", got, want, n, len(s.Views))
	}
	if got := len(s.Frames); got != n {
		return fmt.Errorf("there are %d frames for %d samples", got, n)
	}
	return s.checkLabels()
}

func (s *Set) checkLabels() error {
	for i, label := range s.Labels {
		if label < NotPresent || label >= len(s.Classes) {
			return fmt.Errorf("the label of sample %d is %d; classes are numbered from 0 to %d", i, label, len(s.Classes)-1)
		}
		if s.Frames[i] < 0 || int64(s.Frames[i]) > maxFrame {
			return fmt.Errorf("the frame of sample %d is %d; frames are numbered from 0 to %d", i, s.Frames[i], maxFrame)
		}
	}
	for i, label := range s.ViewLabels {
		if label < NotPresent || label >= len(s.Classes) {
			return fmt.Errorf("the label of view %d of sample %d is %d; classes are numbered from 0 to %d",
				i%len(s.Views), i/len(s.Views), label, len(s.Classes)-1)
		}
	}
	filled := 0
	for _, count := range s.ClassCounts() {
		if count > 0 {
			filled++
		}
	}
	if filled < 2 {
		return fmt.Errorf("its samples are of %d class; add samples of a second class, there is nothing to tell apart", filled)
	}
	return nil
}

// checkShape checks claimed sizes before anything is allocated on their word.
func checkShape(samples, views int, shape topology.Shape) error {
	switch {
	case samples < 1:
		return fmt.Errorf("it holds no samples; give it at least one per class")
	case views < 1 || views > topology.MaxViews:
		return fmt.Errorf("it has %d views, want 1 to %d; leave some out", views, topology.MaxViews)
	case shape.Channels < 1 || shape.Channels > topology.MaxChannels:
		return fmt.Errorf("its views have %d channels, want 1 to %d; the axes are sample, view, channel, row, column", shape.Channels, topology.MaxChannels)
	case shape.Rows < topology.MinSide || shape.Rows > topology.MaxSide ||
		shape.Cols < topology.MinSide || shape.Cols > topology.MaxSide:
		return fmt.Errorf("its views have %d rows and %d columns, want %d to %d of each; resize them",
			shape.Rows, shape.Cols, topology.MinSide, topology.MaxSide)
	case int64(samples) > MaxPixelBytes/int64(views*shape.Size()):
		return fmt.Errorf("its %d samples exceed %d MiB of pixels; split it into smaller sets", samples, MaxPixelBytes>>20)
	}
	return nil
}

func checkNames(kind string, names []string, limit int) error {
	if len(names) > limit {
		return fmt.Errorf("it has %d %s names, want at most %d; leave some out", len(names), kind, limit)
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		switch {
		case name == "":
			return fmt.Errorf("a %s has an empty name; name it", kind)
		case len(name) > topology.MaxName:
			return fmt.Errorf("the %s name %.20q... has %d bytes, want at most %d; shorten it", kind, name, len(name), topology.MaxName)
		case seen[name]:
			return fmt.Errorf("two %s names are %q; name each once", kind, name)
		}
		seen[name] = true
	}
	return nil
}
