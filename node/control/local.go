package control

import (
	"context"
	"sync"
)

// Local is the nodes of a mesh that run on this machine and answer, by name, but those whose
// run file is to be skipped. All are asked at once.
func (f Finder) Local(ctx context.Context, mesh string, skip func(RunFile) bool) ([]*Node, error) {
	files, err := f.files()
	if err != nil {
		return nil, err
	}
	found := make([]*Node, len(files))
	var asking sync.WaitGroup
	for i, file := range files {
		if file.Mesh != mesh || skip(file) {
			continue
		}
		asking.Go(func() {
			if n, err := f.reach(ctx, file); err == nil && n.Status.GetMesh() == mesh {
				found[i] = n
			}
		})
	}
	asking.Wait()
	var out []*Node
	for _, n := range found {
		if n != nil {
			out = append(out, n)
		}
	}
	return out, nil
}
