package street

import "testing"

func BenchmarkRender(b *testing.B) {
	for b.Loop() {
		if _, err := Render(Config{Samples: 100, Seed: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
