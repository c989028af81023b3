package train

// forward runs the network on a batch whose views are in input, as far as the
// batch normalizations of the given number of levels: n.levels for all of it.
func (n *network) forward(b *batch, levels int) {
	n.batch, n.levelsNow = b, levels
	blocks := len(n.topo.Device.Blocks)
	n.eachDevice(n.forwardDevice)
	if levels <= blocks {
		return
	}
	n.forwardLocal()
	levels -= blocks
	if n.topo.Edge != nil {
		blocks = len(n.topo.Edge.Blocks)
		n.w.each(len(b.samples), len(b.examples)*n.cloudIn.size, n.forwardEdge)
		for g, edge := range n.edges {
			n.edgeFeatures[g] = edge.Forward(len(b.edgeRows[g]), n.edgeInput[g], levels)
			if levels > blocks && edge.exit != nil {
				n.edgeScores[g] = edge.Scores(n.edgeFeatures[g])
			}
		}
		if levels <= blocks {
			return
		}
		levels -= blocks
	}
	n.w.each(len(b.samples), len(n.cloudInput), n.forwardCloud)
	features := n.cloud.Forward(len(b.examples), n.cloudInput, levels)
	if levels > len(n.topo.Cloud.Blocks) {
		n.cloudScores = n.cloud.Scores(features)
	}
}

// eachDevice calls unit for every device section. With at least as many sections
// as goroutines they run side by side, each from its first layer to its last:
// one wait for all instead of one a layer.
func (n *network) eachDevice(unit func(worker, section int)) {
	if n.across {
		n.w.each(len(n.devices), inlineElements, unit)
		return
	}
	for s := range n.devices {
		unit(0, s)
	}
}

func (n *network) deviceForward(_, s int) {
	n.features[s] = n.devices[s].Forward(len(n.batch.deviceRows[s]), n.input[s], n.levelsNow)
	if n.topo.Local != nil && n.levelsNow > len(n.topo.Device.Blocks) {
		n.deviceScores[s] = n.devices[s].Scores(n.features[s])
	}
}

func (n *network) deviceBackward(_, s int) {
	device, rows := n.devices[s], len(n.batch.deviceRows[s])
	var scores []float32
	if device.exit != nil {
		scores = n.dDeviceScores[s][:rows*len(n.topo.Classes)]
	}
	device.Backward(n.dFeatures[s][:rows*device.out.Size()], scores)
}

// forwardLocal aggregates the scores of the device exits by group.
func (n *network) forwardLocal() {
	if n.topo.Local == nil {
		return
	}
	for g, views := range n.topo.Groups {
		width := n.scores.width(len(views))
		for e, ex := range n.batch.examples {
			dst := n.localIn[g][e*width:][:width]
			if ex.seen&n.topo.GroupMask(g) == 0 {
				clear(dst)
				continue
			}
			n.scores.forward(dst, n.viewVectors(n.gathered[0], n.deviceScores, ex, views, n.scores.size))
		}
		n.localScores[g] = n.localIn[g][:len(n.batch.examples)*width]
		if n.locals != nil {
			n.localScores[g] = n.locals[g].Forward(len(n.batch.examples), n.localScores[g])
		}
	}
}

// backward takes the gradients of all scores, dDeviceScores, dLocalScores,
// dEdgeScores and dCloudScores, and sets those of all tensors.
func (n *network) backward() {
	b := n.batch
	classes := len(n.topo.Classes)
	for s := range n.devices {
		clear(n.dFeatures[s][:len(b.deviceRows[s])*n.devices[s].out.Size()])
	}
	for g, edge := range n.edges {
		clear(n.dEdgeFeatures[g][:len(b.edgeRows[g])*edge.out.Size()])
	}
	n.dCloudInput = n.cloud.Backward(nil, n.dCloudScores[:len(b.examples)*classes])
	n.w.each(len(b.samples), len(n.dCloudInput), n.backwardCloud)
	for g, edge := range n.edges {
		rows := len(b.edgeRows[g])
		var scores []float32
		if edge.exit != nil {
			scores = n.dEdgeScores[g][:rows*classes]
		}
		n.dEdgeInput[g] = edge.Backward(n.dEdgeFeatures[g][:rows*edge.out.Size()], scores)
	}
	if n.edges != nil {
		n.w.each(len(b.samples), len(n.dCloudInput), n.backwardEdge)
	}
	n.backwardLocal()
	n.eachDevice(n.backwardDevice)
}

