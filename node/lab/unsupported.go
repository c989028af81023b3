//go:build !linux

package lab

import (
	"context"
	"fmt"
	"net"
)

// Space is nothing: only Linux has network namespaces.
type Space struct{}

// Through is nothing.
func (*Space) Through() []string { return nil }

// Dial fails.
func (*Space) Dial(context.Context, string, string) (net.Conn, error) { return nil, unsupported() }

// Network is nothing: only Linux has network namespaces.
type Network struct{}

func unsupported() error { return fmt.Errorf("%w: they are Linux's", ErrUnsupported) }

// New fails.
func New(int, uint64) (*Network, error) { return nil, unsupported() }

// Address is empty.
func Address(int) string { return "" }

// Machine is nothing.
func (*Network) Machine(int) *Space { return nil }

// Set fails.
func (*Network) Set(func(from, to int) Path) error { return unsupported() }

// Losses is 0.
func (*Network) Losses() uint64 { return 0 }

// Unplug fails.
func (*Network) Unplug(int) error { return unsupported() }

// Heal fails.
func (*Network) Heal() error { return unsupported() }

// Close does nothing.
func (*Network) Close() error { return nil }
