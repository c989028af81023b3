//go:build unix

package source

import (
	"syscall"
	"testing"
)

// A pipe of a picture's name must not stop the camera: to open one waits for a writer.
func TestPipeIsNoPicture(t *testing.T) {
	p := newPlace(t)
	p.put("a.png", plain(t, 10))
	p.open(Spec{Kind: KindFolder, Ref: p.dir})
	const mode = 0o600
	if err := syscall.Mkfifo(p.path("b.png"), mode); err != nil {
		t.Skip(err)
	}
	p.cam.scan(true)
	p.sees("a pipe beside it", Seen, 10)
}
