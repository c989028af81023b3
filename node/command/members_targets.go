package command

import (
	"io"
	"slices"
	"strings"

	"ganglion/node/control"
)

// scrapeTarget is one node in the form of Prometheus's file and HTTP discovery.
type scrapeTarget struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// printTargets writes where Prometheus finds the nodes of a mesh that run on this machine:
// the control API of another machine's is not known here, and mostly not to be reached.
func printTargets(w io.Writer, mesh string, files []control.RunFile) error {
	out := []scrapeTarget{}
	for _, f := range files {
		if f.Mesh == mesh {
			out = append(out, scrapeTarget{[]string{f.API}, map[string]string{"node": f.Name, "mesh": f.Mesh}})
		}
	}
	slices.SortFunc(out, func(a, b scrapeTarget) int { return strings.Compare(a.Labels["node"], b.Labels["node"]) })
	return writeJSON(w, out)
}
