package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ganglion/proto/controlpb"
)

// picturesBytes is the most that a node takes at once.
const picturesBytes = 32<<20 - 64<<10

// classifyFlags are the flags of `ganglion classify`.
type classifyFlags struct {
	node  nodeFlags
	views []string
	ref   int64
	json  bool
}

func newClassifyCommand() *cobra.Command {
	var f classifyFlags
	cmd := &cobra.Command{
		Use:   "classify [FILE | FOLDER]",
		Short: "Have a sample classified now, and see why the answer is what it is",
		Long: `Has the mesh classify one sample and explains the answer: what each exit said and
how sure it was, which views were seen, who did what, and what it cost.

Without pictures the devices capture what is before them now (--ref: replays show
that element of their data set). With pictures, PNG or JPEG, these are what the
views see, and a view without a picture sees nothing: --view NAME=FILE for each, a
FOLDER with files named like the views (north.png), or one FILE for a network with
one view. If nobody in the mesh feeds such a view, the asked node answers by itself
with the whole network, and the explanation says so.`,
		Example: `  ganglion classify
  ganglion classify --view north=a.png --view south=b.jpg
  ganglion classify corner/17/
  ganglion classify --ref 12 --json`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error { return f.ask(cmd, firstOf(args)) },
	}
	f.node.add(cmd)
	cmd.Flags().StringArrayVar(&f.views, "view", nil, "`NAME=FILE`: a picture of a view, by its name or number; may be given for each view")
	cmd.Flags().Int64Var(&f.ref, "ref", 0, "have replays show this element of their data set, counted from 0")
	addJSON(cmd, &f.json)
	return cmd
}

func (f *classifyFlags) ask(cmd *cobra.Command, path string) error {
	q := &controlpb.ClassifyRequest{}
	if cmd.Flags().Changed("ref") {
		if path != "" || len(f.views) > 0 {
			return usagef("--ref has replays choose the pictures: give none")
		}
		if f.ref < 0 {
			return usagef("--ref %d: elements count from 0", f.ref)
		}
		q.Ref = &f.ref
	}
	n, err := f.node.find(cmd)
	if err != nil {
		return err
	}
	if q.Pictures, err = f.pictures(path, n.Status.GetViews()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), askWait)
	defer cancel()
	answer, err := n.Classify(ctx, q)
	if err != nil {
		return n.Explain(err)
	}
	v := answer.GetVerdict()
	if f.json {
		return writeJSON(cmd.OutOrStdout(), explanationOf(v, n.Status.GetClasses()))
	}
	return printExplanation(cmd.OutOrStdout(), v, n.Status.GetClasses())
}

// pictures reads what is to be seen, of a network with these views.
func (f *classifyFlags) pictures(path string, views []string) ([]*controlpb.Picture, error) {
	files := map[string]string{} // by view
	for _, given := range f.views {
		view, file, ok := strings.Cut(given, "=")
		i := viewNumber(views, view)
		switch {
		case !ok || view == "" || file == "":
			return nil, usagef("--view %q: give NAME=FILE", given)
		case i < 0:
			return nil, usagef("--view %s: the network has no such view, it has %s", view, strings.Join(views, ", "))
		case files[views[i]] != "":
			return nil, usagef("--view %s is given twice", view)
		}
		files[views[i]] = file
	}
	if path != "" {
		if len(files) > 0 {
			return nil, usagef("both %s and --view: give one of them", path)
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read pictures: %w", err)
		case info.IsDir():
			if files, err = folderPictures(path, views); err != nil {
				return nil, err
			}
		case len(views) != 1:
			return nil, usagef("the network has %d views, %s: give --view NAME=FILE, or a folder with files of these names", len(views), strings.Join(views, ", "))
		default:
			files[views[0]] = path
		}
	}
	var out []*controlpb.Picture
	total := 0
	for _, view := range views {
		if files[view] == "" {
			continue
		}
		data, err := readPicture(files[view], picturesBytes-total)
		if err != nil {
			return nil, fmt.Errorf("read picture of view %s: %w", view, err)
		}
		total += len(data)
		out = append(out, &controlpb.Picture{View: view, File: data})
	}
	return out, nil
}

// viewNumber is the place of a view that is given by its name or number; -1: there is none.
func viewNumber(views []string, given string) int {
	if i := slices.Index(views, given); i >= 0 {
		return i
	}
	if i, err := strconv.Atoi(given); err == nil && i >= 0 && i < len(views) {
		return i
	}
	return -1
}

// folderPictures is the files of a folder that are named like views.
func folderPictures(folder string, views []string) (map[string]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read pictures: %w", err)
	}
	files := map[string]string{}
	for _, e := range entries {
		ending := filepath.Ext(e.Name())
		if !slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(ending)) {
			continue
		}
		i := viewNumber(views, strings.TrimSuffix(e.Name(), ending))
		if i < 0 {
			return nil, fmt.Errorf("read pictures: %s is of no view: the views are %s", filepath.Join(folder, e.Name()), strings.Join(views, ", "))
		}
		if other := files[views[i]]; other != "" {
			return nil, fmt.Errorf("read pictures: %s and %s are both of view %s: keep one", other, filepath.Join(folder, e.Name()), views[i])
		}
		files[views[i]] = filepath.Join(folder, e.Name())
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("read pictures: folder %s has no picture of any view: name them like the views, as in %s.png", folder, strings.Join(views, ".png, "))
	}
	return files, nil
}

func readPicture(path string, most int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > most {
		return nil, fmt.Errorf("%s: the pictures of a sample may have 32 MiB in all: make them smaller, the network sees a few pixels of each", path)
	}
	return data, nil
}
