package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"ganglion/inference/train"
)

// trainDisplay shows how training goes: a bar on a terminal, a line per validation
// elsewhere.
type trainDisplay struct {
	w         io.Writer
	bar       *progressbar.ProgressBar // nil: not a terminal
	terminal  bool
	validated *train.Validation // the last one that was told
}

func newTrainDisplay(w io.Writer) *trainDisplay {
	return &trainDisplay{w: w, terminal: isTerminal(w)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// show is called after every batch and every validation.
func (d *trainDisplay) show(p train.Progress) {
	if p.Validation != nil && p.Validation != d.validated {
		d.validated = p.Validation
		if !d.terminal {
			fmt.Fprintf(d.w, "epoch %d of %d: %s\n", p.Epoch, p.Epochs, figuresLine(p))
		}
	}
	if !d.terminal {
		return
	}
	if d.bar == nil {
		d.bar = progressbar.NewOptions(p.Epochs*p.Batches,
			progressbar.OptionSetWriter(d.w), progressbar.OptionSetWidth(24),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetTheme(progressbar.ThemeASCII), progressbar.OptionClearOnFinish())
	}
	d.bar.Describe(fmt.Sprintf("epoch %3d/%d  %s", p.Epoch, p.Epochs, figuresLine(p)))
	_ = d.bar.Set((p.Epoch-1)*p.Batches + p.Batch) // the bar is decoration
}

// end takes the bar away.
func (d *trainDisplay) end() {
	if d.bar != nil {
		_ = d.bar.Clear() // the bar is decoration
	}
}

// figuresLine is loss and accuracy by exit, on the training samples and, once there
// is one, at the last validation.
func figuresLine(p train.Progress) string {
	parts := []string{fmt.Sprintf("loss %.3f", p.Loss)}
	if text := accuracies(&p.Train); text != "" {
		parts = append(parts, "train "+text)
	}
	if p.Validation != nil {
		parts = append(parts, "validation "+accuracies(&p.Validation.Full))
	}
	return strings.Join(parts, "  ")
}

func accuracies(f *train.Figures) string {
	var parts []string
	for head := range train.Heads {
		if f[head].Count > 0 {
			parts = append(parts, fmt.Sprintf("%s %.1f%%", head, 100*f[head].Accuracy()))
		}
	}
	return strings.Join(parts, " ")
}
