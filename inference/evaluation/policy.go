package evaluation

import (
	"fmt"
	"math"
)

// Goal is what thresholds are chosen for.
type Goal uint8

// The goals of a calibration. Shares, accuracies and bytes are those of the
// validation samples with all their views, see [Point].
const (
	// Careful answers early what can be answered early at no loss, and sends the
	// least sure samples up even where validation shows no loss. It has no value. It
	// is what training ends with.
	Careful Goal = iota
	// MinAccuracy is the largest share of early exits whose overall accuracy is at
	// least the value, 0 to 1.
	MinAccuracy
	// MaxBytes is the best overall accuracy within a payload of the value, in bytes
	// per seen view.
	MaxBytes
	// MinLocal is the best overall accuracy at which at least the value, 0 to 1, of
	// the samples exit locally.
	MinLocal
)

// Policy is a goal with its value.
type Policy struct {
	Goal  Goal
	Value float64 // in the unit of the goal; not used by Careful
}

// String says the policy in words; bundles keep it.
func (p Policy) String() string {
	switch p.Goal {
	case Careful:
		return "as many early exits as lose nothing, and the least sure sent up"
	case MinAccuracy:
		return fmt.Sprintf("accuracy of at least %g", p.Value)
	case MaxBytes:
		return fmt.Sprintf("at most %g payload bytes per seen view", p.Value)
	case MinLocal:
		return fmt.Sprintf("at least %g of the samples local", p.Value)
	default:
		return fmt.Sprintf("unknown(%d)", p.Goal)
	}
}

// Validate reports a value that is outside the range of its goal.
func (p Policy) Validate() error {
	switch p.Goal {
	case Careful:
		return nil
	case MinAccuracy, MinLocal:
		if !(p.Value >= 0 && p.Value <= 1) { // NaN as well
			return fmt.Errorf("%v is not a share; give a number from 0 to 1", p.Value)
		}
		return nil
	case MaxBytes:
		if !(p.Value >= 0) || math.IsInf(p.Value, 0) {
			return fmt.Errorf("%v is not a number of bytes; give a positive number", p.Value)
		}
		return nil
	default:
		return fmt.Errorf("there is no goal %d", p.Goal)
	}
}

// OutOfReachError says that no thresholds reach the goal of a policy on the
// validation samples.
type OutOfReachError struct {
	Policy  Policy
	Nearest Point // what comes nearest to the goal
}

func (e *OutOfReachError) Error() string {
	n := e.Nearest
	return fmt.Sprintf("%v is out of reach on validation data: the nearest is accuracy %.4f with %.4f of the samples local and %.4g payload bytes per seen view; ask for that or train another network",
		e.Policy, float64(n.Overall), float64(n.LocalExit), float64(n.PayloadPerSeenView))
}