// backwardLocal adds the local exits' gradients to those of the devices' scores.
func (n *network) backwardLocal() {
	if n.topo.Local == nil {
		return
	}
	for g, views := range n.topo.Groups {
		width := n.scores.width(len(views))
		grad := n.dLocalScores[g][:len(n.batch.examples)*len(n.topo.Classes)]
		if n.locals != nil {
			grad = n.locals[g].Backward(grad)
		}
		for e, ex := range n.batch.examples {
			if ex.seen&n.topo.GroupMask(g) == 0 {
				continue
			}
			sources := n.viewVectors(n.gathered[0], n.deviceScores, ex, views, n.scores.size)
			grads := n.viewVectors(n.returned[0], n.dDeviceScores, ex, views, n.scores.size)
			n.scores.backward(grad[e*width:][:width], n.localIn[g][e*width:][:width], sources, grads)
		}
	}
}

func (n *network) edgeForwardSlot(worker, slot int) {
	for e := n.batch.first[slot]; e < n.batch.first[slot+1]; e++ {
		for g, views := range n.topo.Groups {
			row := n.batch.edgeRow[e*len(n.topo.Groups)+g]
			if row == none {
				continue
			}
			width := n.edgeIn.width(len(views))
			sources := n.viewVectors(n.gathered[worker], n.features, n.batch.examples[e], views, n.edgeIn.size)
			n.edgeIn.forward(n.edgeInput[g][row*width:][:width], sources)
		}
	}
}

func (n *network) edgeBackwardSlot(worker, slot int) {
	for e := n.batch.first[slot]; e < n.batch.first[slot+1]; e++ {
		for g, views := range n.topo.Groups {
			row := n.batch.edgeRow[e*len(n.topo.Groups)+g]
			if row == none {
				continue
			}
			width := n.edgeIn.width(len(views))
			ex := n.batch.examples[e]
			sources := n.viewVectors(n.gathered[worker], n.features, ex, views, n.edgeIn.size)
			grads := n.viewVectors(n.returned[worker], n.dFeatures, ex, views, n.edgeIn.size)
			n.edgeIn.backward(n.dEdgeInput[g][row*width:][:width], n.edgeInput[g][row*width:][:width], sources, grads)
		}
	}
}

func (n *network) cloudForwardSlot(worker, slot int) {
	width := n.cloudIn.width(n.topo.CloudSources())
	for e := n.batch.first[slot]; e < n.batch.first[slot+1]; e++ {
		n.cloudIn.forward(n.cloudInput[e*width:][:width], n.cloudVectors(n.gathered[worker], n.features, n.edgeFeatures, e))
	}
}

func (n *network) cloudBackwardSlot(worker, slot int) {
	width := n.cloudIn.width(n.topo.CloudSources())
	for e := n.batch.first[slot]; e < n.batch.first[slot+1]; e++ {
		sources := n.cloudVectors(n.gathered[worker], n.features, n.edgeFeatures, e)
		grads := n.cloudVectors(n.returned[worker], n.dFeatures, n.dEdgeFeatures, e)
		n.cloudIn.backward(n.dCloudInput[e*width:][:width], n.cloudInput[e*width:][:width], sources, grads)
	}
}

// cloudVectors puts into dst what the cloud aggregates in an example: the views'
// vectors, or the groups' where there is an edge tier.
func (n *network) cloudVectors(dst, views, groups [][]float32, e int) [][]float32 {
	if n.edges == nil {
		return n.viewVectors(dst, views, n.batch.examples[e], nil, n.cloudIn.size)
	}
	dst = dst[:0]
	for g := range n.topo.Groups {
		dst = append(dst, vector(groups[g], n.batch.edgeRow[e*len(n.topo.Groups)+g], n.cloudIn.size))
	}
	return dst
}

// viewVectors puts into dst the vectors that an example's views have in
// perSection, nil for an unseen view. views nil means all.
func (n *network) viewVectors(dst, perSection [][]float32, ex example, views []int, size int) [][]float32 {
	dst = dst[:0]
	count := len(views)
	if views == nil {
		count = len(n.topo.Views)
	}
	for i := range count {
		view := i
		if views != nil {
			view = views[i]
		}
		row := none
		if ex.seen>>view&1 == 1 {
			row = n.batch.deviceRow[ex.slot*len(n.topo.Views)+view]
		}
		dst = append(dst, vector(perSection[n.topo.DeviceSection(view)], row, size))
	}
	return dst
}

func vector(rows []float32, row, size int) []float32 {
	if row == none {
		return nil
	}
	return rows[row*size:][:size]
}
