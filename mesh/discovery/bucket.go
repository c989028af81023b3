package discovery

import "time"

// bucket bounds how often something happens: bursts of up to size, then one
// every refill. The zero value of level and at is a full bucket.
type bucket struct {
	size   int           // at least 1
	refill time.Duration // per token, above 0
	spent  int           // tokens that are out
	at     time.Time     // since when the refill of the next token runs
}

// take takes a token, if there is one at this time.
func (b *bucket) take(now time.Time) bool { return b.wait(now) == 0 }

// wait takes a token if there is one and returns 0; else it returns how long it
// takes until there is one, and takes none.
func (b *bucket) wait(now time.Time) time.Duration {
	if back := int64(now.Sub(b.at) / b.refill); back >= int64(b.spent) {
		b.spent, b.at = 0, now
	} else if back > 0 {
		b.spent -= int(back)
		b.at = b.at.Add(time.Duration(back) * b.refill)
	}
	if b.spent >= b.size {
		return b.at.Add(b.refill).Sub(now)
	}
	b.spent++
	return 0
}

// full tells whether nothing is out: such a bucket need not be kept.
func (b *bucket) full(now time.Time) bool {
	return now.Sub(b.at) >= time.Duration(b.spent)*b.refill
}

// limiter is a bucket for each source, of a bounded number of sources. A source
// for which there is no room has to wait until another has been quiet: an
// attacker with many addresses silences strangers, never the members, whose
// datagrams are authenticated before they come here.
type limiter[K comparable] struct {
	each    bucket // of a new source
	limit   int    // most sources at once
	sources map[K]*bucket
}

// newLimiter returns a limiter with a bucket of this size and refill for each of
// up to limit sources.
func newLimiter[K comparable](limit, size int, refill time.Duration) *limiter[K] {
	return &limiter[K]{each: bucket{size: size, refill: refill}, limit: limit, sources: map[K]*bucket{}}
}

// take takes a token of this source, if it has one.
func (l *limiter[K]) take(source K, now time.Time) bool {
	b := l.sources[source]
	if b == nil {
		if len(l.sources) >= l.limit {
			l.sweep(now)
		}
		if len(l.sources) >= l.limit {
			return false
		}
		fresh := l.each
		b = &fresh
		l.sources[source] = b
	}
	return b.take(now)
}

// sweep forgets the sources that have been quiet.
func (l *limiter[K]) sweep(now time.Time) {
	for source, b := range l.sources {
		if b.full(now) {
			delete(l.sources, source)
		}
	}
}
