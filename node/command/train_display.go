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

// trainDisplay shows how training goes: a line per validation and, on a terminal, a
// bar below them.
type trainDisplay struct {
	w         io.Writer
	width     int // of the terminal, in columns; 0: not a terminal
	bar       *progressbar.ProgressBar
	validated *train.Validation // the last one that was told
}

// The bar's line: what the bar and the times beside it take, and what is left for
// words on the narrowest terminal.
const (
	barColumns  = 14
	timeColumns = 26
	wordColumns = 20
)

func newTrainDisplay(w io.Writer) *trainDisplay {
	return &trainDisplay{w: w, width: terminalWidth(w)}
}

// terminalWidth is the columns of the terminal that w writes to, 0 if it is none.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// show is called after every batch and every validation.
func (d *trainDisplay) show(p train.Progress) {
	if p.Validation != nil && p.Validation != d.validated {
		d.validated = p.Validation
		d.end()
		fmt.Fprintf(d.w, "epoch %d of %d: loss %.3f, validation %s\n", p.Epoch, p.Epochs, p.Loss, accuracies(&p.Validation.Full))
	}
	if d.width == 0 {
		return
	}
	if d.bar == nil {
		d.bar = progressbar.NewOptions(p.Epochs*p.Batches,
			progressbar.OptionSetWriter(d.w), progressbar.OptionSetWidth(barColumns),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetTheme(progressbar.ThemeASCII), progressbar.OptionClearOnFinish())
	}
	words := fmt.Sprintf("epoch %d/%d  loss %.3f  %s", p.Epoch, p.Epochs, p.Loss, accuracies(&p.Train))
	if room := max(wordColumns, d.width-barColumns-timeColumns); len(words) > room {
		words = words[:room]
	}
	d.bar.Describe(words)
	_ = d.bar.Set((p.Epoch-1)*p.Batches + p.Batch) // the bar is decoration
}

// end takes the bar away.
func (d *trainDisplay) end() {
	if d.bar != nil {
		_ = d.bar.Clear() // the bar is decoration
	}
}

// accuracies is the accuracy of every head that answered.
func accuracies(f *train.Figures) string {
	var parts []string
	for head := range train.Heads {
		if f[head].Count > 0 {
			parts = append(parts, fmt.Sprintf("%s %.1f%%", head, 100*f[head].Accuracy()))
		}
	}
	return strings.Join(parts, " ")
}
