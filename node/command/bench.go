package command

import "github.com/spf13/cobra"

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
