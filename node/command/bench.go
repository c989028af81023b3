package command

import "github.com/spf13/cobra"

func newBenchCommand() *cobra.Command {
	return family("bench", "Measure what this machine does", newBenchKernelsCommand(), newBenchMeshCommand(), newBenchFailoverCommand(), newBenchTopologiesCommand(), newFloorDeviceCommand())
}
