// Topologies trains every deployment of figure 2 of the paper, runs each live on a mesh of
// this process, and holds what the mesh answers against the same network run in one piece.
// See the README beside this file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"ganglion/inference/topology"
)

func main() {
	var c config
	flag.StringVar(&c.only, "only", "", "one deployment: a to f, or elastic")
	flag.IntVar(&c.samples, "samples", 48, "samples that each answers")
	flag.Parse()
	c.period = 20 * time.Millisecond
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, c)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "topologies:", err)
		os.Exit(1)
	}
}

// config says what is run.
type config struct {
	only    string // a preset; empty: all
	samples int    // that each deployment answers
	period  time.Duration
}

// run runs the deployments, one after the other, and prints a line for each. The error says
// which of them answered something else than one process would have.
func run(ctx context.Context, out io.Writer, c config) error {
	if _, err := fmt.Fprintln(out, header); err != nil {
		return err
	}
	var faults []error
	ran := false
	for _, preset := range topology.Presets() {
		if c.only != "" && c.only != preset.Name && c.only != preset.Alias {
			continue
		}
		ran = true
		result, err := deploy(ctx, preset.Name, c)
		if err != nil {
			return fmt.Errorf("deployment %s: %w", preset.Name, err)
		}
		if _, err := fmt.Fprintln(out, result); err != nil {
			return err
		}
		if err := result.fault(); err != nil {
			faults = append(faults, fmt.Errorf("deployment %s: %w", preset.Name, err))
		}
	}
	if !ran {
		return fmt.Errorf("there is no deployment %q: give a to f, or elastic", c.only)
	}
	return errors.Join(faults...)
}
