package node_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// picture is a view of a data set as a PNG file.
func picture(t *testing.T, set *dataset.Set, sample, view int) []byte {
	t.Helper()
	pixels, size := set.View(sample, view), set.Rows*set.Cols
	img := image.NewNRGBA(image.Rect(0, 0, set.Cols, set.Rows))
	for i := range size {
		img.Set(i%set.Cols, i/set.Cols, color.NRGBA{pixels[i], pixels[size+i], pixels[2*size+i], 255})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// A sample on demand is answered by the mesh whichever node is asked: the devices show the
// element that is asked for, or the pictures that come with the question, and the answer is
// the one that a process by itself would give.
func TestOrders(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "0", "1", "2"), nodetest.Device(street, "3", "4", "5"), nodetest.Spares(2), nodetest.Configure(everything))
	m.Settle(t.Context())
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	set := nodetest.Data(t, street)
	judge := nodetest.NewJudge(b, set)
	coordinator := m.Holder("coordinator")
	for _, name := range m.Names() {
		for ref := int64(5); ref < 8; ref++ {
			v := classify(t, m, name, &controlpb.ClassifyRequest{Ref: &ref})
			if v.GetRef() != ref || v.GetHolder() != coordinator {
				t.Errorf("%s asked for element %d: got %d, by %s", name, ref, v.GetRef(), v.GetHolder())
			}
			if what := judge.Differs(v); what != "" && len(v.GetSeen()) > 0 {
				t.Error(what)
			}
		}
		const sample = 9
		q := &controlpb.ClassifyRequest{}
		pixels := make([][]byte, len(set.Views))
		for view := range set.Views[:4] { // of the others there is no picture: nothing in view
			q.Pictures = append(q.Pictures, &controlpb.Picture{View: set.Views[view], File: picture(t, set, sample, view)})
			pixels[view] = set.View(sample, view)
		}
		same(t, b, pixels, classify(t, m, name, q))
	}
}

func classify(t *testing.T, m *nodetest.Mesh, name string, q *controlpb.ClassifyRequest) *controlpb.Verdict {
	t.Helper()
	r, err := m.API(name).Classify(t.Context(), q)
	if err != nil {
		t.Fatalf("classify at %s: %v\n%s", name, err, m.State())
	}
	if v := r.GetVerdict(); v.GetAlone() != "" || len(v.GetMissing()) > 0 {
		t.Errorf("classify at %s: alone %q, missing %v", name, v.GetAlone(), v.GetMissing())
	}
	return r.GetVerdict()
}

// same checks that a verdict is what one process says of the pixels.
func same(t *testing.T, b *inference.Bundle, pixels [][]byte, v *controlpb.Verdict) {
	t.Helper()
	model := b.Model()
	want := model.Classify(pixels, b.Thresholds(), model.NewScratch())
	class := ""
	if want.Class >= 0 {
		class = b.Topology().Classes[want.Class]
	}
	if v.GetClass() != class || v.GetExit() != want.Exit.String() {
		t.Errorf("the mesh says %s at %s, one process %s at %s", v.GetClass(), v.GetExit(), class, want.Exit)
	}
}

// A question with pictures of a view that nobody feeds is answered by the asked node, which
// says so.
func TestOrderWithoutDevices(t *testing.T) {
	m := nodetest.Start(t, nodetest.Spares(1))
	m.Settle(t.Context())
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	set := nodetest.Data(t, street)
	const sample, view = 9, 2
	r, err := m.API("spare-0").Classify(t.Context(), &controlpb.ClassifyRequest{
		Pictures: []*controlpb.Picture{{View: set.Views[view], File: picture(t, set, sample, view)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.GetVerdict().GetAlone() == "" {
		t.Error("the verdict does not say that the node answered alone")
	}
	pixels := make([][]byte, len(set.Views))
	pixels[view] = set.View(sample, view)
	same(t, b, pixels, r.GetVerdict())
}
