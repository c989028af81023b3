package street

import "slices"

// The street corner: two roads that cross at the origin, pavements beside them,
// a building in each quadrant. All lengths in millimetres.
const (
	roadHalf  = 4200  // from the middle of a road to the kerb
	wallAt    = 8200  // from the middle of a road to the buildings
	wallEnd   = 34000 // how far the buildings reach
	reach     = 18000 // how far from the crossing objects are followed
	stripes   = 6600  // where the zebra crossings end, from the origin
	stripeGap = 900
	clearance = 6000 // around a camera where nothing is parked or planted
)

// world is what does not move.
type world struct {
	cameras   []camera
	buildings []building
	things    []thing // parked cars, poles, trees, benches
	seed      uint64
}

type building struct {
	corner       vec // the nearest to the crossing
	walls        []face
	lowX, lowY   int64 // footprint
	highX, highY int64
}

// thing is a placed solid with its middle on the ground.
type thing struct {
	middle vec
	parts  []part
}

func newWorld(seed uint64) *world {
	w := &world{seed: seed}
	at := func(x, y, z int64) vec { return vec{x, y, z} }
	w.cameras = []camera{
		newCamera(at(-8000, -8000, 4300), at(3500, 3000, 600), 260, rgb{256, 250, 238}, 7, false),
		newCamera(at(7900, -10500, 3400), at(-1500, 5000, 900), 240, rgb{240, 250, 262}, 10, false),
		newCamera(at(10500, 7800, 5200), at(-4500, -1500, 300), 290, rgb{262, 252, 232}, 8, false),
		newCamera(at(-24000, -6900, 3300), at(-4000, 500, 900), 350, rgb{244, 256, 246}, 10, true),
		newCamera(at(6800, 25500, 4600), at(500, 4000, 500), 370, rgb{250, 250, 250}, 10, false),
		newCamera(at(25500, 3000, 2700), at(2000, -1200, 1000), 390, rgb{236, 246, 266}, 11, true),
	}
	r := newRandom(seed, forWorld)
	facades := []rgb{{168, 150, 122}, {150, 92, 74}, {186, 180, 168}, {122, 124, 132}}
	for i, dir := range [][2]int64{{1, 1}, {-1, 1}, {-1, -1}, {1, -1}} {
		w.buildings = append(w.buildings, newBuilding(r, dir[0], dir[1], facades[i]))
	}
	for len(w.things) < 9 {
		t := newThing(r)
		if !slices.ContainsFunc(w.cameras, func(c camera) bool { return distance(c.eye, t.middle) < clearance }) {
			w.things = append(w.things, t)
		}
	}
	// Poles stand near the cameras, so that they cross some pictures.
	for _, p := range []vec{{-5200, -5000, 0}, {5400, -4800, 0}, {4900, 5200, 0}, {-14000, -4700, 0}, {4800, 15500, 0}, {15500, 4700, 0}} {
		pole := model{parts: []part{box(slab{0, 0, 0, 90, 90}, 6000, rgb{72, 76, 74})}}
		parts, _ := pole.placed(p, 0)
		w.things = append(w.things, thing{p, parts})
	}
	// These come when all else stands, so that the first cameras see the same without them.
	w.cameras = append(w.cameras,
		newCamera(at(-7800, 9900, 4000), at(2500, -3000, 700), 270, rgb{252, 248, 244}, 9, false),
		newCamera(at(2600, -25500, 3900), at(-400, -4000, 700), 370, rgb{246, 254, 252}, 9, false),
	)
	return w
}

