package browsertest

import (
	"flag"
	"path/filepath"
	"testing"
)

// pictures is where TestPictures writes to.
var pictures = flag.String("pictures", "", "folder to write pictures of the page to; empty: none are made")

// TestPictures makes pictures of the page, to be looked at.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("skipped: no -pictures FOLDER")
	}
	of := start(t)
	for _, tt := range []struct {
		name string
		how  look
	}{
		{"desk-light", desk()},
		{"desk-dark", look{width: 1440, height: 900, dark: true}},
		{"phone-light", phone()},
		{"phone-dark", look{width: 360, height: 740, dark: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := serve(t, newMesh(8, 1, 6, 10))
			b := of.open(t, f.url, tt.how)
			b.await("a verdict", `document.querySelectorAll('.verdict:not([hidden])').length > 5`)
			b.await("charts", `document.querySelector('#head-local').textContent.includes('%')`)
			b.await("pictures", `document.querySelectorAll('.verdict img').length > 10`)
			b.shoot(filepath.Join(*pictures, tt.name+".png"), tt.how.width < 600)
		})
	}
}
