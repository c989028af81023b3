package metrics

import (
	"time"

	"ganglion/mesh"
	"ganglion/roles"
)

// Snapshot is what a node knows when somebody scrapes.
type Snapshot struct {
	Mesh  Mesh
	Roles *Roles // nil: the goroutine that owns it did not answer in time, or has ended

	Unsent, Refused uint64 // frames that could not be queued, payloads that were malformed
	Parcels         int    // that wait for the engine
	Warnings        int    // that the node has now
	State           Disk
}

// Mesh is what the mesh knows.
type Mesh struct {
	Status  mesh.Status
	Traffic mesh.Traffic
	Members []mesh.Member
	Links   []mesh.Health // of the members whose link is up
}

// Roles is what the step machines know.
type Roles struct {
	Held    [RoleLabels]int   // roles that the node has, by label
	Views   int               // that it holds
	Epochs  map[string]uint64 // the highest claim of each kind of role that it knows of
	Device  roles.Counts      // since the node started, whatever the topology was
	Payload roles.Payload     // likewise
	Limit   int               // of what the device retains, in bytes
	Ends    [roles.GatherEnds]uint64
	Sources struct{ Ready, Faulty int }
	Lines   int // of its verdict logs

	Coordinates bool // then Open and Lost are known here
	Open, Lost  uint64

	Running     bool // there is a run; then what follows is known
	Beat, Floor uint64
	Period      time.Duration
}

// RoleLabel is a role as people tell them apart: an aggregator that runs an edge section has
// two.
type RoleLabel uint8

// The roles.
const (
	Aggregator RoleLabel = iota
	Edge
	Cloud
	Coordinator
	RoleLabels = iota // how many there are
)

func (r RoleLabel) String() string {
	return [RoleLabels]string{"aggregator", "edge", "cloud", "coordinator"}[r]
}
