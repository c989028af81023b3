package evaluation

import (
	"fmt"
	"slices"
	"strings"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// What networks of a comparison differ in.
const (
	ByAggregators = "aggregators" // of the scores at the local exit, of the features at the cloud (table I of the paper)
	ByFilters     = "filters"     // of the device's last block: what goes up (figure 9 of the paper)
)

// Comparison is networks that were trained alike but for one choice, each measured by
// Run on the same samples. Its JSON is stable.
type Comparison struct {
	By        string     `json:"by"` // ByAggregators or ByFilters
	Data      string     `json:"data"`
	DataHash  string     `json:"data_hash"` // hexadecimal
	Synthetic bool       `json:"synthetic"` // the data was rendered, not photographed
	Frames    string     `json:"frames"`    // of the test samples, as ranges
	Samples   int        `json:"samples"`   // test samples
	Seed      uint64     `json:"seed"`
	Epochs    int        `json:"epochs"` // at most, for each
	Networks  []Compared `json:"networks"`
}

// Validate reports what makes a comparison that was read from elsewhere no comparison:
// too many networks, or numbers that are none of what they are called.
func (c *Comparison) Validate() error {
	const most = 100
	switch {
	case c.By != ByAggregators && c.By != ByFilters:
		return fmt.Errorf("it compares by %.20q, not by %s or %s", c.By, ByAggregators, ByFilters)
	case len(c.Networks) == 0 || len(c.Networks) > most:
		return fmt.Errorf("it has %d networks, want 1 to %d", len(c.Networks), most)
	}
	for i := range c.Networks {
		if err := c.Networks[i].validate(c.By); err != nil {
			return fmt.Errorf("network %d: %w", i, err)
		}
	}
	return nil
}

// schemes are what the scheme of an aggregation may be called.
var schemes = []string{topology.MP.String(), topology.AP.String(), topology.CC.String()}

func (c *Compared) validate(by string) error {
	shares := []Number{c.Accuracy.Overall, c.Accuracy.Local, c.Accuracy.Cloud, c.LocalExit, c.MissingOne.Worst}
	for _, interval := range c.Intervals {
		shares = append(shares, interval[:]...)
	}
	for _, share := range shares {
		if share < 0 || share > 1 { // NaN passes: there was nothing to measure
			return fmt.Errorf("%v is no share, want 0 to 1", float64(share))
		}
	}
	const mostBytes = 1 << 30
	for _, bytes := range []Number{c.PayloadPerSeenView, c.PayloadFormula, c.PayloadAllUp} {
		if bytes < 0 || bytes > mostBytes {
			return fmt.Errorf("a payload of %v bytes, want 0 to %d", float64(bytes), mostBytes)
		}
	}
	if c.Filters < 0 || c.Filters > topology.MaxFilters {
		return fmt.Errorf("%d filters, want 0 to %d", c.Filters, topology.MaxFilters)
	}
	noExit := c.Local == "" && by == ByFilters // of which there may be none, but where it is what is compared
	if !noExit && !slices.Contains(schemes, c.Local) || !slices.Contains(schemes, c.Cloud) {
		return fmt.Errorf("it aggregates by %.20q and %.20q, want each of %s", c.Local, c.Cloud, strings.Join(schemes, ", "))
	}
	return nil
}

// Compared is one network of a comparison, with what its evaluation found.
type Compared struct {
	Local   string `json:"local"`   // scheme that aggregates scores; empty: no local exit
	Cloud   string `json:"cloud"`   // scheme that aggregates features at the cloud
	Filters int    `json:"filters"` // of the device's last block

	Model  string `json:"model"`  // file
	Bundle string `json:"bundle"` // ID
	Bytes  int    `json:"bytes"`  // of the file

	Accuracy  Accuracy            `json:"accuracy"`
	Intervals map[string]Interval `json:"intervals"`
	LocalExit Number              `json:"local_exit"` // share of samples

	// What a seen view sends, in bytes: as measured, and by the formula of section
	// III-E of the paper with the measured share of local exits.
	PayloadPerSeenView Number `json:"payload_bytes_per_seen_view"`
	PayloadFormula     Number `json:"payload_formula_bytes"`
	// The same where every sample goes up, with which the paper's figure 9 compares.
	PayloadAllUp Number `json:"payload_bytes_all_up"`

	MissingOne MissingByCount `json:"missing_one"` // any one view lost
}

// ComparedOf is what a comparison keeps of the evaluation of a bundle that is in a
// file.
func ComparedOf(r *Report, b *inference.Bundle, model string) Compared {
	t := b.Topology()
	c := choicesOf(t)
	c = Compared{
		Local: c.Local, Cloud: c.Cloud, Filters: c.Filters, Model: model, Bundle: r.Bundle, Bytes: len(b.File()),
		Accuracy: r.Accuracy, Intervals: r.Intervals, LocalExit: r.Calibrated.LocalExit,
		PayloadPerSeenView: r.PayloadPerSeenView,
		PayloadFormula:     Number(t.PayloadPerView(float64(r.localOfSeen()))),
		PayloadAllUp:       Number(t.PayloadPerView(0)),
	}
	if len(r.MissingByCount) > 0 {
		c.MissingOne = r.MissingByCount[0]
	}
	return c
}

// choicesOf is what a comparison may change in a topology.
func choicesOf(t *topology.Topology) Compared {
	c := Compared{Cloud: t.Cloud.Features.String(), Filters: t.Device.Blocks[len(t.Device.Blocks)-1].Filters}
	if t.Local != nil {
		c.Local = t.Local.Scores.String()
	}
	return c
}

// Alike tells whether the network is of a topology, as far as comparisons change it.
func (c *Compared) Alike(t *topology.Topology) bool {
	of := choicesOf(t)
	return c.Local == of.Local && c.Cloud == of.Cloud && c.Filters == of.Filters
}

// localOfSeen is the share of local exits among the samples with a view left.
func (r *Report) localOfSeen() Number {
	return share(float64(r.Exits[topology.ExitLocal.String()])*float64(r.Samples), float64(r.Samples-r.NoView))
}
