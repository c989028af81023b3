package street

// The classes, in the order of the labels.
const (
	car = iota
	bus
	person
)

// classBag is the classes of twenty tracks in a row, shuffled: 45 % cars, 15 %
// buses, 40 % persons.
var classBag = []int{
	car, car, car, car, car, car, car, car, car,
	bus, bus, bus,
	person, person, person, person, person, person, person, person,
}

// track is one object on its way.
type track struct {
	class   int
	seed    uint64
	start   vec
	heading int64
	turn    int64 // change of heading a frame
	speed   int64 // millimetres a frame
	frames  int   // how many frames it is followed
	age     int
}

// moment is an object at one moment: what one sample shows.
type moment struct {
	frame   int
	class   int
	seed    uint64 // of the object
	where   vec
	heading int64
	phase   int64 // of a step
}

// traffic makes the moments, in time order.
type traffic struct {
	seed   uint64
	random *random
	bag    []int
	tracks []track
	frame  int
	count  uint64
}

func newTraffic(seed uint64) *traffic {
	return &traffic{seed: seed, random: newRandom(seed, forTracks)}
}

// next is the moments of the next frame: of two or three objects.
func (t *traffic) next() []moment {
	t.frame++
	for len(t.tracks) < 3 && (len(t.tracks) < 2 || t.random.chance(40)) {
		t.tracks = append(t.tracks, t.newTrack())
	}
	var moments []moment
	kept := t.tracks[:0]
	for _, tr := range t.tracks {
		moments = append(moments, tr.moment(t.frame))
		if tr.age++; tr.age < tr.frames {
			kept = append(kept, tr)
		}
	}
	t.tracks = kept
	return moments
}

func (t *traffic) newTrack() track {
	r := t.random
	if len(t.bag) == 0 {
		t.bag = append(t.bag, classBag...)
		for i := len(t.bag) - 1; i > 0; i-- {
			j := r.below(int64(i + 1))
			t.bag[i], t.bag[j] = t.bag[j], t.bag[i]
		}
	}
	t.count++
	tr := track{class: t.bag[0], seed: t.count, frames: int(r.between(3, 7))}
	t.bag = t.bag[1:]
	along, across := r.between(-reach, reach*6/10), int64(0)
	switch tr.class {
	case person:
		across = oneOf(r, []int64{-1, 1}) * r.between(4600, 7300)
		if r.chance(20) { // across the road where there is no crossing
			across = r.between(-4200, 4200)
		}
		tr.speed = r.between(350, 900)
		tr.turn = r.between(-60, 60)
	default:
		across = -r.between(1500, 2700) // on the right
		tr.speed = r.between(0, 2600)
		tr.turn = r.between(-12, 12)
		if r.chance(30) { // in a turn
			tr.turn = r.between(-220, 220)
			along = r.between(-8000, 4000)
		}
	}
	tr.heading = oneOf(r, []int64{0, 1, 2, 3}) * fullTurn / 4
	tr.start = vec{along, across, 0}.turned(sine(tr.heading), cosine(tr.heading))
	tr.heading += r.between(-50, 50)
	return tr
}

// moment is the object now: it went its way in a frame's steps.
func (tr *track) moment(frame int) moment {
	m := moment{frame: frame, class: tr.class, seed: tr.seed, where: tr.start, heading: tr.heading}
	for range tr.age {
		step := vec{tr.speed, 0, 0}
		m.where = m.where.plus(step.turned(sine(m.heading), cosine(m.heading)))
		m.heading += tr.turn
	}
	m.phase = newRandom(tr.seed, forMotion).below(fullTurn) + int64(tr.age)*tr.speed*fullTurn/1450
	return m
}
