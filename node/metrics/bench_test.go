package metrics

import (
	"testing"

	"ganglion/inference/topology"
	"ganglion/roles"
)

// What one verdict costs its coordinator: everything that is counted for it there.
func BenchmarkVerdict(b *testing.B) {
	for _, of := range []struct {
		name string
		m    *Metrics
	}{{"on", New("test")}, {"off", nil}} {
		b.Run(of.name, func(b *testing.B) {
			v := verdict(0, topology.ExitCloud, 1)
			top, err := topology.Preset("c", topology.Base{Views: []string{"a", "b", "c", "d"}, Classes: []string{"x", "y", "z"}})
			if err != nil {
				b.Fatal(err)
			}
			p := []*roles.Published{publication(&v, "a")}
			b.ReportAllocs()
			for b.Loop() {
				of.m.Decided(&v, top)
				of.m.Published(p)
				of.m.Logged(p)
				of.m.Turned()
				of.m.Ran(DeviceSection, of.m.Began())
			}
		})
	}
}
