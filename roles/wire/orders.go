package wire

import (
	"crypto/sha256"
	"time"

	"ganglion/roles"
)

// EncodeOrder asks a coordinator for a sample on demand.
func EncodeOrder(v *roles.Capture) []byte {
	e := encoder{}
	at := e.open(1)
	e.capture(v)
	e.close(at)
	return e.finish()
}

// DecodeOrder reads what a coordinator is asked for.
func DecodeOrder(b []byte, limits Limits) (*roles.Capture, error) {
	d := decoder{limits: limits.orFormat()}
	d.readNames(b)
	v := roles.Capture{Ref: -1}
	c := d.enter("order", -1, b)
	for c.next() {
		if c.num == 1 {
			v = c.capture()
		}
	}
	d.onDemand(v.Sample)
	if d.err != nil {
		return nil, d.err
	}
	return &v, nil
}

// EncodeOrderAnswer answers an order with its verdict.
func EncodeOrderAnswer(p *roles.Published) []byte {
	e := encoder{}
	e.published(1, p)
	return e.finish()
}

// DecodeOrderAnswer reads the verdict of an order. It is sealed anew from its bytes.
func DecodeOrderAnswer(b []byte) (*roles.Published, error) {
	d := decoder{limits: formatLimits()}
	d.readNames(b)
	var p *roles.Published
	c := d.enter("order_answer", -1, b)
	for c.next() {
		if c.num == 1 {
			p = c.published(-1, "published")
		}
	}
	if p == nil {
		d.failf("no verdict")
	}
	if d.err != nil {
		return nil, d.err
	}
	return p, nil
}

// Start asks a coordinator to start a run.
type Start struct {
	Site   roles.Site
	Period time.Duration     // from beat to beat
	Count  roles.Beat        // beats; 0: endless
	Data   [sha256.Size]byte // of a data set that is replayed; zero: live cameras
	Split  string            // of the data set
}

// EncodeStart writes what is to be started.
func EncodeStart(s *Start) []byte {
	e := encoder{}
	if s.Site != "" {
		e.string(1, string(s.Site))
	}
	e.duration(2, s.Period)
	e.uint(3, uint64(s.Count))
	e.hash(4, s.Data)
	if s.Split != "" {
		e.string(5, s.Split)
	}
	return e.b
}

// DecodeStart reads what is to be started. It refuses what cannot become a run record.
func DecodeStart(b []byte) (*Start, error) {
	d := decoder{}
	s := &Start{}
	c := d.enter("start", -1, b)
	for c.next() {
		switch c.num {
		case 1:
			s.Site = roles.Site(c.text(roles.MaxSiteBytes))
		case 2:
			s.Period = c.duration()
		case 3:
			s.Count = c.beat()
		case 4:
			s.Data = c.hash()
		case 5:
			s.Split = c.text(maxSplitBytes)
		}
	}
	if d.err == nil {
		become := roles.RunRecord{
			Site: s.Site, Run: 1, Starter: roles.Epoch{Counter: 1, Peer: "starter"}, Period: s.Period, Count: s.Count,
			Split: s.Split, Entries: []roles.Entry{{}},
		}
		d.check(become.Validate())
	}
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}

// EncodeStartAnswer says which run was started.
func EncodeStartAnswer(run roles.RunID) []byte {
	e := encoder{}
	e.fixed(1, uint64(run))
	return e.b
}

// DecodeStartAnswer reads which run was started.
func DecodeStartAnswer(b []byte) (roles.RunID, error) {
	d := decoder{}
	var run roles.RunID
	c := d.enter("start_answer", -1, b)
	for c.next() {
		if c.num == 1 {
			run = roles.RunID(c.fixed())
		}
	}
	if run == 0 {
		d.failf("no run")
	}
	return run, d.err
}
