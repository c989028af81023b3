package safetensors_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/safetensors"
	"ganglion/inference/topology"
)

// foreign is a network as a PyTorch user has it: float weights and their signs, biases,
// norms. It computes in float64, by the arithmetic that docs/import.md promises, and
// shares nothing with the program but the names of its tensors.
type foreign struct {
	random  *rand.Rand
	header  []string
	data    []byte
	tensors map[string][]float64
}

// draw adds a tensor of random float32s about a mean.
func (n *foreign) draw(name string, mean, deviation float64, shape ...int) {
	size := 1
	for _, d := range shape {
		size *= d
	}
	begin := len(n.data)
	for range size {
		v := float32(mean + deviation*n.random.NormFloat64())
		n.data = binary.LittleEndian.AppendUint32(n.data, math.Float32bits(v))
		n.tensors[name] = append(n.tensors[name], float64(v))
	}
	n.header = append(n.header, fmt.Sprintf(`"%s":{"dtype":"F32","shape":%s,"data_offsets":[%d,%d]}`,
		name, strings.ReplaceAll(fmt.Sprint(shape), " ", ","), begin, len(n.data)))
}

// layer adds a convolution or a linear layer with a bias, and its norm with all that
// PyTorch saves of one.
func (n *foreign) layer(name, kind string, shape ...int) {
	n.draw(name+"."+kind+".weight", 0, 0.1, shape...)
	n.draw(name+"."+kind+".bias", 0, 1, shape[0])
	n.draw(name+".norm.weight", 0, 1, shape[0]) // negative ones, too
	n.draw(name+".norm.bias", 0, 1, shape[0])
	n.draw(name+".norm.running_mean", 0, 3, shape[0])
	n.draw(name+".norm.running_var", 20, 1, shape[0])
	n.header = append(n.header, fmt.Sprintf(`"%s.norm.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[%d,%d]}`, name, len(n.data), len(n.data)+8))
	n.data = append(n.data, 7, 0, 0, 0, 0, 0, 0, 0)
}

func (n *foreign) file() []byte {
	header := "{" + strings.Join(n.header, ",") + `,"__metadata__":{"format":"pt"}}`
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), n.data...)
}

// norm is the batch norm of a layer behind its bias.
func (n *foreign) norm(name, kind string, channel int, x float64) float64 {
	of := func(part string) float64 { return n.tensors[name+part][channel] }
	x += of("." + kind + ".bias")
	return of(".norm.weight")*(x-of(".norm.running_mean"))/math.Sqrt(of(".norm.running_var")+1e-5) + of(".norm.bias")
}

func sign(x float64) float64 {
	if x >= 0 {
		return 1
	}
	return -1
}

// block is a binary block: convolution, pool of a stride, norm, sign.
func (n *foreign) block(name string, in [][][]float64, filters, stride int) [][][]float64 {
	channels, rows, cols := len(in), len(in[0]), len(in[0][0])
	weights := n.tensors[name+".conv.weight"]
	sum := func(f, row, col int) (sum float64) {
		for k := range channels * 9 {
			c, r, q := k/9, row+k%9/3-1, col+k%3-1
			if r >= 0 && r < rows && q >= 0 && q < cols {
				sum += sign(weights[f*channels*9+k]) * in[c][r][q]
			}
		}
		return sum
	}
	out := make([][][]float64, filters)
	for f := range out {
		for row := 0; row < rows; row += stride {
			var line []float64
			for col := 0; col < cols; col += stride {
				largest := math.Inf(-1)
				for r := max(0, row-1); r <= min(rows-1, row+1); r++ {
					for q := max(0, col-1); q <= min(cols-1, col+1); q++ {
						largest = max(largest, sum(f, r, q))
					}
				}
				line = append(line, sign(n.norm(name, "conv", f, largest)))
			}
			out[f] = append(out[f], line)
		}
	}
	return out
}

// exit is the scores of a binary exit.
func (n *foreign) exit(name string, in [][][]float64, classes int) []float64 {
	var flat []float64
	for _, plane := range in {
		for _, line := range plane {
			flat = append(flat, line...)
		}
	}
	scores := make([]float64, classes)
	for class := range scores {
		for i, x := range flat {
			scores[class] += sign(n.tensors[name+".linear.weight"][class*len(flat)+i]) * x
		}
		scores[class] = n.norm(name, "linear", class, scores[class])
	}
	return scores
}

