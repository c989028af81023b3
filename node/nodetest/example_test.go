package nodetest_test

import (
	"context"
	"fmt"
	"time"

	"ganglion/node/nodetest"
)

// A test starts a deployment, does something to it, and looks at what the survivors know.
// In a test of yours, t is its *testing.T; here it is what stands in for one.
func Example() {
	t := &program{ctx: context.Background()}
	defer t.end()

	m := nodetest.Start(t, nodetest.Devices("street:samples=24,seed=3", 6), nodetest.Spares(2))
	m.Settle(t.Context())
	run := m.Run(40, 20*time.Millisecond)
	m.AwaitVerdict(t.Context(), m.Names()[0], run, 10)
	m.Kill(m.Holder("aggregator"))
	m.AwaitRun(t.Context(), run)
	for _, name := range m.Names() {
		tally := m.Tally(name, run)
		fmt.Println("decided", tally.GetDecided(), "lost", tally.GetLost())
	}
	// Output:
	// decided 40 lost 0
	// decided 40 lost 0
	// decided 40 lost 0
	// decided 40 lost 0
	// decided 40 lost 0
	// decided 40 lost 0
	// decided 40 lost 0
}

// program is a nodetest.T where there is no test.
type program struct {
	ctx  context.Context //nolint:containedctx // as a test has it
	ends []func()
}

func (p *program) Helper()                           {}
func (p *program) Context() context.Context          { return p.ctx }
func (p *program) Cleanup(end func())                { p.ends = append(p.ends, end) }
func (p *program) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (p *program) end() {
	for len(p.ends) > 0 {
		last := len(p.ends) - 1
		end := p.ends[last]
		p.ends = p.ends[:last]
		end()
	}
}
