package command

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"ganglion/node/control"
)

// asProgram has the binary of this test be the program: a shell calls it to complete.
const asProgram = "GANGLION_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, "test")) //nolint:forbidigo // it is the program's main
	}
	m.Run()
}

// running has a node be listed that does not answer: a completion must not wait for one.
func running(t *testing.T) {
	t.Helper()
	t.Setenv("GANGLION_RUN_DIR", t.TempDir())
	remove, err := control.WriteRunFile(control.RunFile{
		PID: os.Getpid(), Name: "north", Peer: "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN", Mesh: "wh25mdwy", API: "127.0.0.1:1",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
}

// TestCompletedWords asks as a shell's script does. What is completed is what this machine knows
// now: nodes that run, views of the model, topologies, faults.
func TestCompletedWords(t *testing.T) {
	running(t)
	tests := []struct {
		typed string // blank at the end: a word is to begin
		want  []string
		not   string
	}{
		{"", []string{"members", "demo", "doctor", "completion"}, ""},
		{"members --node ", []string{"north\tPID "}, ""},
		{"chaos ", []string{"kill", "pause", "cut", "slow", "lose", "heal", "run"}, "wake"},
		{"chaos kill ", []string{"aggregator", "devices", "north", "view camera0"}, ""},
		{"chaos run ", []string{"yaml"}, ""},
		{"train --topology ", []string{"elastic", "f\t"}, ""},
		{"demo --missing ", []string{"camera0", "camera5"}, ""},
		{"demo --missing camera0,", []string{"camera0,camera1"}, "camera0,camera0"},
		{"node --sour", []string{"--source\t"}, ""},
		{"node --without ", []string{"beacon", "mdns"}, ""},
		{"node --source street@", []string{"street@camera0"}, ""},
		{"node --eligible ", []string{"aggregator", "cloud"}, ""},
		{"node --interface ", []string{"lo"}, ""},
		{"model inspect ", []string{"ganglion"}, ""},
		{"completion ", []string{"bash", "zsh", "fish"}, ""},
		{"help ", []string{"members", "demo"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.typed, func(t *testing.T) {
			args := append([]string{"__complete"}, strings.Split(tt.typed, " ")...)
			var out strings.Builder
			if code := Main(args, strings.NewReader(""), &out, io.Discard, "test"); code != exitDone {
				t.Fatalf("exit code %d", code)
			}
			for _, want := range tt.want {
				if !strings.Contains("\n"+out.String(), "\n"+want) {
					t.Errorf("completed by\n%swant %q among it", out.String(), want)
				}
			}
			if tt.not != "" && strings.Contains(out.String(), tt.not) {
				t.Errorf("completed by\n%sand %q is not for people", out.String(), tt.not)
			}
		})
	}
}

// TestBash has a real bash complete, without the package bash-completion: on a device it is
// mostly not installed.
func TestBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("bash completes in bash alone: %v", err)
	}
	running(t)
	t.Setenv(asProgram, "1")
	t.Setenv("PROGRAM", os.Args[0])
	for _, tt := range []struct{ typed, want string }{
		{"ganglion mem", "members"},
		{"ganglion members --node ", "north"},
		{"ganglion members --node=no", "north"},
		{"ganglion node --source street@camera", "camera0 camera1 camera2 camera3 camera4 camera5"},
		{"ganglion chaos pau", "pause"},
		{"ganglion train --topology el", "elastic"},
	} {
		script := `ganglion() { "$PROGRAM" "$@"; }
source <(ganglion completion bash)
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COLUMNS=200
read -ra COMP_WORDS <<<"$1"; [[ $1 == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; } # that of a completion that a key asked for
__start_ganglion
echo "${COMPREPLY[@]}"`
		out, err := exec.CommandContext(t.Context(), bash, "--norc", "--noprofile", "-c", script, "bash", tt.typed).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
			t.Errorf("%q is completed by %q (%v), want %q", tt.typed, got, err, tt.want)
		}
	}
}

// TestZshAndFish holds that the scripts are made, and read by their shells where those are.
func TestZshAndFish(t *testing.T) {
	for _, shell := range []string{"zsh", "fish"} {
		var script strings.Builder
		if code := Main([]string{"completion", shell}, strings.NewReader(""), &script, io.Discard, "test"); code != exitDone || !strings.Contains(script.String(), "__complete") {
			t.Errorf("%s: exit code %d, %d bytes", shell, code, script.Len())
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		read := exec.CommandContext(t.Context(), path, "-n")
		read.Stdin = strings.NewReader(script.String())
		if out, err := read.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
}
