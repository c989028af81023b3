package dataset

import (
	"fmt"
	"strconv"
	"strings"

	"ganglion/inference/dataset/street"
)

// streetName is how the built-in scene is asked for, and what it is called.
const streetName = "street"

func isStreet(ref string) bool {
	return ref == streetName || strings.HasPrefix(ref, streetName+":")
}

// openStreet renders the scene that ref asks for.
func openStreet(ref string, opts Options) (*Set, error) {
	config, err := parseStreet(ref)
	if err != nil {
		return nil, err
	}
	scene, err := street.Render(config)
	if err != nil {
		return nil, err
	}
	set := Set{
		Name: streetName, Classes: street.Classes(), Views: DefaultViews(config.Cameras),
		Channels: street.Channels, Rows: street.Side, Cols: street.Side, Synthetic: true,
		Pixels: scene.Pixels, ViewLabels: scene.ViewLabels, Labels: scene.Labels, Frames: scene.Frames,
	}
	if len(opts.Classes) > 0 {
		if len(opts.Classes) != len(set.Classes) {
			return nil, fmt.Errorf("it has %d classes but %d class names were given; name every class, in order", len(set.Classes), len(opts.Classes))
		}
		set.Classes = opts.Classes
	}
	if len(opts.Views) > 0 {
		if len(opts.Views) != len(set.Views) {
			return nil, fmt.Errorf("it has %d views but %d view names were given; name every view, in order", len(set.Views), len(opts.Views))
		}
		set.Views = opts.Views
	}
	return New(set)
}

// parseStreet reads "street" and "street:samples=N,seed=S,cameras=C".
func parseStreet(ref string) (street.Config, error) {
	config := street.Default()
	config.Cameras = street.Views
	_, settings, some := strings.Cut(ref, ":")
	if !some {
		return config, nil
	}
	for setting := range strings.SplitSeq(settings, ",") {
		key, value, _ := strings.Cut(setting, "=")
		n, err := strconv.ParseUint(value, 10, 64)
		switch {
		case err == nil && key == "seed":
			config.Seed = n
		case err == nil && key == "samples" && n >= 1 && n <= street.MaxSamples:
			config.Samples = int(n)
		case err == nil && key == "cameras" && n >= street.Views && n <= street.MaxViews:
			config.Cameras = int(n)
		default:
			return config, fmt.Errorf("%q is no setting of the scene; write street:samples=N,seed=S,cameras=C with N from 1 to %d and C from %d to %d", setting, street.MaxSamples, street.Views, street.MaxViews)
		}
	}
	return config, nil
}