// newBuilding has two walls that are seen, with rows of windows and shops below.
func newBuilding(r *random, dx, dy int64, color rgb) building {
	b := building{corner: vec{dx * wallAt, dy * wallAt, 0}}
	b.lowX, b.highX = min(dx*wallAt, dx*wallEnd), max(dx*wallAt, dx*wallEnd)
	b.lowY, b.highY = min(dy*wallAt, dy*wallEnd), max(dy*wallAt, dy*wallEnd)
	length := int64(wallEnd-wallAt) / 2
	middle := int64(wallEnd+wallAt) / 2
	solid := box(slab{dx * middle, dy * middle, 0, length, length}, r.between(9000, 13000), color)
	sides := []int{back, right}
	if dx < 0 {
		sides[0] = front
	}
	if dy < 0 {
		sides[1] = left
	}
	for n, side := range sides {
		if n == 1 {
			solid.faces[side].color = color.scaled(220)
		}
		for i := range int64(7) {
			u := 6 + i*36
			shop := rgb{r.between(30, 90), r.between(30, 90), r.between(30, 90)}
			solid.paint(side, u, 4, u+28, 60, shop)
			for floor := range int64(3) {
				solid.paint(side, u+4, 90+floor*58, u+20, 124+floor*58, glass.scaled(r.between(200, 420)))
			}
		}
		b.walls = append(b.walls, solid.faces[side].oriented())
	}
	for _, f := range solid.faces[left+1:] {
		b.walls = append(b.walls, f.oriented())
	}
	return b
}

// newThing is a parked car, a tree, a bench or a kiosk on a kerb or a pavement.
func newThing(r *random) thing {
	along := r.between(9000, 24000)
	if r.chance(50) {
		along = -along
	}
	side := oneOf(r, []int64{-1, 1})
	m, across := model{}, side*r.between(6800, 7600)
	switch r.below(4) {
	case 0, 1:
		m, across = newCar(r, false), side*(roadHalf-1000)
	case 2:
		trunk := box(slab{0, 0, 0, 140, 140}, 2300, rgb{74, 58, 42})
		crown := frustum(slab{0, 0, 2200, 700, 700}, slab{0, 0, 4800, 1100, 1100}, rgb{52, 82, 40})
		m = model{parts: []part{trunk, crown}}
	default:
		m = model{parts: []part{box(slab{0, 0, 0, 500, 350}, r.between(900, 1900), rgb{r.between(50, 170), r.between(60, 120), r.between(50, 120)})}}
	}
	where, heading := vec{along, across, 0}, int64(0)
	if r.chance(50) {
		where, heading = vec{across, along, 0}, fullTurn/4
	}
	placed, _ := m.placed(where, heading)
	return thing{where, placed}
}

// hides reports whether the building's footprint cuts the line from one point to
// another, seen from above.
func (b *building) hides(from, to vec) bool {
	// The line is within the footprint from enter to leave, in 1/unit of its length
	// (the slab method).
	enter, leave := int64(0), int64(unit)
	for _, axis := range [2][4]int64{{from.x, to.x, b.lowX, b.highX}, {from.y, to.y, b.lowY, b.highY}} {
		start, span, low, high := axis[0], axis[1]-axis[0], axis[2], axis[3]
		if span == 0 {
			if start <= low || start >= high {
				return false
			}
			continue
		}
		at, then := (low-start)*unit/span, (high-start)*unit/span
		enter, leave = max(enter, min(at, then)), min(leave, max(at, then))
	}
	return enter < leave
}

// ground is the colour of the ground.
func (w *world) ground(x, y int64) rgb {
	ax, ay := max(x, -x), max(y, -y)
	grain := int64(cellNoise(w.seed, x>>7, y>>7)&15) + int64(cellNoise(w.seed, x>>10, y>>10)&15)
	switch {
	case ax > roadHalf && ay > roadHalf: // pavement
		if x&1023 < 60 || y&1023 < 60 {
			return rgb{116 + grain, 112 + grain, 108 + grain}
		}
		return rgb{138 + grain, 134 + grain, 130 + grain}
	case ax > roadHalf+300 && ax < stripes && y&2047 < stripeGap,
		ay > roadHalf+300 && ay < stripes && x&2047 < stripeGap:
		return rgb{196 + grain, 196 + grain, 190 + grain}
	case ax > stripes+600 && ay < 70 && x&4095 < 2400,
		ay > stripes+600 && ax < 70 && y&4095 < 2400:
		return rgb{190 + grain, 190 + grain, 180 + grain}
	}
	return rgb{74 + grain, 75 + grain, 78 + grain}
}

// cellNoise is a fixed random number of a cell of the ground.
func cellNoise(seed uint64, x, y int64) uint64 {
	z := seed ^ uint64(x)*0x9e3779b97f4a7c15 ^ uint64(y)*0xc2b2ae3d27d4eb4f
	z = (z ^ z>>29) * 0xbf58476d1ce4e5b9
	return z >> 40
}
