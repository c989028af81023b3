// Package bits has the maps of the deployed network, packed at one bit an
// element, and the integer kernels that run its binary sections.
package bits
