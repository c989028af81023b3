package discovery

import (
	"strings"
	"testing"
)

// TestValidate shows that every fault is told at once, each by its name.
func TestValidate(t *testing.T) {
	if err := testConfig(testMesh).Validate(); err != nil {
		t.Errorf("the default of a LAN with a mesh is refused: %v", err)
	}
	if err := DefaultLAN().validateSeek(); err != nil {
		t.Errorf("the default of a LAN is refused to a seeker: %v", err)
	}
	bad := Config{
		Name: "a\nb", Interfaces: []string{"lo", "lo"}, Join: append(make([]string, MaxJoin), "x:0"),
		Without: []Way{"pigeon"}, First: 2, Interval: 1, RetryMax: -1,
	}
	err := bad.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"name", "port is 0", `interface "lo"`, `unknown way "pigeon"`, "first gap", "poll", "keys of the mesh",
		"33 addresses", `join "x:0"`, "repeat", "retry is", "retry max is", "shorter than retry",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in:\n%v", want, err)
		}
	}
	if err := bad.validateSeek(); err == nil || !strings.Contains(err.Error(), "listen is 0s") {
		t.Errorf("a seeker's fault: %v", err)
	}
}
