package dataset

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// timeline is a set with samples of the given frames; classes alternate.
func timeline(t testing.TB, frames ...int) *Set {
	t.Helper()
	n := len(frames)
	set := Set{
		Name: "timeline", Classes: []string{"a", "b"}, Views: DefaultViews(1), Channels: 1, Rows: 4, Cols: 4,
		Pixels: make([]byte, 16*n), ViewLabels: make([]int, n), Labels: make([]int, n), Frames: frames,
	}
	for i := range n {
		set.Labels[i] = i % 2
	}
	out, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// every is the numbers from first to last, each the given number of times.
func every(first, last, times int) []int {
	var out []int
	for f := first; f <= last; f++ {
		for range times {
			out = append(out, f)
		}
	}
	return out
}

func TestParseFrames(t *testing.T) {
	good := map[string]string{
		"1-65,190-204":      "1-65,190-204",
		" 190 - 204 , 1-65": "1-65,190-204",
		"7":                 "7",
		"5-5":               "5",
		"1-4,3-9,9":         "1-9",
		"1-4,5-6":           "1-4,5-6",
		"2147483647":        "2147483647",
	}
	for text, want := range good {
		got, err := ParseFrames(text)
		if err != nil || got.String() != want {
			t.Errorf("parse %q: %q (%v), want %q", text, got, err, want)
		}
	}
	bad := map[string]string{
		"": "no frame", " ": "no frame", "1-": `"1-"`, "-1": `"-1"`, "a": `"a"`, "1,,2": `""`, "9-3": "write it 3-9",
		"1-2-3": `"1-2-3"`, "2147483648": `"2147483648"`, "1_0": `"1_0"`, "+1": `"+1"`, "1..5": `"1..5"`,
	}
	for text, want := range bad {
		if got, err := ParseFrames(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parse %q: %v, %v; want an error with %s", text, got, err, want)
		}
	}
}

// What is parsed is ascending, does not overlap, and is written as it is read.
func FuzzParseFrames(f *testing.F) {
	for _, text := range []string{"1-65,190-204", "9-3", "1,,2", "5-5,1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseFrames(text)
		if err != nil {
			return
		}
		for i, r := range got {
			if r.First < 0 || r.First > r.Last || i > 0 && r.First <= got[i-1].Last {
				t.Errorf("parse %q: %v is out of order", text, got)
			}
		}
		again, err := ParseFrames(got.String())
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Errorf("parse %q again: %v (-want +got):\n%s", got, err, diff)
		}
	})
}

