package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/inference/train"
	"ganglion/node/demo"
	"ganglion/node/launch"
)

// demoText tells a demo to a person.
type demoText struct {
	w      io.Writer
	width  int  // of the terminal, in columns; 0: not a terminal
	colour bool // the terminal shows it, and nobody asked for none
	bar    bool // the last line is a progress line
	keep   bool
	ref    int       // a sample that is replayed
	shown  time.Time // when the progress line was drawn
}

func newDemoText(w io.Writer) *demoText {
	return &demoText{w: w, width: terminalWidth(w), colour: coloured(w)}
}

// paint is text in a style, on a terminal with colours.
func (d *demoText) paint(s style, text string) string {
	if !d.colour || s == plain {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// line writes a line, in the place of a progress line.
func (d *demoText) line(format string, args ...any) {
	d.end()
	fmt.Fprintf(d.w, format+"\n", args...)
}

// end takes a progress line away.
func (d *demoText) end() {
	if d.bar {
		fmt.Fprint(d.w, "\r\x1b[K")
		d.bar = false
	}
}

// progress draws a progress line, on a terminal alone.
func (d *demoText) progress(text string) {
	const pace = 100 * time.Millisecond
	if d.width == 0 || time.Since(d.shown) < pace {
		return
	}
	d.shown, d.bar = time.Now(), true
	if room := d.width - 1; len(text) > room {
		text = text[:room]
	}
	fmt.Fprint(d.w, "\r\x1b[K"+text)
}

// header says what is about to be seen.
func (d *demoText) header(f *demoFlags, c *demo.Config) {
	d.keep, d.ref = c.Keep, c.Samples[0]
	t := c.Bundle.Topology()
	live := len(t.Views) - len(c.Missing)
	row := func(name, format string, args ...any) { d.line("  %-9s  %s", name, fmt.Sprintf(format, args...)) }
	d.line("%s", d.paint(strong, fmt.Sprintf("One network, spread over %d processes of this machine", c.Devices+demo.Further)))
	d.line("")
	model := "embedded"
	switch {
	case f.model != "":
		model = f.model
	case f.topology != "" && c.Publish:
		model = "trained for this"
	}
	row("model", "%s (%s), topology %s: %d views, classes %s%s", c.Bundle.ID().Short(), model, t.Name, len(t.Views), strings.Join(t.Classes, ", "),
		trainedOn(c.Bundle))
	row("data", "%s%s: %d %s", c.Set.Name, syntheticText(c.Set.Synthetic), len(c.Samples), splitText(c.Split))
	each := "one view each"
	if c.Devices < live {
		each = fmt.Sprintf("%d views spread over them", live)
	}
	row("processes", "%d devices, %s, and %d further nodes; real ones, on loopback", c.Devices, each, demo.Further)
	if len(c.Missing) > 0 {
		var names []string
		for _, v := range c.Missing {
			names = append(names, t.Views[v])
		}
		row("missing", "%s: no device has a source for it, the mesh answers from %d of %d views", strings.Join(names, ", "), live, len(t.Views))
	}
	row("cloud", "%v away: so much is added to each round trip there (--cloud-delay)", c.CloudDelay)
	if c.Keep {
		row("takes", "until you press Ctrl-C")
	} else {
		seconds := startSeconds + float64(len(c.Samples))/c.Rate
		if !c.Calm {
			row("then", "a second run, in which %s (--calm leaves it out)", demo.ActText(c.Devices))
			seconds += actSeconds
		}
		row("takes", "about %.0f s: %d samples at %g a second; Ctrl-C ends everything", seconds, len(c.Samples), c.Rate)
	}
	d.line("")
}

// startSeconds is about how long nodes take to come together, and to end.
const startSeconds = 5

// actSeconds is about how long the act takes.
const actSeconds = 7

func trainedOn(b *inference.Bundle) string {
	if b.Provenance().GetSynthetic() {
		return "; trained on rendered views"
	}
	return ""
}

// Tell writes one event. See [demo.Teller].
func (d *demoText) Tell(e demo.Event) {
	d.line("%s", d.event(e))
	if e.Kind == demo.Ran && d.keep {
		d.line("%s", d.tries())
	}
}

func (d *demoText) event(e demo.Event) string {
	looks := faint
	switch e.Kind {
	case demo.Ready, demo.Decided:
		looks = good
	case demo.Elected, demo.Bundled, demo.Ran, demo.Acted:
		looks = strong
	case demo.Gone, demo.Warned:
		looks = middle
	case demo.Ended, demo.Struck:
		looks = bad
	default:
	}
	return fmt.Sprintf("%s  %s  %s", d.paint(faint, fmt.Sprintf("%6.1f s", e.Since.Seconds())), d.paint(looks, fmt.Sprintf("%-8s", e.Kind)), clean(e.Text))
}

// tries is what to do beside a demo that goes on.
func (d *demoText) tries() string {
	return fmt.Sprintf(`
In another terminal:
  ganglion members                 who is there, who does what, who would be next
  ganglion verdicts --follow       every answer, from whichever node is asked
  ganglion classify --ref %-5d    one sample on demand
  ganglion status                  this run, its tally, what was sent
  ganglion chaos kill aggregator   see who notices, who takes over, and that nothing is lost
Ctrl-C here ends everything.
`, d.ref)
}

// Progress draws how far the run is. See [demo.Teller].
func (d *demoText) Progress(done, of int) {
	if of == 0 {
		d.progress(fmt.Sprintf("  %d samples answered", done))
		return
	}
	const cells = 30
	full := cells * done / of
	d.progress(fmt.Sprintf("  [%s%s] %d of %d samples answered", strings.Repeat("#", full), strings.Repeat(".", cells-full), done, of))
}

// Waits draws what is not yet as it should be. See [demo.Teller].
func (d *demoText) Waits(lacks string) {
	if lacks != "" {
		d.progress("  waiting: " + lacks)
	}
}

// trained draws how far the training of a topology is.
func (d *demoText) trained(t *topology.Topology) func(train.Progress) {
	told := false
	return func(p train.Progress) {
		if !told {
			told = true
			d.line("There are no weights for topology %s yet: a network is trained, for some seconds.", t.Name)
		}
		d.progress(fmt.Sprintf("  epoch %d of %d, loss %.3f", p.Epoch, p.Epochs, p.Loss))
	}
}

// schooled says what was made.
func (d *demoText) schooled(b *inference.Bundle, kept bool) {
	how := "It is"
	if kept {
		how = "A network was trained for an earlier demo:"
	}
	d.line("%s %s, %d bytes. It has seen a few epochs alone; 'ganglion train --topology %s' makes a better one.\n",
		how, b.ID().Short(), len(b.File()), b.Topology().Name)
}

// result writes the tables.
func (d *demoText) result(r *demo.Result, c *demo.Config) {
	d.end()
	fmt.Fprint(d.w, demoResultText(r, c.Bundle.Topology(), d.paint))
	if !d.keep {
		fmt.Fprint(d.w, demoHints(r))
	}
}

// keepsLogs is the hint of commands that can keep the logs of their nodes.
const keepsLogs = " (--log-dir DIR keeps all)"

// failed shows the log of the node that a command failed at. hint says how to have all of it;
// empty: the command cannot.
func (d *demoText) failed(err error, hint string) {
	var exit *launch.ExitError
	var silent *demo.SilentError
	name, lines := "", []string(nil)
	switch {
	case errors.As(err, &exit):
		name, lines = exit.Name, exit.Log
	case errors.As(err, &silent):
		name, lines = silent.Name, silent.Log
	}
	if name == "" {
		return
	}
	d.line("\nThe end of the log of %s%s:", name, hint)
	for _, l := range lines {
		d.line("  %s", clean(l))
	}
}
