// Package inference is the network as deployed: forward only, immutable, bit-exact
// on every architecture. A [Bundle] is the file that travels, a [Model] what runs
// from it: device sections, local aggregators, edge sections and the cloud section,
// each callable by itself, because in life each runs on another machine. The system
// is that of "Distributed Deep Neural Networks over the Cloud, the Edge and End
// Devices" (Teerapittayanon, McDanel, Kung, ICDCS 2017; the paper).
//
// # Glossary
//
//   - View: what one camera sees of one sample. It is seen, has nothing in view (its
//     device says so), or is missing (nobody said anything).
//   - Sample: one moment of a site, which is one instance of the topology's views.
//   - Group: the views under one aggregator; one group unless the topology names more.
//   - Section: the layers that one tier runs: device, edge or cloud.
//   - Features: a section's output map, one bit an element ([bits] has the format).
//   - Scores: a section's class vector, [class] float32, before the softmax.
//   - Aggregator: how scores or features of several views become one: MP, AP or CC.
//   - Exit: a point, at a physical boundary, where a sample may be answered.
//   - Threshold: T in [0, 1] of an exit; a sample exits where its normalized entropy is
//     at most T.
//   - Proposal: what one exit would answer. Verdict: the answer for one sample.
//   - Label: ground truth. Class: a prediction.
//
// Sets of views are uint64, bit v for view v.
//
// # A sample's way
//
//	pixels --Device--> scores ----Local----> exit "local" --eta <= T--> verdict
//	          |                                | else
//	          '------> features --[Edge]-----> Cloud --> exit "cloud" --> verdict
//
// [Model.Classify] is the whole way in one process, and what a network of nodes that
// runs the sections apart must agree with, bit for bit.
//
// # Guarantees
//
//   - A view that is not seen contributes nothing: in CC it is exact zeros, neither -1
//     nor +1; MP and AP run over the seen views alone.
//   - Without a seen view there is no class: the exit is "none", never a guess.
//   - Bytes from outside are checked once, in [DecodeBundle] and [Model.CheckFeatures].
//     A model made from a checked bundle makes no NaN and no infinity.
//   - Running a section allocates nothing; scratch is the caller's.
package inference
