package street

// light is how bright it is at one moment.
type light struct {
	sun     vec   // towards the sun, unit length
	direct  int64 // of the sun, in 1/256
	ambient int64 // of the sky, in 1/256
	warm    int64 // how much redder than white, in 1/256
	lit     bool  // lamps are on
}

// dayFrames is the frames from one dusk to the next.
const dayFrames = 96

// lightAt is the light of a frame: bright days that turn to dusk and back, and
// some of them cloudy.
func lightAt(seed uint64, frame int) light {
	day := newRandom(seed, forLight, uint64(frame/dayFrames))
	cloud := day.between(0, 120)
	turn := day.below(fullTurn)
	at := int64(frame % dayFrames)
	noon := min(at, dayFrames-at) * 512 / dayFrames // 0 at dusk, 256 at noon
	level := clamp(90+noon*3/2, 90, 256)            // dusk is short
	height := 3000 + noon*40
	return light{
		sun:     vec{cosine(turn), sine(turn), height}.direction(),
		direct:  (level - 80) * (256 - cloud*3/2) / 256,
		ambient: level*110/256 + cloud/2,
		warm:    (256 - level) / 6,
		lit:     level < 150,
	}
}

// on is the colour of a surface of the given normal in the light.
func (l light) on(color rgb, normal vec) rgb {
	facing := max(normal.dot(l.sun)>>unitBits, 0) // in 1/unit
	t := l.ambient + l.direct*facing/unit
	return rgb{color.r * t * (256 + l.warm) >> 16, color.g * t >> 8, color.b * t * (256 - l.warm) >> 16}
}
