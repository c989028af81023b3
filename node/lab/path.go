package lab

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrUnsupported says that this machine has no namespaces for this process, and why.
var ErrUnsupported = errors.New("no network namespaces here")

// mostDelay of a path: what is longer is a cut.
const mostDelay = 10 * time.Second

// Path is what happens to frames on their way from one port to another. Zero: nothing.
type Path struct {
	Delay time.Duration // of each frame
	Loss  float64       // share of frames that do not arrive, 0 to 1
	Cut   bool          // none arrives
}

// Validate returns every fault of the path, joined, or nil.
func (p Path) Validate() error {
	var faults []error
	if p.Delay < 0 || p.Delay > mostDelay {
		faults = append(faults, fmt.Errorf("delay %v: use 0 to %v", p.Delay, mostDelay))
	}
	if math.IsNaN(p.Loss) || p.Loss < 0 || p.Loss > 1 {
		faults = append(faults, fmt.Errorf("loss %v: use 0 to 1", p.Loss))
	}
	return errors.Join(faults...)
}
