package street

// model is an object about its own origin on the ground, facing along x.
type model struct {
	parts   []part
	shadow  slab // what it shades of the ground
	ordered bool // parts are drawn in their order; else the farther first
}

var (
	glass  = rgb{38, 46, 56}
	rubber = rgb{22, 22, 24}
	rim    = rgb{120, 120, 124}
	white  = rgb{235, 232, 220}
	red    = rgb{170, 24, 22}
)

var bodyColors = []rgb{
	{225, 226, 228},
	{225, 226, 228},
	{168, 172, 178},
	{168, 172, 178},
	{96, 99, 105},
	{34, 35, 39},
	{34, 35, 39},
	{28, 44, 92},
	{48, 84, 150},
	{150, 30, 32},
	{36, 76, 52},
	{190, 176, 132},
	{196, 150, 40},
}

// newCar is a saloon, an estate or, seldom, a van.
func newCar(r *random, lit bool) model {
	paintwork := oneOf(r, bodyColors)
	length, width := r.between(1950, 2350), r.between(820, 910)
	waist, height := r.between(820, 940), r.between(1400, 1560)
	noseAt, tailAt := r.between(300, 620), -length+r.between(60, 420)
	roofNose, roofTail := noseAt-r.between(420, 620), tailAt+r.between(160, 420)
	if r.chance(12) {
		length, width = r.between(2300, 2600), r.between(930, 990)
		waist, height = r.between(1000, 1150), r.between(1950, 2200)
		noseAt, tailAt = length-r.between(500, 700), -length
		roofNose, roofTail = noseAt-r.between(300, 500), tailAt+100
	}
	low := slab{0, 0, 280, length, width}
	body := frustum(low, slab{0, 0, waist, length - 50, width - 20}, paintwork)
	for _, side := range []int{right, left} {
		body.wheel(side, length*62/100, 310, 320, rubber)
		body.wheel(side, -length*60/100, 310, 320, rubber)
		body.wheel(side, length*62/100, 310, 170, rim)
		body.wheel(side, -length*60/100, 310, 170, rim)
	}
	body.paint(front, 70, 60, 186, 130, rubber)
	body.paint(front, 96, 8, 160, 50, white)
	body.paint(back, 92, 60, 164, 110, white)
	body.paint(back, 0, 0, 256, 40, rubber)
	body.lamp(front, 8, 120, 62, 210, rgb{245, 242, 215}, lit)
	body.lamp(front, 194, 120, 248, 210, rgb{245, 242, 215}, lit)
	body.lamp(back, 4, 130, 52, 220, red, lit)
	body.lamp(back, 204, 130, 252, 220, red, lit)

	cabin := frustum(
		slab{(noseAt + tailAt) / 2, 0, waist, (noseAt - tailAt) / 2, width - 40},
		slab{(roofNose + roofTail) / 2, 0, height, (roofNose - roofTail) / 2, width - 180}, paintwork)
	cabin.paint(front, 14, 20, 242, 232, glass)
	cabin.paint(back, 22, 40, 234, 220, glass)
	for _, side := range []int{right, left} {
		cabin.paint(side, 24, 24, 118, 220, glass)
		cabin.paint(side, 132, 24, 228, 220, glass)
	}
	if r.chance(15) { // a load on the roof
		load := box(slab{(roofNose + roofTail) / 2, 0, height, 500, 350}, 260, rgb{60, 58, 60})
		return model{[]part{body, cabin, load}, low, true}
	}
	return model{[]part{body, cabin}, low, true}
}

var liveries = [][2]rgb{
	{{214, 214, 210}, {40, 90, 160}},
	{{190, 40, 36}, {225, 222, 214}},
	{{230, 196, 60}, {60, 60, 66}},
	{{40, 110, 84}, {222, 222, 214}},
	{{222, 222, 220}, {188, 36, 36}},
	{{60, 92, 152}, {218, 220, 222}},
}

