package benchmesh

import (
	"time"
)

// Result is what was measured. What was not is nil.
type Result struct {
	Machine

	Idle       *Idle       `json:"idle"`
	Latency    *Latency    `json:"latency"`
	Throughput *Throughput `json:"throughput"`
	Goals      []Goal      `json:"goals"`
}

// Goal is one of the project's goals and what became of it.
type Goal struct {
	Of   string `json:"of"`   // what is measured
	Want string `json:"want"` // the goal
	Got  string `json:"got"`  // the figure
	Met  bool   `json:"met"`
}

// Latency is of samples on demand.
type Latency struct {
	Rounds    int     `json:"rounds"`
	Local     Spread  `json:"local"`
	Cloud     Spread  `json:"cloud"`
	Floor     Spread  `json:"floor"`
	OverFloor float64 `json:"local_over_floor"` // by the p50
	Strays    int     `json:"strays"`           // verdicts with another exit, or a view missing: not in the figures
	LocalRefs int     `json:"local_refs"`       // samples that are asked for, over and over
	CloudRefs int     `json:"cloud_refs"`
}

// Throughput is of a run on the beat.
type Throughput struct {
	Rate         float64     `json:"rate"` // asked for
	Due          uint64      `json:"due"`
	Decided      uint64      `json:"decided"`
	Lost         uint64      `json:"lost"`
	Refused      uint64      `json:"refused"`
	Open         uint64      `json:"open"`
	PerSecond    float64     `json:"decided_per_second"`
	ViewsMissing float64     `json:"views_missing"` // share of verdicts with a view missing
	StoppedEarly float64     `json:"stopped_early"` // share
	Latency      Spread      `json:"latency"`
	SinceBeat    Spread      `json:"since_beat"`
	Local        Spread      `json:"local"` // latency of what the local exit answered
	Work         []NodeWork  `json:"work"`
	Exits        []ExitShare `json:"exits"`
}

// ExitShare is how many samples an exit answered.
type ExitShare struct {
	Exit  string  `json:"exit"`
	Share float64 `json:"share"`
}

// NodeWork is what a node spent on a run.
type NodeWork struct {
	Name      string         `json:"name"`
	Roles     []string       `json:"roles"`
	Processor *time.Duration `json:"processor_ns"`  // nil: the system does not tell
	Sample    *time.Duration `json:"per_sample_ns"` // of that, for each decided one
	SentBytes float64        `json:"sent_bytes_per_sample"`
}

// Idle is of nodes that nobody asks anything.
type Idle struct {
	Quiet  time.Duration `json:"quiet_ns"`  // before the window
	Window time.Duration `json:"window_ns"` // of processor and traffic
	Nodes  []IdleNode    `json:"nodes"`
}

// IdleNode is one of them.
type IdleNode struct {
	Name      string         `json:"name"`
	Roles     []string       `json:"roles"`
	Memory    *Memory        `json:"memory"`    // nil: the system does not tell
	Processor *float64       `json:"processor"` // share of one core; nil: the system does not tell
	TCP       float64        `json:"tcp_sent_bytes_per_second"`
	UDP       float64        `json:"udp_sent_bytes_per_second"`
	Protocols []ProtocolRate `json:"protocols"` // of TCP, the streams' payload, most first
	Allowed   float64        `json:"allowed_bytes_per_second"`
}

// ProtocolRate is what a node sends by one protocol.
type ProtocolRate struct {
	Protocol string  `json:"protocol"`
	Sent     float64 `json:"sent_bytes_per_second"`
}
