// Package overlink lets package membership run over the hosts of package link. It
// adapts the types of the one to the interfaces of the other, and nothing else, so
// that neither needs to know the other.
//
// What it returns is as safe for use by several goroutines as the host is, and ends
// with it.
package overlink
