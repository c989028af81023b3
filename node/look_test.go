package node_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	"ganglion/node"
	"ganglion/node/nodetest"
	"ganglion/node/source"
	"ganglion/proto/controlpb"
)

// look is a picture of a view of a sample, as pixels [channel, row, col] of a network that takes
// colours.
func look(t *testing.T, m *nodetest.Mesh, name, sample, view string) ([]byte, error) {
	t.Helper()
	answer, err := m.API(name).Look(t.Context(), &controlpb.LookRequest{Sample: sample, View: view})
	if err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(answer.GetPng()))
	if err != nil {
		t.Fatal(err)
	}
	size := img.Bounds().Size()
	plane := size.X * size.Y
	pixels := make([]byte, 3*plane)
	for i := range plane {
		c, ok := color.NRGBAModel.Convert(img.At(i%size.X, i/size.X)).(color.NRGBA)
		if !ok {
			t.Fatal("no colour")
		}
		pixels[i], pixels[plane+i], pixels[2*plane+i] = c.R, c.G, c.B
	}
	return pixels, nil
}

// notThere checks that there is no picture, and that it is said why.
func notThere(t *testing.T, what string, err error, code connect.Code, why string) {
	t.Helper()
	if connect.CodeOf(err) != code || !strings.Contains(err.Error(), why) {
		t.Errorf("%s: %v, want %v with %q", what, err, code, why)
	}
}

// TestLookAtAReplay: the thumbnails of a page are what the views saw. A node that replays a data set
// shows any view of it, also when it has fed one of them for long; one that replays none shows none.
func TestLookAtAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := nodetest.StartVirtual(t, 3, nodetest.Quality{Latency: time.Millisecond}, nodetest.Devices(street, 6), nodetest.Spares(1))
		m.Settle(t.Context())
		time.Sleep(15 * time.Second) //nolint:forbidigo // virtual: what is not needed for a view has been dropped then
		const count = 20
		run := m.Run(count, pace)
		m.AwaitRun(t.Context(), run)
		set := nodetest.Data(t, street)
		shown, blank := 0, 0
		var last *controlpb.Verdict
		for _, v := range m.Verdicts("device-0", run) {
			for i, view := range set.Views {
				pixels, err := look(t, m.Mesh, "device-0", v.GetSample(), view)
				switch {
				case slices.Contains(v.GetSeen(), view):
					if want := set.View(int(v.GetRef()), i); err != nil || !bytes.Equal(pixels, want) {
						t.Fatalf("view %s of %s is not the data set's: %v", view, v.GetSample(), err)
					}
					shown++
				case slices.Contains(v.GetNothing(), view):
					notThere(t, "nothing in view", err, connect.CodeNotFound, "nothing in view")
					blank++
				}
			}
			last = v
		}
		if a, err := m.API("device-0").Look(t.Context(), &controlpb.LookRequest{Sample: last.GetSample(), View: last.GetSeen()[0]}); err != nil || !a.GetReplayed() {
			t.Errorf("a picture of the data set is not called replayed: %v", err)
		}
		if shown == 0 || blank == 0 {
			t.Errorf("%d pictures were shown, %d views had nothing in view: want some of both", shown, blank)
		}
		site := node.DefaultLAN().Site
		for _, tt := range []struct {
			what, node, sample, view string
			code                     connect.Code
			why                      string
		}{
			{"a spare", "spare-0", last.GetSample(), last.GetSeen()[0], connect.CodeNotFound, "replays no data set"},
			{"no such view", "device-0", last.GetSample(), "roof", connect.CodeInvalidArgument, "camera0"},
			{"no such sample", "device-0", fmt.Sprintf("%s/%s/%d", site, run, count), "camera0", connect.CodeNotFound, "not in the log"},
			{"another site", "device-0", fmt.Sprintf("elsewhere/%s/0", run), "camera0", connect.CodeNotFound, "not in the log"},
			{"no sample", "device-0", "../../etc/passwd", "camera0", connect.CodeInvalidArgument, "site/run/beat"},
			{"nothing", "device-0", "", "", connect.CodeInvalidArgument, "site/run/beat"},
		} {
			_, err := look(t, m.Mesh, tt.node, tt.sample, tt.view)
			notThere(t, tt.what, err, tt.code, tt.why)
		}
	})
}

// TestLookAtACamera: what a camera sees is its own node's. It is kept while somebody watches that
// node, and it is shown nowhere else: not even as what a data set has for that view.
func TestLookAtACamera(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "now.png")
	img := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	for i := range img.Pix {
		img.Pix[i] = byte(i*7) | 1
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(picture, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	m := nodetest.Start(t, nodetest.Spares(1), nodetest.Device(street, "1", "2"), nodetest.Configure(func(c *node.Config) {
		if c.Name == "spare-0" {
			c.Sources = []source.Spec{{Kind: source.KindImage, Ref: picture, View: "0"}}
		}
	}))
	m.Settle(t.Context())
	run := m.Run(0, 50*time.Millisecond)
	seenAfter := func(beat uint64) *controlpb.Verdict {
		for ; ; beat++ {
			if v := m.AwaitVerdict(t.Context(), "spare-0", run, beat); slices.Contains(v.GetSeen(), "camera0") {
				return v
			}
		}
	}
	before := seenAfter(5)
	_, err := look(t, m, "spare-0", before.GetSample(), "camera0")
	notThere(t, "before anybody watched", err, connect.CodeNotFound, "while somebody watches")

	w := watch(t, m, "spare-0", &controlpb.WatchRequest{})
	v := seenAfter(uint64(w.status.GetRun().GetBeat()) + 1) // captured once the node knew that it was watched
	pixels, err := look(t, m, "spare-0", v.GetSample(), "camera0")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 32 * 32 {
		if pixels[i] != img.Pix[4*i] || pixels[32*32+i] != img.Pix[4*i+1] || pixels[2*32*32+i] != img.Pix[4*i+2] {
			t.Fatalf("pixel %d is not the camera's", i)
		}
	}
	for v.Ref == nil { // a beat that this camera alone saw in time: nobody named an element
		v = seenAfter(v.GetBeat() + 1)
	}
	if a, err := m.API("spare-0").Look(t.Context(), &controlpb.LookRequest{Sample: v.GetSample(), View: "camera0"}); err != nil || a.GetReplayed() {
		t.Errorf("a picture of its camera is called replayed: %v, %v", a.GetReplayed(), err)
	}
	m.AwaitVerdict(t.Context(), "device-0", run, v.GetBeat())
	_, err = look(t, m, "device-0", v.GetSample(), "camera0")
	notThere(t, "at another node", err, connect.CodeNotFound, "something else")

	_ = w.stream.Close()
	m.Await(t.Context(), "the pictures are gone with who watched", func() bool {
		_, err := look(t, m, "spare-0", v.GetSample(), "camera0")
		return connect.CodeOf(err) == connect.CodeNotFound
	})
}
