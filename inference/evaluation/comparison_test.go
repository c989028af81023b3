package evaluation

import (
	"math"
	"testing"
)

// A comparison may come from a file that somebody sent: its names go into pictures and its
// numbers along their axes.
func TestComparisonValidate(t *testing.T) {
	valid := func(by string) *Comparison {
		return &Comparison{By: by, Networks: []Compared{{Local: "MP", Cloud: "CC", Filters: 4}}}
	}
	tests := []struct {
		name  string
		by    string
		edit  func(*Comparison)
		valid bool
	}{
		{"aggregators", ByAggregators, func(*Comparison) {}, true},
		{"filters", ByFilters, func(*Comparison) {}, true},
		{"filters without a local exit", ByFilters, func(c *Comparison) { c.Networks[0].Local = "" }, true},
		{"nothing measured", ByFilters, func(c *Comparison) { c.Networks[0].PayloadAllUp = Number(math.NaN()) }, true},
		{"aggregators without a local exit", ByAggregators, func(c *Comparison) { c.Networks[0].Local = "" }, false},
		{"no scheme at the cloud", ByFilters, func(c *Comparison) { c.Networks[0].Cloud = "" }, false},
		{"a local scheme that is none", ByAggregators, func(c *Comparison) { c.Networks[0].Local = "mp" }, false},
		{"a scheme with a control character", ByFilters, func(c *Comparison) { c.Networks[0].Local = "\x01" }, false},
		{"a scheme of nobody at the cloud", ByAggregators, func(c *Comparison) { c.Networks[0].Cloud = "XX" }, false},
		{"another comparison", "colours", func(*Comparison) {}, false},
		{"no network", ByFilters, func(c *Comparison) { c.Networks = nil }, false},
		{"too many networks", ByFilters, func(c *Comparison) { c.Networks = make([]Compared, 101) }, false},
		{"an accuracy above 1", ByFilters, func(c *Comparison) { c.Networks[0].Accuracy.Cloud = 1.1 }, false},
		{"an interval below 0", ByFilters, func(c *Comparison) { c.Networks[0].Intervals = map[string]Interval{"local": {-1, 1}} }, false},
		{"a payload of a galaxy", ByFilters, func(c *Comparison) { c.Networks[0].PayloadFormula = 1e300 }, false},
		{"filters below 0", ByFilters, func(c *Comparison) { c.Networks[0].Filters = -1 }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := valid(tt.by)
			tt.edit(c)
			if err := c.Validate(); (err == nil) != tt.valid {
				t.Errorf("error %v, want valid: %v", err, tt.valid)
			}
		})
	}
}
