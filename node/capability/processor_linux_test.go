package capability

import "testing"

// Two machines that share a home folder must not share a figure.
func TestProcessorOf(t *testing.T) {
	const (
		pc  = "processor\t: 0\nmodel name\t: AMD EPYC\ncpu MHz\t: 2000.1\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\ncpu MHz\t: 2600.7\n"
		pi4 = "processor\t: 0\nBogoMIPS\t: 108\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n"
		pi3 = "processor\t: 0\nBogoMIPS\t: 38\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n"
	)
	if got, want := processorOf(pc), "model name:AMD EPYC"; got != want {
		t.Errorf("got %q, want %q: what changes from moment to moment must not count", got, want)
	}
	if processorOf(pi4) == processorOf(pi3) || processorOf(pi4) == "" {
		t.Errorf("%q and %q", processorOf(pi4), processorOf(pi3))
	}
	if processor() == "" {
		t.Skip("this machine does not say what its processor is")
	}
}
