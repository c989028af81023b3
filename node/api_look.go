package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"

	"connectrpc.com/connect"

	"ganglion/inference/topology"
	"ganglion/node/source"
	"ganglion/proto/controlpb"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// lookKeep is at most what a replay keeps of views that this node does not feed, so that the
// page can show them, in bytes.
const lookKeep = 4 << 20

// Look returns what one view saw of a sample, where this node may have it: what its own
// sources saw, and of a data set that it replays whatever it keeps of other views, which is
// the same everywhere. The picture of another node's camera never leaves that node.
func (a *api) Look(ctx context.Context, q *controlpb.LookRequest) (*controlpb.LookResponse, error) {
	if a.config.NoPage {
		return nil, connect.NewError(connect.CodeFailedPrecondition, errNoPage)
	}
	id, err := roles.ParseSampleID(q.GetSample())
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	var seen frame
	var fault error
	if err := a.inEngine(ctx, func() { seen, fault = a.seenOf(id, q.GetView()) }); err != nil {
		return nil, err
	}
	if fault != nil {
		return nil, fault
	}
	file, err := encodePNG(seen.pixels, seen.shape)
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, fmt.Errorf("draw view %s of %s: %w", q.GetView(), id, err))
	}
	return &controlpb.LookResponse{Png: file, Replayed: seen.replayed}, nil
}

// notHere is the error of a picture that this node does not have.
func notHere(format string, args ...any) error {
	return connect.NewError(connect.CodeNotFound, fmt.Errorf(format, args...))
}

// seenOf is what a view saw of a sample. The error is one for callers of the API.
func (e *engine) seenOf(id roles.SampleID, name string) (frame, error) {
	var p *roles.Published
	if l := e.roles.Log(id.Site); l != nil {
		p = l.Survivor(id)
	}
	if p == nil {
		return frame{}, notHere("sample %s is not in the log of this node: it is not decided yet, or too old", id)
	}
	v, err := wire.DecodeVerdict(p.Sealed.Bytes)
	if err != nil { // it was checked when it came
		return frame{}, connect.NewError(connect.CodeInternal, fmt.Errorf("read verdict of %s: %w", id, err))
	}
	b := e.catalog.loaded[v.Bundle]
	if b == nil {
		return frame{}, notHere("bundle %s of sample %s is not loaded here any more", v.Bundle.Short(), id)
	}
	view := slices.Index(b.Topology.Views, name)
	switch {
	case view < 0:
		return frame{}, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("the model has no view %.80q: it has %v", name, b.Topology.Views))
	case v.Answer.Nothing&(1<<view) != 0:
		return frame{}, notHere("view %s had nothing in view of sample %s", name, id)
	case v.Answer.Seen&(1<<view) == 0:
		return frame{}, notHere("view %s is missing of sample %s: %s", name, id, v.Reasons[view])
	case id.Site != e.config.Site:
		return frame{}, notHere("site %s looks at another place than this node: ask one of its nodes", id.Site)
	}
	if seen, ok := e.audience.frames.find(frameKey{id, view}); ok {
		return seen, nil
	}
	fault := errors.New("a camera's pictures are at its own node alone, of the last samples, while somebody watches")
	if v.Ref >= 0 {
		var pixels []byte
		if pixels, fault = e.replayedPixels(id.Run, v.Ref, view); fault == nil {
			return frame{shape: b.Topology.Input, pixels: pixels, replayed: true}, nil
		}
	}
	return frame{}, notHere("what view %s saw of sample %s is not here: %w", name, id, fault)
}

// replayedPixels is what a view saw of an element of the data set that a run replays.
func (e *engine) replayedPixels(run roles.RunID, ref, view int) ([]byte, error) {
	fault := errors.New("this node replays no data set")
	own := e.views.feeding(view)
	if own != nil {
		r, ok := own.src.(*source.Replay)
		if !ok {
			return nil, errors.New("its camera's pictures are kept for the last samples alone, while somebody watches")
		}
		var pixels []byte
		if pixels, _, fault = r.Pixels(ref, view); pixels != nil {
			return pixels, nil
		}
	}
	for _, f := range e.views.feeds {
		r, ok := f.src.(*source.Replay)
		switch {
		case !ok:
		case f != own && !e.allReplay(run, view, r.Data()):
			fault = errors.New("its node may have seen something else than the data set that this one replays")
		default:
			var pixels []byte
			if pixels, _, fault = r.Pixels(ref, view); pixels != nil {
				return pixels, nil
			}
		}
	}
	if fault == nil {
		fault = errors.New("its data set has nothing there")
	}
	return nil, fault
}

// allReplay reports whether a view of this node's site shows what a data set says: the run is of
// that data set, or every view is now, and nobody who feeds the view, or did, has another source.
func (e *engine) allReplay(run roles.RunID, view int, data [32]byte) bool {
	of := e.plan.data
	if record := e.runRecord(e.config.Site); record != nil && record.Run == run && record.Replayed() {
		of = record.Data
	}
	if of != data {
		return false
	}
	for i := range e.members {
		m := &e.members[i]
		if m.self || m.record == nil || m.record.Site != e.config.Site || m.record.Data == data {
			continue
		}
		if slices.ContainsFunc(m.record.Views, func(h roles.HeldView) bool { return h.View == view }) {
			return false
		}
	}
	return true
}

// encodePNG is pixels [channel, row, col] as a picture: in colour from the first three
// channels, else grey from the first.
func encodePNG(pixels []byte, shape topology.Shape) ([]byte, error) {
	if len(pixels) != shape.Size() {
		return nil, fmt.Errorf("%d bytes for a picture of %v", len(pixels), shape)
	}
	plane := shape.Rows * shape.Cols
	var img image.Image
	if shape.Channels < 3 {
		img = &image.Gray{Pix: pixels[:plane], Stride: shape.Cols, Rect: image.Rect(0, 0, shape.Cols, shape.Rows)}
	} else {
		rgb := image.NewNRGBA(image.Rect(0, 0, shape.Cols, shape.Rows))
		for i := range plane {
			rgb.SetNRGBA(i%shape.Cols, i/shape.Cols, color.NRGBA{pixels[i], pixels[plane+i], pixels[2*plane+i], 255})
		}
		img = rgb
	}
	var out bytes.Buffer
	quick := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := quick.Encode(&out, img); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
