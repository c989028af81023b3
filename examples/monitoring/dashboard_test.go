package monitoring

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// panel is what a panel of the dashboard must have.
type panel struct {
	Type, Title, Description string
	FieldConfig              struct {
		Defaults struct{ Unit string }
	}
	Targets []struct{ Expr, LegendFormat string }
	GridPos struct{ H, W, X, Y int }
}

func panels(t *testing.T) []panel {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct{ Panels []panel }
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d.Panels
}

// TestDashboard holds each panel to what a person needs to read it: a title, a sentence, a
// unit, a name for every line; and to its own place on the screen.
func TestDashboard(t *testing.T) {
	rows, taken := []string{}, map[[2]int]string{}
	for _, p := range panels(t) {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%q lies on %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		if p.Title == "" || !strings.HasSuffix(p.Description, ".") || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("%q lacks a title, a sentence, a unit or a query", p.Title)
		}
		for _, of := range p.Targets {
			if of.LegendFormat == "" || !strings.Contains(of.Expr, `mesh="$mesh"`) {
				t.Errorf("%q: %s has no legend, or is not of the chosen mesh", p.Title, of.Expr)
			}
		}
	}
	if got, want := strings.Join(rows, ", "), "Mesh, Roles, Inference, Process"; got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
}
