package command

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"ganglion/proto/controlpb"
)

// TestDocumentation keeps docs/configuration.md in step with the settings: its table is
// theirs, and its example is a configuration that has every key.
func TestDocumentation(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "configuration.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table := settingsTable()
	between := regexp.MustCompile(`(?s)(<!-- settings: [^\n]*-->\n).*(<!-- end of settings -->)`)
	if !between.Match(data) {
		t.Fatal("the place of the table is gone")
	}
	fresh := between.ReplaceAllString(string(data), "${1}"+strings.ReplaceAll(table, "$", "$$")+"${2}")
	if *update {
		if err := os.WriteFile(path, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(data), fresh); diff != "" {
		t.Errorf("the table is not that of the settings; -update writes it (-is +should be)\n%s", diff)
	}

	_, example, _ := strings.Cut(fresh, "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	if _, err := configure(t, example, nil); err != nil {
		t.Errorf("the example is refused: %v", err)
	}
	values, _ := readConfig("example", []byte(example), settings())
	for _, s := range settings() {
		if _, ok := values[s.flag]; !ok && s.key != "" {
			t.Errorf("the example lacks %s", s.key)
		}
	}
}

// settingsTable is the table of all settings, for the documentation.
func settingsTable() string {
	var out strings.Builder
	out.WriteString("| Flag | Variable | Key | Default | Meaning |\n| --- | --- | --- | --- | --- |\n")
	group := ""
	for _, s := range settings() {
		if s.group != group {
			group = s.group
			fmt.Fprintf(&out, "| **%s** | | | | |\n", group)
		}
		flag, key := "--"+s.flag, "none"
		if s.value != "" {
			flag += " " + s.value
		}
		if s.list {
			flag += " ..."
		}
		if s.key != "" {
			key = "`" + s.key + "`"
		}
		fmt.Fprintf(&out, "| `%s` | `%s` | %s | %s | %s |\n", flag, s.variable(), key, s.initial, s.help)
	}
	return out.String()
}

// TestNodeHelp holds what a person reads to their screen, and to being complete.
func TestNodeHelp(t *testing.T) {
	cmd := newNodeCommand("test")
	help := cmd.Long + "\n" + nodeUsage(cmd, settings())
	for line := range strings.Lines(help) {
		if width := len(strings.TrimRight(line, "\n")); width > 96 {
			t.Errorf("a line of %d columns: %s", width, line)
		}
	}
	for _, s := range settings() {
		if !strings.Contains(help, "\n  --"+s.flag+" ") {
			t.Errorf("--%s is not in the help", s.flag)
		}
		if cmd.Flags().Lookup(s.flag) == nil {
			t.Errorf("--%s cannot be completed", s.flag)
		}
		if s.help == "" || s.initial == "" || s.group == "" {
			t.Errorf("--%s: the help or the default is missing", s.flag)
		}
	}
}

func TestCompleteSetting(t *testing.T) {
	tests := []struct {
		args  []string
		words string
		files cobra.ShellCompDirective
	}{
		{nil, "", cobra.ShellCompDirectiveNoFileComp},
		{[]string{"--open", "--split"}, "test all", cobra.ShellCompDirectiveNoFileComp},
		{[]string{"--without"}, "beacon mdns join remembered", cobra.ShellCompDirectiveNoFileComp},
		{[]string{"--token-file"}, "", cobra.ShellCompDirectiveDefault},
		{[]string{"--port"}, "", cobra.ShellCompDirectiveNoFileComp},
	}
	for _, tt := range tests {
		if words, files := completeSetting(nil, tt.args, ""); strings.Join(words, " ") != tt.words || files != tt.files {
			t.Errorf("%q: got %q, %v", tt.args, words, files)
		}
	}
}

// TestIntroduction is what a newcomer reads first.
func TestIntroduction(t *testing.T) {
	tests := []struct {
		name   string
		status *controlpb.StatusResponse
		state  string
		want   string
	}{
		{
			"with sources", &controlpb.StatusResponse{
				Name: "attic", Mesh: "w2v6mdo4", Site: "default", Addresses: []string{"192.0.2.7:4801", "[2001:db8::7]:4801"}, Api: "127.0.0.1:4802",
				Sources: []*controlpb.Source{
					{Kind: "replay", Ref: "street", View: "north"},
					{Kind: "folder", Ref: "cam"},
					{Kind: "image", Ref: "a.png", Fault: "it is not there"},
				},
			}, "/state/ganglion", `Node attic is up in mesh w2v6mdo4, site default.
  addresses    192.0.2.7:4801, [2001:db8::7]:4801
  page         none: --no-page
  control API  http://127.0.0.1:4802
  state        /state/ganglion
  feeds        view north, from replay:street
  feeds        a view that is not settled yet, from folder:cam
  feeds        nothing: it is not there, from image:a.png
`,
		},
		{
			"bare", &controlpb.StatusResponse{Name: "attic", Mesh: "w2v6mdo4", Site: "s", Api: "127.0.0.1:4802", Open: true},
			"", `Node attic is up in the open mesh w2v6mdo4, site s.
  addresses    none: no network interface may be used; see --interface
  page         none: --no-page
  control API  http://127.0.0.1:4802
  state        in memory, gone when it ends
  feeds        no view: it has no --source, and helps the others
`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, _ := strings.Cut(introduction(tt.status, tt.state), "Ctrl-C")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestNodeFlagFaults is the way of a fault through the whole program.
func TestNodeFlagFaults(t *testing.T) {
	code, out, errs := invoke("node", "--prot", "1", "--port", "x")
	want := "ganglion: 2 faults:\n  --prot: there is no such flag: did you mean --port?\n" +
		"  --port: \"x\" is no port: give a number from 0 to 65535\nSee 'ganglion node --help'.\n"
	if code != exitUsage || out != "" || errs != want {
		t.Errorf("exit code %d, output %q, errors\n%s", code, out, errs)
	}
	if code, out, errs := invoke("node", "--help"); code != exitDone || !strings.Contains(out, "--beacon-port") || errs != "" {
		t.Errorf("help: exit code %d, output %q, errors %q", code, out, errs)
	}
}

// watcher keeps what is written, and closes seen once it has the text.
type watcher struct {
	mu   sync.Mutex // guards what follows
	all  strings.Builder
	text string
	seen chan struct{}
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Write(p)
	if w.text != "" && strings.Contains(w.all.String(), w.text) {
		w.text = ""
		close(w.seen)
	}
	return len(p), nil
}

func (w *watcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

// TestNodeOnLoopback runs a whole node over real sockets of the loopback interface: it says
// who it is, hands out its token but does not log it, tells what happens, and ends without
// an error when it is asked to.
func TestNodeOnLoopback(t *testing.T) {
	t.Setenv("GANGLION_RUN_DIR", filepath.Join(t.TempDir(), "run"))
	o, err := configure(t, "", nil, "--interface", loopbackInterface(t), "--state", "none", "--found", "--port", "0", "--beacon-port", freeUDPPort(t),
		"--without", "mdns", "--api", "127.0.0.1:0", "--source", "street@0", "--log-level", "debug")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, errs := &watcher{text: " feeds view ", seen: make(chan struct{})}, &watcher{} // an event, told after the introduction
	ended := make(chan error, 1)
	go func() { ended <- runNode(ctx, &o, out, errs, true) }()
	select {
	case <-out.seen:
		stop()
		err = <-ended
	case err = <-ended:
		t.Errorf("it ended before it was up")
	case <-time.After(time.Minute):
		t.Error("it does not come up")
		stop()
		err = <-ended
	}
	if err != nil {
		t.Errorf("got %v; a node that is asked to end has not failed", err)
	}
	for _, want := range []string{"Founded mesh ", "--token-file", "http://127.0.0.1:", "from replay:street", "Ctrl-C ends it", "Leaving the mesh"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	token := regexp.MustCompile(`gng1-[a-z2-7-]+`).FindString(out.String())
	if token == "" || strings.Contains(errs.String(), token[5:13]) {
		t.Errorf("the token is in the log, or was not told:\n%s\n%s", out, errs)
	}
}

func loopbackInterface(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Skip("there is no loopback interface")
	return ""
}

// freeUDPPort is a port for the beacons of a mesh of this test alone.
func freeUDPPort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, port, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
