package nodetest

import (
	"fmt"
	"path/filepath"
	"strings"

	"ganglion/inference"
	"ganglion/node"
	"ganglion/node/source"
	"ganglion/roles"
)

// Part is a part of a deployment: some nodes, or how the nodes are.
type Part func(*plan)

// plan is the nodes that are to be started.
type plan struct {
	site    roles.Site
	prefix  string
	planned []*planned
	names   map[string]int // how many nodes of each sort there are
	changes []change
}

// planned is one node.
type planned struct {
	config node.Config
	kept   bool
}

// change is made to every node of a plan once all are known.
type change func(T, *planned)

// add plans a node, whose name begins with its sort.
func (p *plan) add(sort string, sources ...source.Spec) {
	sort = p.prefix + sort
	c := node.DefaultLAN()
	c.Name, c.Site, c.Sources = fmt.Sprintf("%s-%d", sort, p.names[sort]), p.site, sources
	p.names[sort]++
	p.planned = append(p.planned, &planned{config: c})
}

// Devices are n nodes that replay a data set, such as "street:samples=24,seed=3" or the
// path of one, each for whichever view is free.
func Devices(data string, n int) Part {
	return func(p *plan) {
		for range n {
			p.add("device", replay(data, ""))
		}
	}
}

// Device is one node that replays a data set for some views, each by its name or number.
// Nodes of [Devices] beside it may be faster to take them: name the views of all, or of
// none.
func Device(data string, views ...string) Part {
	return func(p *plan) {
		var specs []source.Spec
		for _, v := range views {
			specs = append(specs, replay(data, v))
		}
		p.add("device", specs...)
	}
}

// Spares are n nodes without a source: the first to have the roles.
func Spares(n int) Part {
	return func(p *plan) {
		for range n {
			p.add("spare")
		}
	}
}

// At has nodes belong to a site, whose name goes in front of theirs: "yard-device-0".
func At(site roles.Site, parts ...Part) Part {
	return func(p *plan) {
		inner := plan{site: site, prefix: string(site) + "-", names: p.names}
		inner.apply(parts)
		p.planned = append(p.planned, inner.planned...)
		p.changes = append(p.changes, inner.changes...)
	}
}

// Model has every node of the deployment begin with a bundle. Nodes that are added later
// begin with it where they are given it too; else they fetch it.
func Model(b *inference.Bundle) Part {
	return every(func(t T, n *planned) {
		n.config.Model = filepath.Join(folder(t), "model.ganglion")
		if err := b.Write(n.config.Model); err != nil {
			t.Fatalf("%v", err)
		}
	})
}

// Kept has every node keep its state in a folder of its own, over [Mesh.Restart].
func Kept() Part {
	return every(func(_ T, n *planned) { n.kept = true })
}

// Configure changes the configuration of every node; its Name says which one it is. How a
// node finds the others is not for it to change.
func Configure(edit func(*node.Config)) Part {
	return every(func(_ T, n *planned) { edit(&n.config) })
}

// every makes a change to the nodes of this plan, wherever among the parts it stands.
func every(c change) Part {
	return func(p *plan) {
		mine := p
		p.changes = append(p.changes, func(t T, n *planned) {
			for _, one := range mine.planned {
				if one == n {
					c(t, n)
				}
			}
		})
	}
}

// apply adds the parts to the plan.
func (p *plan) apply(parts []Part) {
	for _, part := range parts {
		part(p)
	}
}

func replay(data, view string) source.Spec {
	return source.Spec{View: view, Kind: source.KindReplay, Ref: strings.TrimSpace(data)}
}