// newBus is a town bus or a minibus.
func newBus(r *random, lit bool) model {
	livery := oneOf(r, liveries)
	length, width, height := r.between(4600, 5900), r.between(1200, 1270), r.between(2500, 2750)
	if r.chance(20) {
		length, width, height = r.between(3100, 3700), r.between(1020, 1100), r.between(2150, 2350)
	}
	low := slab{0, 0, 330, length, width}
	body := box(low, height, livery[0])
	for _, side := range []int{right, left} {
		body.paint(side, 0, 0, 256, 56, livery[1])
		panes := 3 + length/1000
		for i := range panes {
			body.paint(side, 8+i*240/panes, 116, 2+(i+1)*240/panes, 212, glass)
		}
		body.wheel(side, length*60/100, 470, 480, rubber)
		body.wheel(side, -length*55/100, 470, 480, rubber)
		body.wheel(side, length*60/100, 470, 220, rim)
		body.wheel(side, -length*55/100, 470, 220, rim)
	}
	for _, u := range []int64{104, 218} { // doors are on the right
		body.paint(right, u, 14, u+24, 206, rgb{66, 72, 80})
		body.paint(right, u+11, 14, u+13, 206, livery[0])
	}
	body.paint(front, 10, 96, 246, 206, glass)
	body.paint(front, 0, 0, 256, 56, livery[1])
	body.lamp(front, 50, 216, 206, 246, rgb{226, 176, 60}, lit)
	body.lamp(front, 14, 30, 56, 60, rgb{245, 242, 215}, lit)
	body.lamp(front, 200, 30, 242, 60, rgb{245, 242, 215}, lit)
	body.paint(back, 34, 130, 222, 220, glass)
	body.paint(back, 30, 16, 226, 84, livery[1].scaled(180))
	body.lamp(back, 6, 60, 34, 110, red, lit)
	body.lamp(back, 222, 60, 250, 110, red, lit)
	vent := box(slab{-length / 3, 0, 330 + height, length / 4, width / 2}, 180, livery[0].scaled(200))
	return model{[]part{body, vent}, low, true}
}

var (
	coats    = []rgb{{30, 30, 36}, {30, 30, 36}, {46, 50, 66}, {84, 62, 48}, {120, 34, 38}, {40, 66, 112}, {70, 82, 58}, {150, 140, 120}, {200, 198, 190}, {210, 150, 40}}
	trousers = []rgb{{28, 30, 38}, {28, 30, 38}, {46, 58, 86}, {72, 66, 60}, {130, 122, 104}}
	skins    = []rgb{{214, 170, 142}, {190, 140, 108}, {128, 88, 64}, {92, 62, 46}}
	hairs    = []rgb{{30, 24, 20}, {60, 42, 28}, {120, 90, 50}, {150, 148, 144}}
)

// newPerson walks; phase is the moment of a step, in turns of fullTurn.
func newPerson(r *random, phase int64) model {
	coat, cloth, skin, hair := oneOf(r, coats), oneOf(r, trousers), oneOf(r, skins), oneOf(r, hairs)
	height := r.between(1560, 1880)
	at := func(percent int64) int64 { return height * percent / 100 }
	girth := r.between(85, 120) // percent
	swing := 300 * sine(phase) / unit
	hem := at(r.between(36, 50)) // where the coat ends

	var parts []part
	for _, side := range []int64{-1, 1} {
		legs := frustum(slab{side * swing, side * 95, 0, 75, 60}, slab{0, side * 85, at(50), 95, 85 * girth / 100}, cloth)
		shoe := box(slab{side*swing + 50, side * 95, 0, 130, 60}, 90, rubber)
		arm := frustum(slab{-side * swing * 3 / 4, side * 215 * girth / 100, at(44), 48, 42}, slab{0, side * 185 * girth / 100, at(80), 62, 48}, coat.scaled(215))
		hand := box(slab{-side * swing * 3 / 4, side * 215 * girth / 100, at(41), 45, 40}, 80, skin)
		parts = append(parts, legs, shoe, arm, hand)
	}
	torso := frustum(slab{0, 0, hem, 125 * girth / 100, 170 * girth / 100}, slab{0, 0, at(76), 115 * girth / 100, 185 * girth / 100}, coat)
	shoulders := frustum(slab{0, 0, at(76), 115 * girth / 100, 185 * girth / 100}, slab{0, 0, at(84), 60, 75}, coat)
	neck := box(slab{10, 0, at(83), 60, 58}, at(5), skin)
	head := frustum(slab{15, 0, at(86), 90, 78}, slab{10, 0, at(96), 118, 98}, skin)
	for _, side := range []int{back, right, left} {
		head.paint(side, 0, 70, 256, 256, hair)
	}
	head.paint(front, 0, 190, 256, 256, hair)
	crown := frustum(slab{5, 0, at(96), 118, 98}, slab{0, 0, at(101), 66, 56}, hair)
	parts = append(parts, torso, shoulders, neck, head, crown)
	switch {
	case r.chance(25):
		pack := box(slab{-200, 0, at(56), 90, 150}, at(24), oneOf(r, coats))
		parts = append(parts, pack)
	case r.chance(20):
		bag := box(slab{0, 330, at(28), 150, 60}, at(15), oneOf(r, coats))
		parts = append(parts, bag)
	}
	return model{parts, slab{0, 0, 0, 330, 260}, false}
}
