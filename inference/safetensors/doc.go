// Package safetensors carries the weights of a network to and from safetensors files,
// the format in which PyTorch users keep theirs: so that a network that was trained
// elsewhere becomes a bundle, and a bundle's weights can be looked at, changed, and
// brought back.
//
// # Concepts
//
// A [File] is named tensors and a few lines of text. [Decode] and [File.Encode] know
// the format and nothing of networks. [Export] names the tensors of a bundle; [Import]
// makes the content of a bundle of a topology from a file with those names. Names and
// layouts are those of the state_dict of a PyTorch module that is built like the
// network; docs/import.md lists them. The arithmetic that the weights must have been
// trained for is there, too.
//
// # What import does to weights
//
// Weights of binary layers become their signs: +1 where a weight is at least 0, as in
// this program's own training. Batch norms are taken as they are; what folds them into
// thresholds is the loading of the bundle, the same for every bundle. A bias of a
// convolution or a linear layer moves into the mean of the batch norm behind it. Nothing
// else is changed, and what is missing, left over or of another shape is an error that
// names every fault at once.
//
// # Guarantees
//
// Decode takes bytes from outside: it allocates no more than a small multiple of their
// length, and refuses what the format does not allow, such as names that occur twice,
// and tensors that overlap or leave holes. What Export wrote, Import makes the same
// weights and thresholds of, bit for bit. Import checks names, shapes, and that numbers
// are finite; that they are of a size that the network can run is for
// [ganglion/inference.NewBundle] to check. What a file tells about its weights goes into
// bundles and onto terminals: it is up to [MaxTold] bytes of text that prints, or refused.
//
// # Limits
//
// Files of up to [MaxFileBytes], with a header of up to [MaxHeaderBytes]. Of the
// format's types, the floats of 16 to 64 bits and the signed integers are read; values
// become float32.
package safetensors
