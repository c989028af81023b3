package topology

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Format writes a topology as YAML with every key but preset, in a form that a
// person may edit. For a valid topology [Parse] reads back the same topology,
// whatever its base.
func Format(t *Topology) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "name: %s\n", yamlName(t.Name))
	fmt.Fprintf(&b, "views: %s\n", yamlNames(t.Views))
	fmt.Fprintf(&b, "classes: %s\n", yamlNames(t.Classes))
	fmt.Fprintf(&b, "input: {rows: %d, cols: %d, channels: %d}\n", t.Input.Rows, t.Input.Cols, t.Input.Channels)
	fmt.Fprintf(&b, "presence: %s\n", t.Presence)
	fmt.Fprintf(&b, "groups: %s\n", yamlGroups(t.Groups))
	fmt.Fprintf(&b, "device: {layers: %s, weights: %s, send: %s, blocks: %s}\n", t.Device.Layers,
		choose(t.Device.Shared, weightsNames), choose(t.Device.Raw, sendNames), yamlBlocks(t.Device.Blocks))
	if t.Local != nil {
		fmt.Fprintf(&b, "local: {scores: %s}\n", t.Local.Scores)
	} else {
		fmt.Fprintf(&b, "local: %s\n", noneWord)
	}
	if t.Edge != nil {
		fmt.Fprintf(&b, "edge: {layers: %s, features: %s, blocks: %s, exit: %t}\n",
			t.Edge.Layers, t.Edge.Features, yamlBlocks(t.Edge.Blocks), t.Edge.Exit)
	} else {
		fmt.Fprintf(&b, "edge: %s\n", noneWord)
	}
	fmt.Fprintf(&b, "cloud: {layers: %s, features: %s, blocks: %s}\n",
		t.Cloud.Layers, t.Cloud.Features, yamlBlocks(t.Cloud.Blocks))
	return b.Bytes()
}

// choose is the word of a choice between two: names[0] for false.
func choose(v bool, names []string) string {
	if v {
		return names[1]
	}
	return names[0]
}

// plainName are the names that need no quotes, unless they are YAML's own words.
var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// yamlWords have a meaning of their own to some reader of YAML, in any case.
var yamlWords = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}

// yamlName writes a name that Validate accepts: it prints and has no backslash,
// so that the quote is the only character to escape.
func yamlName(name string) string {
	if plainName.MatchString(name) && !slices.Contains(yamlWords, strings.ToLower(name)) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `\"`) + `"`
}

func yamlNames(names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = yamlName(name)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func yamlGroups(groups [][]int) string {
	lists := make([]string, len(groups))
	for g, views := range groups {
		numbers := make([]string, len(views))
		for i, v := range views {
			numbers[i] = strconv.Itoa(v)
		}
		lists[g] = "[" + strings.Join(numbers, ", ") + "]"
	}
	return "[" + strings.Join(lists, ", ") + "]"
}

func yamlBlocks(blocks []Block) string {
	words := make([]string, len(blocks))
	for i, b := range blocks {
		words[i] = fmt.Sprintf("{filters: %d, pool: %d}", b.Filters, b.Pool)
	}
	return "[" + strings.Join(words, ", ") + "]"
}
