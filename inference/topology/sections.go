package topology

import "fmt"

// device overrides the device section of the preset by the file's keys.
func (r *reader) device(n *node, d *Device) {
	if n == nil {
		return
	}
	keys := r.mapping(n, "device", deviceKeys)
	readEnum(r, keys["layers"], "device.layers", layerNames, &d.Layers)
	r.choice(keys["weights"], "device.weights", weightsNames, &d.Shared)
	r.choice(keys["send"], "device.send", sendNames, &d.Raw)
	r.blocks(keys["blocks"], "device.blocks", &d.Blocks)
}

// local is the file's local exit, over the preset's.
func (r *reader) local(n *node, preset *Local) *Local {
	if n == nil || r.none(n) {
		return whenAbsent(n, preset)
	}
	local := Local{Scores: MP}
	if preset != nil {
		local = *preset
	}
	keys := r.mapping(n, "local", localKeys)
	readEnum(r, keys["scores"], "local.scores", aggregatorNames, &local.Scores)
	return &local
}

// edge is the file's edge tier, over the preset's or the default one.
func (r *reader) edge(n *node, preset *Edge) *Edge {
	if n == nil || r.none(n) {
		return whenAbsent(n, preset)
	}
	edge := preset
	if edge == nil {
		edge = newEdge()
	}
	keys := r.mapping(n, "edge", edgeKeys)
	readEnum(r, keys["layers"], "edge.layers", layerNames, &edge.Layers)
	readEnum(r, keys["features"], "edge.features", aggregatorNames, &edge.Features)
	r.blocks(keys["blocks"], "edge.blocks", &edge.Blocks)
	if k := keys["exit"]; k != nil {
		r.boolean(k, "edge.exit", &edge.Exit)
	}
	return edge
}

// whenAbsent is the preset's tier where the file has no such key, and none where
// the key says so.
func whenAbsent[T any](n *node, preset *T) *T {
	if n == nil {
		return preset
	}
	return nil
}

// cloud overrides the last tier of the preset by the file's keys.
func (r *reader) cloud(n *node, c *Cloud) {
	if n == nil {
		return
	}
	keys := r.mapping(n, "cloud", cloudKeys)
	readEnum(r, keys["layers"], "cloud.layers", layerNames, &c.Layers)
	readEnum(r, keys["features"], "cloud.features", aggregatorNames, &c.Features)
	r.blocks(keys["blocks"], "cloud.blocks", &c.Blocks)
}

// blocks reads the blocks of a section; the file's stand in place of the
// preset's, not beside them.
func (r *reader) blocks(n *node, path string, blocks *[]Block) {
	if n == nil {
		return
	}
	*blocks = nil
	for i, item := range r.sequence(n, path) {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.lines[at] = item.Line
		*blocks = append(*blocks, r.block(item, at))
	}
}

// block reads one block; without a pool it has none.
func (r *reader) block(n *node, path string) Block {
	var b Block
	keys := r.mapping(n, path, blockKeys)
	if keys == nil {
		return b
	}
	if k := keys["filters"]; k != nil {
		r.integer(k, path+".filters", &b.Filters)
	} else {
		r.addf(n, path+".filters", "the key is missing: give 1 to %d", MaxFilters)
	}
	var pool int
	if k := keys["pool"]; k != nil && r.integer(k, path+".pool", &pool) {
		if pool < 0 || pool > int(Stride2) {
			r.addf(k, path+".pool", "%d is not a pool: use 0 (none), 1 or 2 (its stride)", pool)
			pool = 0
		}
		b.Pool = Pool(pool)
	}
	return b
}
