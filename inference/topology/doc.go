// Package topology says what one distributed deep neural network (DDNN) is
// made of and where each part of it runs: the views and how they are grouped,
// the section of layers at each tier, how scores and features are aggregated,
// and at which physical boundaries a sample may exit.
//
// # Concepts
//
// A [Topology] is a value: plain data, no weights. It comes from a preset name
// ([Preset]), from a small YAML file ([Parse]) or from a bundle ([FromProto]),
// and is checked once by [Topology.Validate], which reports every fault at once
// as an [Error], each with the key it is about and, in a file, its line.
//
// The tiers are device, edge (optional) and cloud. Every tier that has a
// section runs blocks of convolution, pooling, batch normalization and
// activation over maps of [channel, row, col]:
//
//	views --> device section --> features --> [edge section -->] cloud section --> exit "cloud"
//	              |                               |
//	              '-> scores -> exit "local"      '-> exit "edge"
//
// The six deployments of figure 2 of the DDNN paper (Teerapittayanon, McDanel,
// Kung, ICDCS 2017) are the presets a to f; elastic is a seventh of ours, whose
// weights do not depend on the number of views.
//
// # Guarantees
//
// A Topology that Validate accepts has shapes that fit one another at every
// boundary, and every size derived from it is bounded: MaxViews, MaxFilters and
// the other limits are small enough that no product of them overflows an int,
// and MaxMap and MaxWeightBytes bound what they make together.
//
// # Limits
//
// Convolutions are 3x3 with one pixel of zero padding; pools are 3x3 with one
// pixel of padding and stride 1 or 2 (section IV of the paper). The values of a
// Topology must not be changed after Validate; it is then safe for use by any
// number of goroutines.
package topology
