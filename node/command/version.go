package command

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/train"
)

// versionInfo is what `ganglion version` tells.
type versionInfo struct {
	Version      string `json:"version"`       // release, or the commit it was built from
	Go           string `json:"go"`            // toolchain
	Platform     string `json:"platform"`      // os/architecture
	BundleFormat int    `json:"bundle_format"` // newest that it reads
	Trainer      string `json:"trainer"`       // version of the training procedure
}

func newVersionCommand(version string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Tell this program's version",
		Example: `  ganglion version
  ganglion version --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versionInfo{
				Version: buildVersion(version), Go: runtime.Version(),
				Platform:     runtime.GOOS + "/" + runtime.GOARCH,
				BundleFormat: inference.BundleFormat, Trainer: train.Version,
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "ganglion %s (%s, %s; bundle format %d, trainer %s)\n",
				v.Version, v.Go, v.Platform, v.BundleFormat, v.Trainer)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// buildVersion is the linker's version or, without one, the commit that the build
// recorded.
func buildVersion(linked string) string {
	if linked != "" {
		return linked
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + dirty
}
