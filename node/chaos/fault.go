package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Do is what is done to a node.
type Do string

// What can be done: the package documentation says what each is.
const (
	Kill  Do = "kill"
	Pause Do = "pause"
	Cut   Do = "cut"
	Slow  Do = "slow"
	Lose  Do = "lose"
	Heal  Do = "heal"
)

// Deeds are all of them.
func Deeds() []Do { return []Do{Kill, Pause, Cut, Slow, Lose, Heal} }

// The times and sizes of faults.
const (
	DefaultFor   = 30 * time.Second       // that a fault lasts where nothing else is said
	MostFor      = 10 * time.Minute       // that a fault may last
	DefaultDelay = 100 * time.Millisecond // of slow
	MostDelay    = 10 * time.Second
	DefaultLoss  = 0.05 // of lose
	MostLoss     = 0.9

	// Lead is from taking a fault to its beginning: the answer leaves first.
	Lead = 50 * time.Millisecond
)

// Fault is what is done to one node.
type Fault struct {
	Do    Do
	For   time.Duration // after which the node ends it; zero for kill and heal alone
	Delay time.Duration // of slow: added to each round trip
	Loss  float64       // of lose: share of segments that are lost each way
}

// WithDefaults is the fault with what was left out.
func (f Fault) WithDefaults() Fault {
	if f.For == 0 && f.Lasts() {
		f.For = DefaultFor
	}
	if f.Delay == 0 && f.Do == Slow {
		f.Delay = DefaultDelay
	}
	if f.Loss == 0 && f.Do == Lose {
		f.Loss = DefaultLoss
	}
	return f
}

// Lasts reports whether a fault of this sort goes on for a time, after which it is over.
func (f Fault) Lasts() bool { return f.Do != Kill && f.Do != Heal }

// Mutes reports whether nothing gets out of a node, or into it, by a fault of this sort.
func (f Fault) Mutes() bool { return f.Do == Kill || f.Do == Pause || f.Do == Cut }

// Validate returns every fault of the fault, joined, or nil.
func (f Fault) Validate() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !slices.Contains(Deeds(), f.Do) {
		return fmt.Errorf("%.40q is nothing that can be done to a node: use %s", string(f.Do), DeedsText())
	}
	switch {
	case !f.Lasts() && f.For != 0:
		add("%s for %v: it takes no time, leave it out", f.Do, f.For)
	case f.Lasts() && (f.For <= 0 || f.For > MostFor):
		add("%s for %v: give more than zero and at most %v", f.Do, f.For, MostFor)
	}
	switch {
	case f.Do != Slow && f.Delay != 0:
		add("%s with a delay: a delay is for slow", f.Do)
	case f.Do == Slow && (f.Delay <= 0 || f.Delay > MostDelay):
		add("slow by %v: give more than zero and at most %v", f.Delay, MostDelay)
	}
	switch {
	case f.Do != Lose && f.Loss != 0:
		add("%s with a loss: a loss is for lose", f.Do)
	case f.Do == Lose && !(f.Loss > 0 && f.Loss <= MostLoss): // NaN too
		add("lose %v of the segments: give a share above 0 and at most %v", f.Loss, MostLoss)
	}
	return errors.Join(faults...)
}

// DeedsText lists what can be done, for a sentence.
func DeedsText() string {
	var words []string
	for _, d := range Deeds() {
		words = append(words, string(d))
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// String is the fault as a person would say it: "slow by 50ms for 30s".
func (f Fault) String() string {
	text := string(f.Do)
	switch f.Do {
	case Slow:
		text += " by " + f.Delay.String()
	case Lose:
		text += " " + Percent(f.Loss)
	default:
	}
	if f.For > 0 {
		text += " for " + f.For.String()
	}
	return text
}

// Percent writes a share.
func Percent(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 4, 64) + "%"
}

// ParseShare reads a share: 0.05 or 5%.
func ParseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no share: write it like 5%% or 0.05", text)
	}
	if percent {
		v /= 100
	}
	return v, nil
}
