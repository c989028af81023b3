package command

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ganglion/inference/evaluation"
	"ganglion/inference/report"
)

// maxComparison is the largest file of a comparison that is read, in bytes.
const maxComparison = 16 << 20

// commandLine is the verb with the flags that it was given, so that a report says how to
// make it again.
func commandLine(cmd *cobra.Command) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if list, ok := f.Value.(pflag.SliceValue); ok && f.Value.Type() == "stringArray" {
			for _, value := range list.GetSlice() {
				words = append(words, "--"+f.Name, quoted(value))
			}
			return
		}
		switch value := f.Value.String(); {
		case f.Value.Type() == "bool" && value == "true":
			words = append(words, "--"+f.Name)
		case f.Value.Type() == "bool":
			words = append(words, "--"+f.Name+"="+value)
		case f.Value.Type() == "stringSlice", f.Value.Type() == "intSlice":
			words = append(words, "--"+f.Name, quoted(strings.TrimSuffix(strings.TrimPrefix(value, "["), "]")))
		default:
			words = append(words, "--"+f.Name, quoted(value))
		}
	})
	return strings.Join(words, " ")
}

// quoted is a word as a POSIX shell takes it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./,:=+@%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// words are the flags that open the data again once it was read, as a POSIX shell takes
// them; by then the reference has the grid.
func (f *dataFlags) words() string { return "--data " + quoted(f.ref) + f.choice() }

// choice are the flags that take the same views and classes of any data, with a space
// before each.
func (f *dataFlags) choice() string {
	var words strings.Builder
	if len(f.views) > 0 {
		words.WriteString(" --views " + quoted(listed(f.views)))
	}
	if len(f.classes) > 0 {
		words.WriteString(" --classes " + quoted(listed(f.classes)))
	}
	return words.String()
}

// listed is names as a flag that takes several reads them: with commas between, and in
// quotes where there is a comma or a quote in a name.
func listed(names []string) string {
	var line strings.Builder
	w := csv.NewWriter(&line)
	_ = w.Write(names) // memory takes everything
	w.Flush()
	return strings.TrimSuffix(line.String(), "\n")
}

// writePlots writes a document's figures, and says where they are.
func writePlots(folder string, d *report.Document, remarks io.Writer) error {
	files, err := d.Write(folder)
	if err != nil {
		return err
	}
	fmt.Fprintf(remarks, "ganglion: wrote %d figures as SVG and PNG; open %s\n", (len(files)-1)/2, filepath.Join(folder, report.PageName))
	return nil
}

// readComparisons reads what 'ganglion train' found and wrote.
func readComparisons(paths []string) ([]*evaluation.Comparison, error) {
	var all []*evaluation.Comparison
	for _, path := range paths {
		c, err := readComparison(path)
		if err != nil {
			return nil, fmt.Errorf("read comparison %s: %w; give the file that 'ganglion train --compare-..' wrote", path, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func readComparison(path string) (*evaluation.Comparison, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxComparison+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxComparison {
		return nil, fmt.Errorf("it has more than %d bytes", maxComparison)
	}
	return parseComparison(text)
}

func parseComparison(text []byte) (*evaluation.Comparison, error) {
	c := new(evaluation.Comparison)
	if err := json.Unmarshal(text, c); err != nil {
		return nil, err
	}
	return c, c.Validate()
}
