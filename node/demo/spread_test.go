package demo

import (
	"fmt"
	"strings"
	"testing"
)

// Every view has a device and every device a view, whatever the numbers: or a demo would
// wait for a view that nobody feeds.
func TestSpread(t *testing.T) {
	tests := []struct {
		views, devices int
		want           string // or the start of an error
	}{
		{6, 6, "device-1:1 device-2:1 device-3:1 device-4:1 device-5:1 device-6:1 node-7:0 node-8:0"},
		{6, 4, "device-1:2 device-2:2 device-3:1 device-4:1 node-5:0 node-6:0"},
		{6, 1, "device-1:6 node-2:0 node-3:0"},
		{1, 1, "device-1:1 node-2:0 node-3:0"},
		{6, 7, "7 devices for 6 views: every device needs a view, give 6 at most"},
		{6, 0, "0 devices: give at least one"},
		{0, 1, "spread 0 views"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d on %d", tt.views, tt.devices), func(t *testing.T) {
			parts, err := Spread(tt.views, tt.devices)
			var got []string
			for _, p := range parts {
				got = append(got, fmt.Sprintf("%s:%d", p.Name, p.Views))
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
