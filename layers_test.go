package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path of this module, which every import of ours begins with.
const module = "ganglion"

// layer says what the files of a package may import of ours. A pattern dir/...
// stands for dir and all below it.
type layer struct {
	pkg   string   // folder from the root, or a pattern
	may   []string // packages that any of its files may import, or patterns
	tests []string // what its tests may import besides
}

// layers is the map of the house: proto at the bottom, the network in the
// middle, the mesh beside it, node where the two meet. What is not listed here
// must not be imported, and a package that has no line here must not exist. The
// most specific line applies.
func layers() []layer {
	schema := []string{"proto/..."}
	network := []string{"inference/...", "proto/modelpb"} // of tests below inference: they compare its parts
	everything := []string{"proto/...", "inference/...", "roles/...", "mesh/...", "node/..."}

	return []layer{
		{pkg: "proto/..."},

		// The network as deployed: forward only.
		{pkg: "inference/durable"},
		{pkg: "inference/spelling"},
		{pkg: "inference/topology", may: append([]string{"inference/spelling"}, schema...), tests: network},
		{pkg: "inference/bits", may: []string{"inference/topology"}, tests: network},
		{pkg: "inference/layer", may: []string{"inference/bits", "inference/topology"}, tests: network},
		{
			pkg:   "inference",
			may:   []string{"inference/bits", "inference/durable", "inference/layer", "inference/topology", "proto/modelpb"},
			tests: network,
		},

		// What makes a network, judges it and carries it elsewhere. Nothing
		// deployed imports these.
		{
			pkg:   "inference/reference",
			may:   []string{"inference", "inference/layer", "inference/topology", "proto/modelpb"},
			tests: network,
		},
		{pkg: "inference/dataset", may: []string{"inference/dataset/street", "inference/topology"}, tests: network},
		{pkg: "inference/dataset/street", tests: network},
		{
			pkg:   "inference/evaluation",
			may:   []string{"inference", "inference/dataset", "inference/topology"},
			tests: network,
		},
		{
			pkg:   "inference/report",
			may:   []string{"inference/durable", "inference/evaluation", "inference/topology"},
			tests: network,
		},
		{
			pkg: "inference/train",
			may: []string{
				"inference", "inference/dataset", "inference/durable", "inference/evaluation", "inference/layer",
				"inference/topology", "proto/modelpb",
			},
			tests: network,
		},
		{
			pkg:   "inference/onnx",
			may:   []string{"inference", "inference/layer", "inference/topology", "proto/modelpb"},
			tests: network,
		},
		{pkg: "inference/onnx/onnxruntime", may: []string{"inference/onnx"}, tests: network},
		{pkg: "inference/safetensors", may: []string{"inference", "inference/spelling", "inference/topology", "proto/modelpb"}, tests: network},
		{pkg: "inference/builtin", may: []string{"inference"}, tests: network},
		{
			pkg: "inference/builtin/generate",
			may: []string{"inference", "inference/dataset", "inference/topology", "inference/train"},
		},

		// What a node does with a sample, and how bytes travel: strangers.
		{
			pkg: "roles/...",
			may: []string{
				"roles/...", "proto/...", "inference", "inference/bits", "inference/layer", "inference/topology",
			},
		},
		{pkg: "mesh/...", may: []string{"mesh/...", "proto/..."}},

		// What a node has around the samples, each a stranger to the mesh.
		{pkg: "node/source", may: []string{"inference/..."}},
		{pkg: "node/bundles", may: []string{"proto/...", "inference/..."}},
		{pkg: "node/capability", may: []string{"inference/..."}},
		{pkg: "node/control", may: []string{"proto/..."}},
		// What a person sees of a node: files alone. Its tests show it to a real browser.
		{pkg: "node/page"},
		{pkg: "node/page/browsertest", tests: []string{"node/control", "node/launch", "node/page", "proto/controlpb"}},
		// What a node counts: it reads what the mesh and the roles know, and neither knows of it.
		{pkg: "node/metrics", may: []string{"mesh/...", "roles/...", "inference/topology"}, tests: []string{"inference"}},
		// What does harm to nodes on purpose: a stranger too.
		{pkg: "node/chaos", may: []string{"proto/controlpb", "node/control"}, tests: []string{"node/launch"}},

		// What is wrong with a node and its network: it judges facts, and gathers some.
		{pkg: "node/doctor", may: []string{"proto/controlpb", "mesh/discovery", "mesh/link", "mesh/secret"}},

		// Where they meet.
		{
			pkg: "node",
			may: []string{
				"proto/...", "inference/...", "roles/...", "mesh/...",
				"node/source", "node/bundles", "node/capability", "node/control", "node/chaos", "node/doctor", "node/metrics", "node/page",
			},
			tests: []string{"node/nodetest"},
		},
		{pkg: "node/nodetest", may: []string{"node", "node/source", "proto/...", "inference/...", "roles/...", "mesh/..."}},
		// The demonstration: what starts nodes, watches them and judges their answers.
		{pkg: "node/launch"},
		{pkg: "node/demo", may: []string{"proto/...", "inference/...", "mesh/secret", "node/chaos", "node/control", "node/launch", "roles/..."}},
		{pkg: "node/benchmesh", may: []string{"proto/...", "inference/...", "roles/...", "mesh/secret", "node/control", "node/demo", "node/launch"}},
		{pkg: "node/benchtopologies", may: []string{"inference/...", "node/benchmesh", "node/demo"}},
		// Machines and networks between them, made of namespaces and broken on purpose.
		{pkg: "node/lab"},
		{pkg: "node/benchfailover", may: []string{"proto/controlpb", "inference/...", "mesh/secret", "node/benchmesh", "node/control", "node/lab", "node/launch"}},
		// The program as real processes: tests alone, which know what a person knows.
		{pkg: "node/realnet", tests: []string{"proto/controlpb", "node/benchfailover", "node/lab"}},
		{pkg: "node/command", may: everything},
		{pkg: "examples/...", may: []string{"proto/...", "inference/...", "mesh/secret", "node", "node/lab", "node/nodetest", "node/source"}, tests: []string{"examples/walk"}},
		{pkg: ".", may: []string{"node/command"}},
	}
}

