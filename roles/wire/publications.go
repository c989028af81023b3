package wire

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"

	"ganglion/roles"
)

// Publications is what a node tells everyone: verdicts of one site, and where its run is.
type Publications struct {
	Site  roles.Site
	Run   roles.RunID // 0: none
	Floor roles.Beat  // of the run
	Epoch roles.Epoch // of the coordinator's claim; zero: the sender is none
	Next  uint64      // how many were published under that claim, so that a lost tail is noticed
	Items []*roles.Published
}

// How publications are packed: the first byte.
const (
	packedNot   = 0
	packedFlate = 1
)

const (
	maxPublications = 4 << 20 // bytes, unpacked
	leastPacked     = 256     // bytes, below which packing gains nothing
)

// Packer keeps the room that packing takes, over a megabyte, from one message to the next.
// The zero value is ready. It has one owner.
type Packer struct{ w *flate.Writer }

// EncodePublications writes publications, packed where that makes them smaller.
func EncodePublications(p *Publications) []byte { return new(Packer).Publications(p) }

// Publications is EncodePublications.
func (k *Packer) Publications(p *Publications) []byte {
	e := encoder{b: []byte{packedNot}}
	e.site(1, p.Site)
	e.fixed(2, uint64(p.Run))
	e.uint(3, uint64(p.Floor))
	e.epoch(4, p.Epoch)
	e.uint(5, p.Next)
	for _, item := range p.Items {
		e.published(6, item)
	}
	plain := e.finish()
	if len(plain) < leastPacked {
		return plain
	}
	if packed := k.pack(plain[1:]); packed != nil && len(packed) < len(plain) {
		return packed
	}
	return plain
}

// pack is nil where it cannot be done.
func (k *Packer) pack(plain []byte) []byte {
	var out bytes.Buffer
	out.WriteByte(packedFlate)
	if k.w == nil {
		w, err := flate.NewWriter(&out, flate.BestSpeed)
		if err != nil {
			return nil
		}
		k.w = w
	} else {
		k.w.Reset(&out)
	}
	if _, err := k.w.Write(plain); err != nil || k.w.Close() != nil {
		return nil
	}
	return out.Bytes()
}

// unpack refuses what unpacks to more than maxPublications.
func unpack(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: publications: empty", ErrMalformed)
	}
	switch b[0] {
	case packedNot:
		if len(b)-1 > maxPublications {
			return nil, fmt.Errorf("%w: publications of %d bytes", ErrMalformed, len(b)-1)
		}
		return b[1:], nil
	case packedFlate:
		r := flate.NewReader(bytes.NewReader(b[1:]))
		plain, err := io.ReadAll(io.LimitReader(r, maxPublications+1))
		if err != nil {
			return nil, fmt.Errorf("%w: unpack publications: %w", ErrMalformed, err)
		}
		if len(plain) > maxPublications {
			return nil, fmt.Errorf("%w: publications that unpack to more than %d bytes", ErrMalformed, maxPublications)
		}
		return plain, nil
	}
	return nil, fmt.Errorf("%w: publications packed in the way %d", ErrMalformed, b[0])
}

// DecodePublications reads publications. Verdicts are sealed anew from their bytes.
func DecodePublications(b []byte) (*Publications, error) {
	plain, err := unpack(b)
	if err != nil {
		return nil, err
	}
	d := decoder{limits: formatLimits()}
	d.readNames(plain)
	p := &Publications{}
	c := d.enter("publications", -1, plain)
	for c.next() {
		switch c.num {
		case 1:
			p.Site = c.site()
		case 2:
			p.Run = roles.RunID(c.fixed())
		case 3:
			p.Floor = c.beat()
		case 4:
			p.Epoch = c.epoch()
		case 5:
			p.Next = c.uint()
		case 6:
			if d.room(len(p.Items), maxLines, "items") {
				p.Items = append(p.Items, c.published(len(p.Items), "items"))
			}
		}
	}
	if d.err == nil {
		d.ofSite(roles.SampleID{Site: p.Site}, p.Site)
		for _, item := range p.Items {
			d.ofSite(item.Sealed.Sample, p.Site)
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	return p, nil
}

func (e *encoder) published(n int, p *roles.Published) {
	at := e.open(n)
	e.epoch(1, p.Seq.Epoch)
	e.uint(2, p.Seq.N)
	e.bytes(3, p.Sealed.Bytes)
	e.duration(4, p.Latency)
	e.duration(5, p.SinceBeat)
	e.hash(6, p.SupersededBy)
	e.close(at)
}

func (c *cursor) published(i int, name string) *roles.Published {
	d := c.d
	p := &roles.Published{}
	of := d.enter(name, i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			p.Seq.Epoch = of.epoch()
		case 2:
			p.Seq.N = of.uint()
		case 3:
			p.Sealed = of.sealed(-1)
		case 4:
			p.Latency = of.duration()
		case 5:
			p.SinceBeat = of.duration()
		case 6:
			p.SupersededBy = roles.Hash(of.hash())
		}
	}
	if p.Sealed == nil || p.Seq.Epoch.IsZero() || p.Seq.N == 0 {
		d.failf("no verdict, or no number")
	}
	d.leave()
	return p
}
