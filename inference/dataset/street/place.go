package street

import "slices"

// placed is the model's parts at a place of the world, and all their faces.
func (m model) placed(where vec, heading int64) ([]part, []face) {
	sin, cos := sine(heading), cosine(heading)
	parts := make([]part, len(m.parts))
	var all []face
	for i, p := range m.parts {
		faces := make([]face, len(p.faces))
		for j, f := range p.faces {
			corners := make([]vec, len(f.corners))
			for n, c := range f.corners {
				corners[n] = c.turned(sin, cos).plus(where)
			}
			f.corners = corners
			faces[j] = f.oriented()
		}
		parts[i].faces = faces
		all = append(all, faces...)
	}
	return parts, all
}

// middle is the mean of the corners of a part's sides.
func (p part) middle() vec {
	sum, n := vec{}, int64(0)
	for _, f := range p.faces {
		for _, c := range f.corners {
			sum, n = sum.plus(c), n+1
		}
	}
	return vec{sum.x / n, sum.y / n, sum.z / n}
}

// distance is that over the ground.
func distance(a, b vec) int64 {
	d := a.minus(b)
	return root(d.x*d.x + d.y*d.y)
}

// hidden reports whether a building stands between a camera and a place.
func (w *world) hidden(eye, where vec) bool {
	for i := range w.buildings {
		if w.buildings[i].hides(eye, where) {
			return true
		}
	}
	return false
}

// fromFar is the buildings, the farthest first.
func (w *world) fromFar(eye vec) []*building {
	list := make([]*building, len(w.buildings))
	for i := range w.buildings {
		list[i] = &w.buildings[i]
	}
	slices.SortStableFunc(list, func(a, b *building) int {
		return int(clamp(distance(eye, b.corner)-distance(eye, a.corner), -1, 1))
	})
	return list
}

// clearOf reports whether a thing does not stand where the object is: what an
// object drives or walks through is left away.
func (t thing) clearOf(o *object) bool {
	return distance(t.middle, o.where) > o.model.shadow.length+300
}
