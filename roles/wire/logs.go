package wire

import "ganglion/roles"

// LogQuery is one question about the verdict log of a site: of After, Blocks and Runs at
// most one is given. Without any it is for the publications of Span.
type LogQuery struct {
	Site   roles.Site
	Span   roles.Span // of Blocks, the run alone counts
	Most   int        // publications to answer with
	After  *roles.Seq // for those with higher numbers, of this claim or a later one; N may be 0
	Blocks bool       // for the blocks of the run
	Runs   bool       // for the runs
}

// RunFloor is where a run is.
type RunFloor struct {
	Run   roles.RunID // 0: samples on demand
	Floor roles.Beat
}

// LogAnswer is what a verdict log has to say to a LogQuery.
type LogAnswer struct {
	Published []*roles.Published
	Gaps      []roles.Gap
	End       uint64 // where the part of the span ends that was looked through
	Blocks    []roles.Block
	Runs      []RunFloor
}

// EncodeLogQuery writes a question.
func EncodeLogQuery(q *LogQuery) []byte {
	e := encoder{}
	e.site(1, q.Site)
	e.fixed(2, uint64(q.Span.Run))
	e.uint(3, q.Span.From)
	e.uint(4, q.Span.To)
	e.uint(5, uint64(max(0, q.Most)))
	if q.After != nil {
		e.epoch(6, q.After.Epoch)
		e.uint(7, q.After.N)
	}
	e.bool(8, q.Blocks)
	e.bool(9, q.Runs)
	return e.finish()
}

// DecodeLogQuery reads a question.
func DecodeLogQuery(b []byte) (*LogQuery, error) {
	d := decoder{limits: formatLimits()}
	d.readNames(b)
	q := &LogQuery{}
	var after roles.Seq
	c := d.enter("log_query", -1, b)
	for c.next() {
		switch c.num {
		case 1:
			q.Site = c.site()
		case 2:
			q.Span.Run = roles.RunID(c.fixed())
		case 3:
			q.Span.From = uint64(c.beat())
		case 4:
			q.Span.To = uint64(c.beat())
		case 5:
			q.Most = c.number(maxLines + 1)
		case 6:
			after.Epoch = c.epoch()
		case 7:
			after.N = c.uint()
		case 8:
			q.Blocks = c.bool()
		case 9:
			q.Runs = c.bool()
		}
	}
	if after != (roles.Seq{}) {
		q.After = &after
	}
	d.checkQuery(q)
	if d.err != nil {
		return nil, d.err
	}
	return q, nil
}

func (d *decoder) checkQuery(q *LogQuery) {
	if d.err != nil {
		return
	}
	d.check(q.Site.Validate())
	kinds := 0
	for _, of := range []bool{q.After != nil, q.Blocks, q.Runs} {
		if of {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		d.failf("%d questions in one", kinds)
	case q.After != nil && q.After.Epoch.IsZero():
		d.failf("after: no epoch")
	case (kinds == 0 || q.After != nil) && q.Most == 0:
		d.failf("most: no publication is asked for")
	case kinds == 0 && q.Span.From >= q.Span.To:
		d.failf("span from %d to %d", q.Span.From, q.Span.To)
	}
}

// EncodeLogAnswer writes an answer.
func EncodeLogAnswer(a *LogAnswer) []byte {
	e := encoder{}
	for _, p := range a.Published {
		e.published(1, p)
	}
	for _, g := range a.Gaps {
		at := e.open(2)
		e.fixed(1, uint64(g.Run))
		e.uint(2, g.From)
		e.uint(3, g.To)
		e.uint(4, uint64(g.Kind))
		e.close(at)
	}
	e.uint(3, a.End)
	for i := range a.Blocks {
		at := e.open(4)
		e.uint(1, a.Blocks[i].From)
		e.uint(2, uint64(a.Blocks[i].Count))
		e.hash(3, a.Blocks[i].Hash)
		e.close(at)
	}
	for _, r := range a.Runs {
		at := e.open(5)
		e.fixed(1, uint64(r.Run))
		e.uint(2, uint64(r.Floor))
		e.close(at)
	}
	return e.finish()
}

// DecodeLogAnswer reads an answer. Verdicts are sealed anew from their bytes.
func DecodeLogAnswer(b []byte) (*LogAnswer, error) {
	d := decoder{limits: formatLimits()}
	d.readNames(b)
	a := &LogAnswer{}
	c := d.enter("log_answer", -1, b)
	for c.next() {
		switch c.num {
		case 1:
			if d.room(len(a.Published), maxLines, "publications") {
				a.Published = append(a.Published, c.published(len(a.Published), "published"))
			}
		case 2:
			if d.room(len(a.Gaps), maxLines, "gaps") {
				a.Gaps = append(a.Gaps, c.gap(len(a.Gaps)))
			}
		case 3:
			a.End = uint64(c.beat())
		case 4:
			if d.room(len(a.Blocks), maxLines, "blocks") {
				a.Blocks = append(a.Blocks, c.block(len(a.Blocks)))
			}
		case 5:
			if d.room(len(a.Runs), maxLines, "runs") {
				a.Runs = append(a.Runs, c.runFloor(len(a.Runs)))
			}
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	return a, nil
}

func (c *cursor) gap(i int) (g roles.Gap) {
	of := c.d.enter("gaps", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			g.Run = roles.RunID(of.fixed())
		case 2:
			g.From = uint64(of.beat())
		case 3:
			g.To = uint64(of.beat())
		case 4:
			g.Kind = roles.GapKind(of.number(int(roles.Unknown) + 1))
		}
	}
	if g.From >= g.To {
		c.d.failf("from %d to %d", g.From, g.To)
	}
	c.d.leave()
	return g
}

func (c *cursor) block(i int) (v roles.Block) {
	of := c.d.enter("blocks", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			v.From = uint64(of.beat())
		case 2:
			v.Count = of.number(maxLines + 1)
		case 3:
			v.Hash = roles.Hash(of.hash())
		}
	}
	if v.Count == 0 || v.Hash == (roles.Hash{}) {
		c.d.failf("nothing in it")
	}
	c.d.leave()
	return v
}

func (c *cursor) runFloor(i int) (v RunFloor) {
	of := c.d.enter("runs", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			v.Run = roles.RunID(of.fixed())
		case 2:
			v.Floor = of.beat()
		}
	}
	c.d.leave()
	return v
}
