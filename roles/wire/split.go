package wire

import "ganglion/roles"

// Split cuts a batch of samples into messages of at most a number of bytes each, which mean
// the same together: samples of many classes, or of many views, may not fit one frame. What
// cannot be cut, one sample or a batch that is acknowledged as a whole, stays as it is.
func Split(m roles.Message, most int) []roles.Message {
	if EncodedBytes(m) <= most {
		return []roles.Message{m}
	}
	a, b := halves(m)
	if a == nil {
		return []roles.Message{m}
	}
	return append(Split(a, most), Split(b, most)...)
}

// halves cuts a message in two; nil where it cannot be cut.
func halves(m roles.Message) (a, b roles.Message) {
	switch m := m.(type) {
	case *roles.Scores:
		if n := len(m.Items); n > 1 {
			x, y := *m, *m
			x.Items, y.Items = m.Items[:n/2], m.Items[n/2:]
			return &x, &y
		}
	case *roles.Ask:
		if n := len(m.Items); n > 1 {
			x, y := *m, *m
			x.Items, y.Items = m.Items[:n/2], m.Items[n/2:]
			return &x, &y
		}
	case *roles.Features:
		if n := len(m.Items); n > 1 {
			x, y := *m, *m
			x.Items, y.Items = m.Items[:n/2], m.Items[n/2:]
			return &x, &y
		}
	case *roles.Proposals:
		if n := len(m.Items); n > 1 {
			x, y := *m, *m
			x.Items, y.Items = m.Items[:n/2], m.Items[n/2:]
			return &x, &y
		}
	case *roles.ClaimAnswer:
		if n := len(m.Seals); n > 1 {
			x, y := *m, *m
			x.Seals, x.Unsealed, x.Last = m.Seals[:n/2], nil, false
			y.Seals = m.Seals[n/2:]
			return &x, &y
		}
	}
	return nil, nil
}
