package benchmesh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// ServeFloor is a device of the floor: it says on out where it listens, takes one
// connection, and answers requests with the scores of a view and seals with their
// acknowledgement, until the connection ends or ctx is done. Both are no error.
func ServeFloor(ctx context.Context, b *inference.Bundle, set *dataset.Set, view int, out io.Writer) error {
	if view < 0 || view >= len(b.Topology().Views) {
		return fmt.Errorf("view %d: the model has %d views", view, len(b.Topology().Views))
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve floor: %w", err)
	}
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // it is closed only once it has done its work
	defer stop()
	if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
		return fmt.Errorf("serve floor: %w", err)
	}
	conn, err := l.Accept()
	if err != nil {
		return ended(ctx, err)
	}
	defer conn.Close()
	stopConn := context.AfterFunc(ctx, func() { _ = conn.Close() }) // as above
	defer stopConn()
	d := floorDevice{
		set: set, view: view, model: b.Model(), presence: b.Topology().Presence.Present,
		output: b.Model().NewOutput(), scratch: b.Model().NewDeviceScratch(),
	}
	return ended(ctx, d.serve(conn))
}

// ended is nil where a connection ended, or was to.
func ended(ctx context.Context, err error) error {
	if wanted := ctx.Err() != nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed); !wanted {
		return fmt.Errorf("serve floor: %w", err)
	}
	return nil
}

// floorDevice is one view.
type floorDevice struct {
	set      *dataset.Set
	view     int
	model    *inference.Model
	presence func([]byte) bool
	output   *inference.Output
	scratch  *inference.Scratch
	sealed   *roles.Sealed // the last
}

// serve answers frames. Go's TCP connections do not delay small segments by default.
func (d *floorDevice) serve(conn net.Conn) error {
	in := bufio.NewReader(conn)
	var payload, frame []byte
	for {
		var err error
		if payload, err = readFrame(in, payload); err != nil {
			return err
		}
		messages, err := wire.DecodeParcel(payload, wire.Limits{})
		if err != nil {
			return err
		}
		var answers []roles.Message
		for _, m := range messages {
			if a := d.answer(m); a != nil {
				answers = append(answers, a)
			}
		}
		frame = appendFrame(frame[:0], wire.EncodeParcel(answers))
		if _, err := conn.Write(frame); err != nil {
			return err
		}
	}
}

// answer is what the device says to a message; nil: nothing.
func (d *floorDevice) answer(m roles.Message) roles.Message {
	switch m := m.(type) {
	case *roles.Request:
		o := &roles.Observation{Sample: m.Sample, Bundle: m.Bundle, Settings: m.Settings, Ref: m.Ref, Label: -1}
		o.Views = []roles.ViewResult{d.look(m.Ref)}
		return &roles.Scores{Site: m.Sample.Site, Epoch: m.Epoch, Items: []*roles.Observation{o}}
	case *roles.SealBatch:
		for _, s := range m.Seals {
			d.sealed = s
		}
		return &roles.SealAck{Role: m.Role, Epoch: m.Epoch, Number: m.Number}
	}
	return nil
}

// look is what the view comes to.
func (d *floorDevice) look(ref int) roles.ViewResult {
	r := roles.ViewResult{View: d.view}
	if ref < 0 || ref >= d.set.Len() {
		r.Reason = roles.Faulty
		return r
	}
	pixels := d.set.View(ref, d.view)
	if !d.presence(pixels) {
		return r
	}
	d.model.Device(d.view, pixels, d.output, d.scratch)
	r.Seen, r.Scores = true, d.output.Scores // they are encoded before the next look
	return r
}