// TestLayers holds the arrows: without it a role would one day reach into the
// mesh, or a trained network drag its trainer into every node.
func TestLayers(t *testing.T) {
	files, err := sourceFiles(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range crossings(layers(), files) {
		t.Error(fault)
	}
}

// TestLayersAreHeld shows that the checker finds what it is there to find: made-up
// files, each with one fault or none.
func TestLayersAreHeld(t *testing.T) {
	const where = "see layers in layers_test.go"
	tests := []struct {
		name string
		file source
		want string // the fault; empty: none
	}{
		{"downwards", source{path: "inference/layer/conv.go", imports: []string{"ganglion/inference/bits"}}, ""},
		{"not ours", source{path: "mesh/host.go", imports: []string{"fmt", "github.com/libp2p/go-libp2p"}}, ""},
		{"a name that begins like ours", source{path: "mesh/host.go", imports: []string{"ganglionic/inference"}}, ""},
		{"a test of the network", source{path: "inference/bits/map_test.go", imports: []string{"ganglion/inference/reference"}}, ""},
		{"the main package", source{path: "main.go", imports: []string{"ganglion/node/command"}}, ""},
		{"below a pattern", source{path: "roles/device/step.go", imports: []string{"ganglion/inference"}}, ""},
		{
			"a role reaches into the mesh",
			source{path: "roles/device.go", imports: []string{"ganglion/mesh"}},
			"roles/device.go: package roles may not import ganglion/mesh: " + where,
		},
		{
			"so does its test",
			source{path: "roles/device_test.go", imports: []string{"ganglion/mesh/meshtest"}},
			"roles/device_test.go: package roles may not import ganglion/mesh/meshtest: " + where,
		},
		{
			"the mesh knows of networks",
			source{path: "mesh/view.go", imports: []string{"ganglion/inference"}},
			"mesh/view.go: package mesh may not import ganglion/inference: " + where,
		},
		{
			"a node drags in the trainer",
			source{path: "inference/section.go", imports: []string{"ganglion/inference/train"}},
			"inference/section.go: package inference may not import ganglion/inference/train: " + where,
		},
		{
			"what tests may, the program may not",
			source{path: "inference/bits/map.go", imports: []string{"ganglion/inference/reference"}},
			"inference/bits/map.go: package inference/bits may not import ganglion/inference/reference: " + where,
		},
		{
			"a schema with logic",
			source{path: "proto/wirepb/check.go", imports: []string{"ganglion/inference"}},
			"proto/wirepb/check.go: package proto/wirepb may not import ganglion/inference: " + where,
		},
		{
			"main does more than hand over",
			source{path: "main.go", imports: []string{"ganglion/node"}},
			"main.go: package . may not import ganglion/node: " + where,
		},
		{
			"a package without a line",
			source{path: "inference/quantum/bit.go"},
			"inference/quantum/bit.go: package inference/quantum has no line: add one that says what it may import, " + where,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(crossings(layers(), []source{tt.file}), "\n")
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// source is a Go file and what it imports.
type source struct {
	path    string // from the root, with slashes
	imports []string
	name    string // of the package
}

// crossings returns one line for each import, and each package, that the layers
// do not allow.
func crossings(layers []layer, files []source) []string {
	const where = "see layers in layers_test.go"
	var faults []string
	for _, f := range files {
		pkg := path.Dir(f.path)
		l, ok := layerOf(layers, pkg)
		if !ok {
			faults = append(faults, fmt.Sprintf(
				"%s: package %s has no line: add one that says what it may import, %s", f.path, pkg, where))
			continue
		}
		allowed := l.may
		if strings.HasSuffix(f.path, "_test.go") {
			// An external test imports the package that it tests.
			allowed = slices.Concat(l.may, l.tests, []string{pkg})
		}
		for _, imported := range f.imports {
			ours, ok := strings.CutPrefix(imported, module+"/")
			if ok && !slices.ContainsFunc(allowed, func(pattern string) bool { return matches(pattern, ours) }) {
				faults = append(faults, fmt.Sprintf(
					"%s: package %s may not import %s: %s", f.path, pkg, imported, where))
			}
		}
	}
	return faults
}

// layerOf returns the most specific layer of the package.
func layerOf(layers []layer, pkg string) (best layer, ok bool) {
	for _, l := range layers {
		if l.pkg == pkg {
			return l, true
		}
		if matches(l.pkg, pkg) && len(l.pkg) > len(best.pkg) {
			best, ok = l, true
		}
	}
	return best, ok
}

// matches tells whether the package is the pattern or, for a pattern dir/..., is
// dir or lies below it.
func matches(pattern, pkg string) bool {
	dir, below := strings.CutSuffix(pattern, "/...")
	return pkg == dir || below && strings.HasPrefix(pkg, dir+"/")
}

// sourceFiles reads the imports of every Go file of the module below root,
// whatever its build constraints. Hidden folders, testdata and other modules
// are no part of it.
func sourceFiles(root string) ([]source, error) {
	var files []source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		file := source{path: filepath.ToSlash(name), name: parsed.Name.Name}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
			file.imports = append(file.imports, imported)
		}
		files = append(files, file)
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("read %s: no Go file", root)
	}
	return files, err
}