// The canonical form jumps no gap that holds a sample, and every gap that holds
// none.
func TestFramesOf(t *testing.T) {
	set := timeline(t, 1, 2, 5, 5, 8, 9, 20)
	rows := []struct {
		name    string
		samples []int
		want    string
	}{
		{"nothing", nil, ""},
		{"one", []int{4}, "8"},
		{"across a gap without samples", []int{0, 1, 2, 3}, "1-5"},
		{"apart", []int{0, 4, 5}, "1,8-9"},
		{"everything", []int{0, 1, 2, 3, 4, 5, 6}, "1-20"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			ranges := set.FramesOf(row.samples)
			if got := ranges.String(); got != row.want {
				t.Errorf("frames are %q, want %q", got, row.want)
			}
			back, err := set.SamplesIn(ranges)
			if diff := cmp.Diff(row.samples, back); err != nil || diff != "" {
				t.Errorf("samples of them: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// A range without samples is most likely a mistake.
func TestSamplesInEmptyRange(t *testing.T) {
	set := timeline(t, 1, 2, 5, 9, 12, 15, 20, 40)
	for _, text := range []string{"3-4", "1,41-50", "0"} {
		ranges, err := ParseFrames(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := set.SamplesIn(ranges); err == nil || !strings.Contains(err.Error(), "its frames are 1-2,5,9,12,15,..,40") {
			t.Errorf("samples in %s: error is %v, want one that lists the frames", text, err)
		}
	}
}

// The promises of Split, for sets with gaps and many samples a frame: every
// sample in one part, frames whole, the shares about right, test frames exact,
// blocks short and never across a test frame, the same again.
func TestSplitProperties(t *testing.T) {
	gaps := append(every(1, 65, 2), every(115, 250, 3)...)
	rows := []struct {
		name   string
		frames []int
		test   string
	}{
		{"test frames given", gaps, "1-65,190-204"},
		{"test frames scattered", every(0, 99, 1), "3,6,9,12,15,18,21,24,27,30,33,36,39"},
		{"drawn", gaps, ""},
		{"drawn, a sample a frame", every(0, 850, 1), ""},
		{"drawn, few frames", every(3, 9, 4), ""},
		{"drawn, three frames", every(1, 3, 2), ""},
		{"frames out of order", []int{9, 1, 5, 3, 3, 7, 9, 1}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			set := timeline(t, row.frames...)
			for seed := range uint64(20) {
				opts := SplitOptions{Seed: seed}
				if row.test != "" {
					opts.Test, _ = ParseFrames(row.test)
				}
				checkSplit(t, set, opts)
			}
		})
	}
}

func checkSplit(t *testing.T, set *Set, opts SplitOptions) {
	t.Helper()
	split, err := set.Split(opts)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := set.Split(opts)
	if diff := cmp.Diff(split, again); diff != "" {
		t.Errorf("seed %d: the same split again (-want +got):\n%s", opts.Seed, diff)
	}
	part := make(map[int]int) // by frame
	var all []int
	for n, samples := range [][]int{split.Train, split.Validation, split.Test} {
		if len(samples) == 0 || !slices.IsSorted(samples) {
			t.Errorf("seed %d: part %d is %v, want samples, ascending", opts.Seed, n, samples)
		}
		all = append(all, samples...)
		for _, i := range samples {
			if was, ok := part[set.Frames[i]]; ok && was != n {
				t.Errorf("seed %d: frame %d is in parts %d and %d", opts.Seed, set.Frames[i], was, n)
			}
			part[set.Frames[i]] = n
		}
	}
	slices.Sort(all)
	if diff := cmp.Diff(sequence(set.Len()), all); diff != "" {
		t.Errorf("seed %d: samples of all parts (-want +got):\n%s", opts.Seed, diff)
	}
	if len(opts.Test) > 0 {
		if got := set.FramesOf(split.Test); got.String() != opts.Test.String() {
			t.Errorf("seed %d: test frames are %s, want %s", opts.Seed, got, opts.Test)
		}
	}
	counts := [3]int{}
	for _, n := range part {
		counts[n]++
	}
	rest := counts[0] + counts[1]
	if want := share(rest, validationPercent); counts[1] > want || 3*counts[1] < 2*want {
		t.Errorf("seed %d: %d of %d training frames are validation, want about %d", opts.Seed, counts[1], rest, want)
	}
	if len(opts.Test) == 0 {
		if want := share(len(part), testPercent); counts[2] != want {
			t.Errorf("seed %d: %d of %d frames are test, want %d", opts.Seed, counts[2], len(part), want)
		}
	}
	checkBlocks(t, set, part)
}

// checkBlocks looks for runs of validation frames that are too long: two blocks
// may touch, three cannot.
func checkBlocks(t *testing.T, set *Set, part map[int]int) {
	t.Helper()
	run := 0
	for _, f := range set.distinctFrames() {
		run++
		if part[f] != 1 {
			run = 0
		}
		if run > 2*validationBlock {
			t.Fatalf("validation frames up to %d are a block of more than %d", f, 2*validationBlock)
		}
	}
}

// A block shrinks rather than straddle a frame that is not among the places:
// here no more than two places are next to each other.
func TestBlocksDoNotStraddle(t *testing.T) {
	frames := every(0, 59, 1)
	places := slices.DeleteFunc(every(0, 59, 1), func(f int) bool { return f%3 == 2 })
	for seed := range uint64(50) {
		chosen := blocks(drawer{rand.NewPCG(seed, 0)}, frames, places, 5, 5)
		var list []int
		for f := range chosen {
			list = append(list, f)
		}
		slices.Sort(list)
		if len(list) != 2 || list[1] != list[0]+1 || list[1]%3 == 2 || list[0]%3 == 2 {
			t.Errorf("seed %d: one block is of the frames %v, want two neighbours", seed, list)
		}
	}
}

// A split is part of what a seed fixes: these were drawn once and must stay, on
// every architecture.
func TestSplitGolden(t *testing.T) {
	set := timeline(t, every(1, 100, 1)...)
	rows := []struct {
		seed             uint64
		validation, test string
	}{
		{1, "6-9,32-35,90-93", "10-14,37-41,54-58,77-81"},
		{2, "24-27,52-55,90-93", "5-9,35-39,65-69,78-82"},
	}
	for _, row := range rows {
		split, err := set.Split(SplitOptions{Seed: row.seed})
		if err != nil {
			t.Fatal(err)
		}
		if got := set.FramesOf(split.Test).String(); got != row.test {
			t.Errorf("seed %d: test frames are %s, want %s", row.seed, got, row.test)
		}
		if got := set.FramesOf(split.Validation).String(); got != row.validation {
			t.Errorf("seed %d: validation frames are %s, want %s", row.seed, got, row.validation)
		}
	}
}

// A part that would be empty is an error that says how to fix it.
func TestSplitFaults(t *testing.T) {
	oneClassLeft := timeline(t, every(1, 10, 1)...)
	for i := range 6 {
		oneClassLeft.Labels[i] = 1
	}
	rows := []struct {
		name string
		set  *Set
		test string
		want string
	}{
		{"two frames", timeline(t, 1, 1, 2, 2), "", "give it more frames"},
		{"all frames are test", timeline(t, every(1, 10, 1)...), "1-10", "name fewer test frames"},
		{"all frames but one are test", timeline(t, every(1, 10, 1)...), "1-9", "name fewer test frames"},
		{"no such frames", timeline(t, every(1, 10, 1)...), "11-12", "11-12 holds no sample"},
		{"one class is left", oneClassLeft, "7-10", "fewer than two classes"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var opts SplitOptions
			if row.test != "" {
				opts.Test, _ = ParseFrames(row.test)
			}
			if _, err := row.set.Split(opts); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error is %v, want one with %q", err, row.want)
			}
		})
	}
}
