package tiles

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/inference/train"
)

// The network of this folder must fit the tiles that its README cuts, learn at all, and send
// what the README says: without this the file would be found wrong by whoever has waited for
// the data. The digits are bars, so that the test needs none of them.
func TestTilesTrain(t *testing.T) {
	folder := t.TempDir()
	bars(t, filepath.Join(folder, "train"), 120)
	bars(t, filepath.Join(folder, "t10k"), 40)
	set, err := dataset.Open("tiles:2x3:"+folder, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	top, err := topology.Open("tiles.yaml", topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		t.Fatal(err)
	}
	split, err := set.Split(dataset.SplitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(split.Test) != 40 {
		t.Errorf("%d pictures are set aside, the published test has 40", len(split.Test))
	}
	c := train.Defaults()
	c.Epochs, c.WarmUp, c.ValidateEvery, c.Passes = 1, 0, 1, 1
	content, err := train.Run(t.Context(), c, set, split, top, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := inference.NewBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if sends := fmt.Sprintf("go up as %d bytes", b.Topology().FeatureBytes()); !strings.Contains(string(readme), sends) {
		t.Errorf("the features of a tile %s, the README says something else", sends)
	}
}

// bars writes a part of a folder like MNIST's: picture i shows a bar at place i%10.
func bars(t *testing.T, prefix string, pictures int) {
	t.Helper()
	const side = 28
	images := binary.BigEndian.AppendUint32(nil, 0x803)
	labels := binary.BigEndian.AppendUint32(nil, 0x801)
	for _, n := range []uint32{uint32(pictures), side, side} {
		images = binary.BigEndian.AppendUint32(images, n)
	}
	labels = binary.BigEndian.AppendUint32(labels, uint32(pictures))
	for i := range pictures {
		picture := make([]byte, side*side)
		for row := range side {
			picture[row*side+(i%10)*side/10] = 255
		}
		images, labels = append(images, picture...), append(labels, byte(i%10))
	}
	for name, content := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
		if err := os.WriteFile(prefix+name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
