//go:build unix

package browsertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganglion/node/control"
	"ganglion/node/launch"
)

// demo is the demonstration, as a person starts it and leaves it running.
type demo struct {
	page string // the address that it prints
}

// startDemo builds the program and starts its demonstration on loopback. It ends with the test.
func startDemo(t *testing.T) *demo {
	t.Helper()
	t.Setenv("GANGLION_RUN_DIR", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	program := filepath.Join(t.TempDir(), "ganglion")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "ganglion").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	logs := t.TempDir()
	launcher := launch.New(program, logs)
	t.Cleanup(func() { launcher.Close(nil) }) // it is asked to end, and takes its processes with it
	run, err := launcher.Start(launch.Command{Name: "demo", Args: []string{"demo", "--keep", "--rate", "20"}})
	if err != nil {
		t.Fatal(err)
	}
	printed := regexp.MustCompile(`watch it: (http://[0-9.:]+/)`)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(*waits); time.Now().Before(end) && run.Running(); <-tick.C {
		said, err := os.ReadFile(filepath.Join(logs, "demo.log"))
		if err != nil {
			t.Fatal(err)
		}
		if at := printed.FindSubmatch(said); at != nil {
			return &demo{page: string(at[1])}
		}
	}
	t.Fatalf("the demonstration prints no address of a page: %s", strings.Join(run.Tail(), "\n"))
	return nil
}

// kill kills a node by its name, as kill -9 does.
func (d *demo) kill(t *testing.T, name string) {
	t.Helper()
	files, err := control.RunFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name == name {
			if err := syscall.Kill(f.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no process of this mesh is %s", name)
}

// notes has the page note when it first shows that a node of a name is not there.
const notes = `
	window.shown = {};
	new MutationObserver(() => {
		for (const n of document.querySelectorAll('.node:not([data-standing="alive"])')) window.shown[n.querySelector('.name').textContent] ??= Date.now();
	}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-standing'] });`

// holders is the names of the nodes that have a role, as the page shows them.
func holders(role string) string {
	return `[...document.querySelectorAll('.node[data-standing="alive"]')].filter((n) => n.querySelector('.does').textContent.split(' · ').includes(` +
		quoted(role) + `)).map((n) => n.querySelector('.name').textContent)`
}

// TestMesh is a real mesh of real processes, looked at through the page of one of them. One that
// has a role is killed with -9: the page shows that it is gone, who has its role now, and goes on
// with verdicts. All else that is tested here believes a made-up node; this shows that a real one
// says the same.
func TestMesh(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: real processes take a minute: run without -short")
	}
	chromium(t)
	d := startDemo(t)
	how := desk()
	how.before = notes
	of := start(t)
	b := of.open(t, d.page, how)
	b.await("all nodes", `document.querySelectorAll('.node[data-standing="alive"]').length === 8`)
	b.await("verdicts", deskReady)
	b.await("pictures", `document.querySelectorAll('.verdict img').length > 3`)
	b.await("charts", `document.querySelector('#head-local').textContent.includes('%') && document.querySelector('#chart-hops .key').textContent.includes('device-local')`)
	b.await("thresholds", `!document.querySelector('#thresholds').hidden`)
	b.await("roles", holders("aggregator")+`.length === 1 && `+holders("cloud")+`.length === 1`)
	b.await("who is next", `document.querySelector('.node[data-next="true"]')`)
	if *pictures != "" {
		b.await("half a minute of figures", `performance.now() > 40000`)
		b.shoot(filepath.Join(*pictures, "mesh.png"), false)
	}
	role := "aggregator"
	name := b.value(holders(role) + `[0]`)
	if name == b.value(`document.querySelector('.node[data-self="true"] .name').textContent`) { // it serves the page
		role = "cloud"
		name = b.value(holders(role) + `[0]`)
	}
	b.do(`window.shown = {}`) // on a busy machine it may have been suspect before
	killed := time.Now()
	d.kill(t, name)
	b.await(name+" is not there", `window.shown[`+quoted(name)+`]`)
	at, err := strconv.ParseInt(b.value(`window.shown[`+quoted(name)+`]`), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	took := time.UnixMilli(at).Sub(killed)
	t.Logf("%s killed with -9: shown after %v", name, took.Round(time.Millisecond))
	if *measure && took > 2*time.Second {
		t.Errorf("shown after %v, the goal is 2s", took)
	}
	b.await("it is gone", `[...document.querySelectorAll('.node[data-standing="down"] .name')].some((n) => n.textContent === `+quoted(name)+`)`)
	b.await("another has its role", holders(role)+`.some((n) => n !== `+quoted(name)+`)`)
	b.await("the timeline has it", `document.querySelector('#timeline').textContent.includes(`+quoted(name)+`) && /claims to be|takes over|is aggregator/.test(document.querySelector('#timeline').textContent)`)
	if *pictures != "" {
		b.shoot(filepath.Join(*pictures, "mesh-killed.png"), false)
	}
	before := b.value(`document.querySelector('.verdict .beside').textContent`)
	b.await("verdicts go on", `document.querySelector('.verdict .beside').textContent !== `+quoted(before))
	if *pictures != "" {
		d.picturesOf(t, of)
	}
}

// picturesOf makes those that only a real mesh makes well.
func (d *demo) picturesOf(t *testing.T, of *browser) {
	t.Helper()
	for _, tt := range []struct {
		name string
		how  look
	}{
		{"mesh-dark", look{width: 1440, height: 900, dark: true}},
		{"mesh-phone", look{width: 360, height: 740}},
	} {
		b := of.open(t, d.page, tt.how)
		b.await("pictures", `document.querySelectorAll('.verdict img').length > 3`)
		b.await("figures", `performance.now() > 20000`)
		b.shoot(filepath.Join(*pictures, tt.name+".png"), false)
		if tt.how.width < 600 {
			b.do(`document.querySelector('#verdicts').scrollIntoView()`)
			b.await("pictures in sight", fmt.Sprintf(`document.querySelectorAll('.verdict img').length > %d`, 3))
			b.shoot(filepath.Join(*pictures, strings.Replace(tt.name, "phone", "phone-verdicts", 1)+".png"), false)
		}
	}
}
