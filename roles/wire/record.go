package wire

import (
	"crypto/sha256"
	"time"
	"unicode"

	"ganglion/inference"
	"ganglion/roles"
)

// Record is what a node says of itself: the payload of its membership record. Lists of
// thousands do not fit into that; who encodes one is told by the membership.
type Record struct {
	Site     roles.Site
	Views    []roles.HeldView // that it claims, each once
	Wants    int              // sources that still want any free view; more than a site has views are told as that many
	Eligible roles.KindSet
	Pinned   roles.KindSet
	Class    roles.Class
	Stands   bool // the class has not changed for roles.ClassStands
	Claims   []roles.Claim
	Bundles  []inference.BundleID // that it has loaded, the one in use first
	Version  string               // of the program: printable, at most 64 bytes

	Live       bool              // its sources are cameras
	Data       [sha256.Size]byte // of what it replays; zero: nothing
	Feeds      bool              // it has sources, whether they have a view yet or not
	CloudDelay time.Duration     // that it adds to the round trip to the last tier
	Chaos      bool              // members may do harm to it on purpose
	Settings   uint64            // that it has of the bundle that it wants; 0: none
}

// EncodeRecord writes a record. Equal records have equal bytes.
func EncodeRecord(r *Record) []byte {
	e := encoder{}
	e.site(1, r.Site)
	for _, v := range r.Views {
		at := e.open(2)
		e.uint(1, uint64(v.View))
		e.uint(2, v.Counter)
		e.close(at)
	}
	e.uint(3, uint64(min(max(0, r.Wants), maxWants)))
	e.uint(4, uint64(r.Eligible))
	e.uint(5, uint64(r.Pinned))
	e.uint(6, uint64(r.Class))
	e.bool(7, r.Stands)
	for _, v := range r.Claims {
		e.claim(8, v)
	}
	for i := range r.Bundles {
		e.bytes(9, r.Bundles[i][:])
	}
	if r.Version != "" {
		e.string(10, r.Version)
	}
	e.bool(11, r.Live)
	e.hash(12, r.Data)
	e.duration(13, r.CloudDelay)
	e.bool(14, r.Feeds)
	e.bool(16, r.Chaos)
	e.uint(17, r.Settings)
	return e.finish()
}

// DecodeRecord reads a record.
func DecodeRecord(b []byte) (*Record, error) {
	d := decoder{limits: formatLimits()}
	d.readNames(b)
	r := &Record{}
	var held uint64
	c := d.enter("record", -1, b)
	for c.next() {
		c.recordField(r, &held)
	}
	if d.err == nil {
		d.check(r.Site.Validate())
	}
	if d.err != nil {
		return nil, d.err
	}
	return r, nil
}

func (c *cursor) recordField(r *Record, held *uint64) {
	d := c.d
	switch c.num {
	case 1:
		r.Site = c.site()
	case 2:
		v := c.heldView(len(r.Views))
		if *held>>v.View&1 == 1 {
			d.failf("views: view %d twice", v.View)
			return
		}
		*held |= 1 << v.View
		r.Views = append(r.Views, v)
	case 3:
		r.Wants = c.number(maxWants + 1)
	case 4:
		r.Eligible = c.kinds()
	case 5:
		r.Pinned = c.kinds()
	case 6:
		r.Class = roles.Class(c.number(1 << 8))
	case 7:
		r.Stands = c.bool()
	case 8:
		if d.room(len(r.Claims), maxClaims, "claims") {
			r.Claims = append(r.Claims, c.claim(len(r.Claims)))
		}
	case 9:
		id := inference.BundleID(c.hash())
		if id == (inference.BundleID{}) {
			d.failf("bundles: no hash")
		}
		if d.room(len(r.Bundles), maxBundles, "bundles") {
			r.Bundles = append(r.Bundles, id)
		}
	case 10:
		r.Version = c.text(maxVersionBytes)
		for _, letter := range r.Version {
			if !unicode.IsPrint(letter) {
				d.failf("version %q: a character that does not print", r.Version)
			}
		}
	case 11:
		r.Live = c.bool()
	case 12:
		r.Data = c.hash()
	case 13:
		r.CloudDelay = c.duration()
	case 14:
		r.Feeds = c.bool()
	case 16:
		r.Chaos = c.bool()
	case 17:
		r.Settings = c.uint()
	}
}

func (c *cursor) heldView(i int) (v roles.HeldView) {
	of := c.d.enter("views", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			v.View = of.number(roles.MaxViews)
		case 2:
			v.Counter = of.uint()
		}
	}
	if v.Counter == 0 || v.Counter > roles.MaxCounter {
		c.d.failf("counter %d", v.Counter)
	}
	c.d.leave()
	return v
}

// kinds is a set of the kinds of roles that there are.
func (c *cursor) kinds() roles.KindSet {
	set := roles.KindSet(c.number(1 << 8))
	if all := roles.Kinds(roles.CloudKind, roles.AggregatorKind, roles.CoordinatorKind); set&^all != 0 {
		c.d.failf("field %d: kinds of roles %#x", c.num, set)
	}
	return set
}
