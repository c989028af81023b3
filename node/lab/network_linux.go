package lab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
)

// mostMachines of a network: its addresses are of one byte.
const mostMachines = 200

// Network is machines on one switch. Its methods are for one goroutine, but for those of
// its machines' spaces.
type Network struct {
	machines []*Space
	hub      *Space // where the ports are
	change   *Switch
	stop     context.CancelFunc
	running  sync.WaitGroup
	fault    error // of the switch; after running
	down     map[int]bool
}

// New makes so many machines, each with an interface eth0 and an address on one switch.
// Losses are drawn from the seed. Close ends it.
func New(machines int, seed uint64) (n *Network, err error) {
	if machines < 1 || machines > mostMachines {
		return nil, fmt.Errorf("make network: %d machines: use 1 to %d", machines, mostMachines)
	}
	for _, command := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(command); err != nil {
			return nil, fmt.Errorf("%w: no %s command: install iproute2 and util-linux", ErrUnsupported, command)
		}
	}
	n = &Network{down: map[int]bool{}, stop: func() {}}
	defer func() {
		if err != nil {
			err, n = errors.Join(err, n.Close()), nil
		}
	}()
	if n.hub, err = NewSpace(); err != nil {
		return n, err
	}
	var ports []string
	for i := range machines {
		m, err := NewSpace()
		if err != nil {
			return n, err
		}
		n.machines = append(n.machines, m)
		ports = append(ports, fmt.Sprint("port", i))
		if err := n.plug(i, ports[i]); err != nil {
			return n, err
		}
	}
	if err := n.hub.Do(func() (err error) {
		n.change, err = OpenSwitch(seed, ports...)
		return err
	}); err != nil {
		return n, err
	}
	ctx, stop := context.WithCancel(context.Background()) // until Close
	n.stop = stop
	n.running.Go(func() { n.fault = n.change.Run(ctx) })
	return n, nil
}

// plug connects a machine to a port.
func (n *Network) plug(i int, port string) error {
	m := n.machines[i]
	for _, step := range []struct {
		in        *Space
		arguments []string
	}{
		{n.hub, []string{"link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprint(m.thread)}},
		{n.hub, []string{"link", "set", port, "up"}},
		// One segment is one frame, for loss to be of segments.
		{m, []string{"link", "set", "eth0", "gso_max_segs", "1", "address", fmt.Sprintf("02:00:0a:4e:00:%02x", i+1)}},
		{m, []string{"address", "add", Address(i) + "/24", "broadcast", "+", "dev", "eth0"}},
		{m, []string{"link", "set", "eth0", "up"}},
	} {
		if err := step.in.IP(step.arguments...); err != nil {
			return err
		}
	}
	return nil
}

// Address is where a machine is on the switch.
func Address(machine int) string { return fmt.Sprintf("10.78.0.%d", machine+1) }

// Machine is the space of a machine.
func (n *Network) Machine(i int) *Space { return n.machines[i] }

// Set makes every path between machines what of says of it. Cables stay as they are.
func (n *Network) Set(of func(from, to int) Path) error { return n.change.Set(of) }

// Losses is how many frames the switch has lost or cut so far.
func (n *Network) Losses() uint64 { return n.change.Losses() }

// Unplug takes a machine's interface down; the machine notices.
func (n *Network) Unplug(machine int) error {
	n.down[machine] = true
	return n.machines[machine].IP("link", "set", "eth0", "down")
}

// Heal plugs all machines in again and has all paths carry everything.
func (n *Network) Heal() error {
	faults := []error{n.Set(func(int, int) Path { return Path{} })}
	for machine := range n.down {
		if err := n.machines[machine].IP("link", "set", "eth0", "up"); err != nil {
			faults = append(faults, err)
			continue
		}
		delete(n.down, machine)
	}
	return errors.Join(faults...)
}

// Close takes the network away. Processes in its machines are to have ended.
func (n *Network) Close() error {
	n.stop()
	n.running.Wait()
	faults := []error{n.fault}
	if n.change != nil {
		faults = append(faults, n.change.Close())
	}
	for _, m := range n.machines {
		m.Close()
	}
	if n.hub != nil {
		n.hub.Close()
	}
	return errors.Join(faults...)
}
