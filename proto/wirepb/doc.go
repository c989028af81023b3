// Package wirepb is the schema of what nodes say to one another. It holds generated
// code alone: the meaning of the fields is told in the .proto files, the exchanges in
// the packages that speak them.
package wirepb
