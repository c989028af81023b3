package roles

import (
	"slices"
	"sort"
)

// maxChunk is how many lines stand together. What is put in their midst moves half of them: by
// BenchmarkLogFill 128 to 512 are within a tenth of one another, and 1024 is slower.
const maxChunk = 256

// line is one publication, and when it came.
type line struct {
	*Published
	at Instant
}

// lines is publications by sequence number, those of one number in the order in which they
// came. They are kept in chunks: a node that fetches a log puts each verdict in the midst of a
// hundred thousand others. The zero value is empty.
type lines struct {
	chunks [][]line // none is empty; each has up to maxChunk
	n      int
}

// search is the place of the first line above a sequence number: its chunk, and where in it;
// with none, the number of chunks and 0.
func (l *lines) search(seq Seq) (chunk, at int) {
	chunk = sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i][len(l.chunks[i])-1].Seq.Compare(seq) > 0 })
	if chunk < len(l.chunks) {
		in := l.chunks[chunk]
		at = sort.Search(len(in), func(i int) bool { return in[i].Seq.Compare(seq) > 0 })
	}
	return chunk, at
}

// insert puts a line in its place, which is nearly always the last.
func (l *lines) insert(of line) {
	l.n++
	chunk, at := l.search(of.Seq)
	if chunk == len(l.chunks) { // behind all others
		if chunk == 0 || len(l.chunks[chunk-1]) == maxChunk {
			l.chunks = append(l.chunks, make([]line, 0, maxChunk))
		}
		last := &l.chunks[len(l.chunks)-1]
		*last = append(*last, of)
		return
	}
	if in := l.chunks[chunk]; len(in) == maxChunk {
		behind := append(make([]line, 0, maxChunk), in[maxChunk/2:]...)
		clear(in[maxChunk/2:])
		l.chunks[chunk] = in[:maxChunk/2]
		l.chunks = slices.Insert(l.chunks, chunk+1, behind)
		if at > maxChunk/2 {
			chunk, at = chunk+1, at-maxChunk/2
		}
	}
	l.chunks[chunk] = slices.Insert(l.chunks[chunk], at, of)
}

// first is the line with the lowest number; there must be one.
func (l *lines) first() line { return l.chunks[0][0] }

// find is the place of a publication, which must be there.
func (l *lines) find(p *Published) (chunk, at int) {
	for chunk, at = l.search(p.Seq); ; at-- { // of one number it is nearly always the only one
		if at == 0 {
			chunk--
			at = len(l.chunks[chunk])
		}
		if l.chunks[chunk][at-1].Published == p {
			return chunk, at - 1
		}
	}
}

// replace puts another publication of the same number in the place of one.
func (l *lines) replace(p, by *Published) {
	chunk, at := l.find(p)
	l.chunks[chunk][at].Published = by
}

// remove takes a publication out.
func (l *lines) remove(p *Published) {
	l.n--
	chunk, at := l.find(p)
	in := l.chunks[chunk]
	switch {
	case len(in) == 1:
		l.chunks = slices.Delete(l.chunks, chunk, chunk+1)
	case at == 0: // as nearly always
		in[0] = line{}
		l.chunks[chunk] = in[1:]
	default:
		l.chunks[chunk] = slices.Delete(in, at, at+1)
	}
}

// from is the publications from a place on, most of them at most.
func (l *lines) from(chunk, at, most int) []*Published {
	var out []*Published
	for ; chunk < len(l.chunks) && len(out) < most; chunk, at = chunk+1, 0 {
		for _, of := range l.chunks[chunk][at:] {
			if len(out) == most {
				break
			}
			out = append(out, of.Published)
		}
	}
	return out
}

// last is the last publications, most of them at most.
func (l *lines) last(most int) []*Published {
	chunk, at := len(l.chunks), 0
	for n := 0; chunk > 0 && n < most; {
		chunk--
		in := len(l.chunks[chunk])
		at = max(0, in-(most-n))
		n += in - at
	}
	return l.from(chunk, at, most)
}
