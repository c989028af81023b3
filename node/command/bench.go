package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"ganglion/node/benchmesh"
)

func newBenchCommand() *cobra.Command {
	cmd := family("bench", "Measure what this machine does", newBenchKernelsCommand(), newBenchMeshCommand(), newBenchPairsCommand(), newBenchFailoverCommand(), newBenchTopologiesCommand(), newFloorDeviceCommand())
	cmd.Long = `Measures what this machine does: the kernels alone, a live mesh, what it makes of
faults, and every deployment of the paper. What is measured depends on what else runs.`
	cmd.Example = `  ganglion bench kernels
  ganglion bench mesh
  ganglion bench pairs --against ./ganglion-before
  ganglion bench failover --only kill-aggregator --trials 3`
	return cmd
}

// machineText is where and for how long something was measured, and the load meanwhile.
func machineText(m benchmesh.Machine) string {
	out := fmt.Sprintf("%s, %s, %s; %.0f s", count(m.Processors, "processor", "processors"), m.Platform, m.Go, m.Seconds)
	if m.Load[0] != "" {
		out += fmt.Sprintf("; load %s before, %s after", m.Load[0], m.Load[1])
	}
	return out
}
