// Package modelpb is the schema of the bundle, the file that carries one trained
// network (*.ganglion). It holds generated code alone: the meaning of the fields
// is told in model.proto, their checks are in package inference.
package modelpb
