package demo

import (
	"fmt"
	"strings"
	"testing"
)

// Every view has a device and every device a view, whatever the numbers: or a demo would
// wait for a view that nobody feeds.
func TestSpread(t *testing.T) {
	const all = 0b111111
	tests := []struct {
		live    uint64
		devices int
		given   bool
		want    string // or the start of an error
	}{
		{all, 6, false, "device-1:1[] device-2:1[] device-3:1[] device-4:1[] device-5:1[] device-6:1[] node-7:0[] node-8:0[]"},
		{all, 4, false, "device-1:2[] device-2:2[] device-3:1[] device-4:1[] node-5:0[] node-6:0[]"},
		{all, 1, false, "device-1:6[] node-2:0[] node-3:0[]"},
		{1, 1, false, "device-1:1[] node-2:0[] node-3:0[]"},
		{0b110110, 4, true, "device-1:1[1] device-2:1[2] device-3:1[4] device-4:1[5] node-5:0[] node-6:0[]"},
		{0b110110, 3, true, "device-1:2[1 2] device-2:1[4] device-3:1[5] node-4:0[] node-5:0[]"},
		{1 << 63, 1, true, "device-1:1[63] node-2:0[] node-3:0[]"},
		{0b110110, 5, true, "5 devices for 4 views"},
		{all, 7, false, "7 devices for 6 views: every device needs a view, give 6 at most"},
		{all, 0, false, "0 devices: give at least one"},
		{0, 1, false, "spread 0 views"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%b on %d", tt.live, tt.devices), func(t *testing.T) {
			parts, err := Spread(tt.live, tt.devices, tt.given)
			var got []string
			for _, p := range parts {
				got = append(got, fmt.Sprintf("%s:%d%d", p.Name, p.Views, p.Given))
			}
			text := strings.Join(got, " ")
			if err != nil {
				text = err.Error()
			}
			if !strings.HasPrefix(text, tt.want) {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}