// picture is random pixels [channel, row, col], and what a network takes of them.
func (n *foreign) picture(channels, rows, cols int) (pixels []byte, in [][][]float64) {
	for range channels {
		var plane [][]float64
		for range rows {
			var line []float64
			for range cols {
				p := byte(1 + n.random.IntN(255))
				pixels, line = append(pixels, p), append(line, float64(p)/255)
			}
			plane = append(plane, line)
		}
		in = append(in, plane)
	}
	return pixels, in
}

// A network that was made elsewhere must compute here what it computes there: two views
// on separate devices, one of them sometimes missing, and the cloud.
func TestForeignNetwork(t *testing.T) {
	const rows, cols, classes = 10, 7, 3
	n := &foreign{random: rand.New(rand.NewPCG(5, 6)), tensors: map[string][]float64{}}
	for v := range 2 {
		n.layer(fmt.Sprintf("devices.%d.blocks.0", v), "conv", 4, 2, 3, 3)
		n.layer(fmt.Sprintf("devices.%d.exit", v), "linear", classes, 4*5*4)
	}
	n.layer("cloud.blocks.0", "conv", 5, 8, 3, 3)
	n.layer("cloud.exit", "linear", classes, 5*5*4)
	file, err := safetensors.Decode(n.file())
	if err != nil {
		t.Fatal(err)
	}
	topo := parse(t, fmt.Sprintf("{preset: c, views: 2, classes: [a, b, c], input: {rows: %d, cols: %d, channels: 2}, device: {blocks: [{filters: 4, pool: 2}]}, cloud: {blocks: [{filters: 5, pool: 1}]}}", rows, cols))
	im, err := safetensors.Import(topo, file)
	if err != nil {
		t.Fatal(err)
	}
	if len(im.Biases) != 6 || len(im.Ignored) != 6 || im.Binarized == 0 || im.Calibrated {
		t.Errorf("told: biases %v, ignored %v, %d binarized, calibrated %t", im.Biases, im.Ignored, im.Binarized, im.Calibrated)
	}
	b, err := inference.NewBundle(im.Content)
	if err != nil {
		t.Fatal(err)
	}
	m := b.Model()
	scratch, outputs := m.NewScratch(), m.NewDeviceOutputs()
	both := 0
	for range 20 {
		pixels := make([][]byte, 2)
		sources := make([][][]float64, 0, 8)
		present := n.random.IntN(3) + 1
		for v := range pixels {
			var in [][][]float64
			pixels[v], in = n.picture(2, rows, cols)
			features := n.block(fmt.Sprintf("devices.%d.blocks.0", v), in, 4, 2)
			if present>>v&1 == 0 {
				pixels[v] = nil
				for _, plane := range features {
					for _, line := range plane {
						clear(line) // an unseen view is zeros
					}
				}
			}
			sources = append(sources, features...)
			if pixels[v] == nil {
				continue
			}
			m.Devices(outputs, pixels, scratch)
			both |= compareFeatures(t, topo, outputs.View(v), features)
			compareScores(t, n.exit(fmt.Sprintf("devices.%d.exit", v), features, classes), outputs.View(v).Scores)
		}
		m.Devices(outputs, pixels, scratch)
		proposals := m.Propose(outputs, uint64(present), scratch)
		want := n.exit("cloud.exit", n.block("cloud.blocks.0", sources, 5, 1), classes)
		compareScores(t, want, proposals[len(proposals)-1].Scores)
	}
	if both != 3 {
		t.Error("features were all the same: nothing was compared")
	}
}

// compareFeatures returns 1 if some feature is -1, and 2 more if some is +1.
func compareFeatures(t *testing.T, topo *topology.Topology, got inference.Output, want [][][]float64) (found int) {
	t.Helper()
	shape := topo.DeviceOut()
	for c, plane := range want {
		for row, line := range plane {
			for col, x := range line {
				bit := (row*shape.Cols+col)*shape.Channels + c
				set := got.Features[bit/8]>>(bit%8)&1 == 1
				if set != (x > 0) {
					t.Fatalf("feature [%d, %d, %d] is %t, want %v", c, row, col, set, x)
				}
				if set {
					found |= 2
				} else {
					found |= 1
				}
			}
		}
	}
	return found
}

func compareScores(t *testing.T, want []float64, got []float32) {
	t.Helper()
	for class, w := range want {
		if math.Abs(float64(got[class])-w) > 1e-4*max(1, math.Abs(w)) {
			t.Fatalf("score of class %d is %v, want %v", class, got[class], w)
		}
	}
}
