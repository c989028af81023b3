package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything that must come is waited for.
const patience = 2 * time.Minute

// tool finds a program of Debian's package prometheus, or skips. Where CI installs what the
// tests need, there is no skipping.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		t.Fatalf("%v: install Debian's package prometheus", err)
	}
	t.Skipf("%v: install Debian's package prometheus", err)
	return ""
}

// TestFiles has Prometheus's own tool read the configuration and the rules, and play the
// stories of alerts_test.yml: what fires in them, and what does not.
func TestFiles(t *testing.T) {
	promtool := tool(t, "promtool")
	for _, args := range [][]string{
		{"check", "config", "--syntax-only", "prometheus.yml"},
		{"check", "rules", "alerts.yml"},
		{"test", "rules", "alerts_test.yml"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		out, err := exec.CommandContext(ctx, promtool, args...).CombinedOutput()
		cancel()
		if err != nil {
			t.Errorf("promtool %s: %v:\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestDemo starts a demonstration and a Prometheus that scrapes it as README.md says. Every
// query of every panel has data, no alert fires; then the aggregator is killed, the take-over
// is counted, and the alert of the node that is gone fires.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("a demonstration and a Prometheus take most of a minute")
	}
	prometheus := tool(t, "prometheus")
	w := walk{t: t, dir: t.TempDir()}
	t.Setenv("GANGLION_RUN_DIR", filepath.Join(w.dir, "run"))
	w.program = filepath.Join(w.dir, "ganglion")
	w.do("go", "build", "-o", w.program, "ganglion")
	w.start(w.program, "demo", "--keep", "--nodes", "3")
	const nodes = 5 // three devices, and the two that a demonstration has besides
	w.await("all nodes have told where they are", func() error {
		out, err := w.ask("members", "--targets")
		if err != nil {
			return err
		}
		if got := strings.Count(string(out), `"node"`); got != nodes {
			return fmt.Errorf("%d targets:\n%s", got, out)
		}
		return os.WriteFile(filepath.Join(w.dir, "targets.json"), out, 0o600)
	})
	w.copy("prometheus.yml", "scrape_interval: 5s", "scrape_interval: 1s", "scrape_timeout: 4s", "scrape_timeout: 1s", "evaluation_interval: 5s", "evaluation_interval: 1s")
	w.copy("alerts.yml", "for: 15s", "for: 1s")
	w.api = "http://" + w.free()
	w.start(prometheus, "--config.file", filepath.Join(w.dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(w.dir, "data"),
		"--web.listen-address", strings.TrimPrefix(w.api, "http://"))
	w.await("all nodes are scraped", func() error {
		return w.holds(fmt.Sprintf(`sum(up{job="ganglion"}) == %d`, nodes))
	})
	mesh := w.mesh()
	for _, p := range panels(t) {
		for _, of := range p.Targets {
			query := strings.NewReplacer("$mesh", mesh, "$__rate_interval", "15s").Replace(of.Expr)
			w.await(fmt.Sprintf("panel %q has data", p.Title), func() error { return w.holds(query) })
		}
	}
	// On a machine that is busy a scrape may come late, and then an alert is right for a moment.
	w.await("no alert fires, as nothing is wrong", func() error {
		return w.holds(`absent(ALERTS{alertstate="firing",severity!="info"})`)
	})
	if out, err := w.ask("chaos", "kill", "aggregator"); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	w.await("the take-over is counted", func() error { return w.holds(`sum(ganglion_takeovers_total{role="aggregator"}) >= 1`) })
	w.await("the node that is gone is alerted of", func() error {
		return w.holds(`ALERTS{alertname="GanglionNodeDown",alertstate="firing"}`)
	})
	w.await("somebody is the aggregator", func() error { return w.holds(`sum(ganglion_roles_held{role="aggregator"}) == 1`) })
}

// walk is a demonstration and a Prometheus of one test.
type walk struct {
	t       *testing.T
	dir     string
	program string
	api     string // of Prometheus
}

// do runs a command that must succeed.
func (w *walk) do(name string, args ...string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute) // a build from nothing
	defer cancel()
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v:\n%s", name, err, out)
	}
}

// ask runs the program.
func (w *walk) ask(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	return exec.CommandContext(ctx, w.program, args...).Output()
}

// start starts a process that is ended in order when the test is, and waited for.
func (w *walk) start(name string, args ...string) {
	w.t.Helper()
	ctx, end := context.WithCancel(context.WithoutCancel(w.t.Context()))
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = w.dir
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	if err := c.Start(); err != nil {
		end()
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		end()
		_ = c.Wait() // it was ended by a signal
		if w.t.Failed() {
			w.t.Logf("%s said:\n%s", filepath.Base(name), &said)
		}
	})
}

// await waits until what is looked at is so.
func (w *walk) await(what string, look func() error) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := look()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain until %s: %v", what, err)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-w.t.Context().Done():
			w.t.Fatal(w.t.Context().Err())
		}
	}
}

// copy puts a file of this folder into the test's, with other words for some: pairs of one
// that it has and one that it gets.
func (w *walk) copy(name string, words ...string) {
	w.t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(words); i += 2 {
		if !bytes.Contains(text, []byte(words[i])) {
			w.t.Fatalf("%s does not say %q", name, words[i])
		}
		text = bytes.ReplaceAll(text, []byte(words[i]), []byte(words[i+1]))
	}
	if err := os.WriteFile(filepath.Join(w.dir, name), text, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// free is a port that was free a moment ago.
func (w *walk) free() string {
	w.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// mesh is the fingerprint that the targets have.
func (w *walk) mesh() string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "targets.json"))
	found := regexp.MustCompile(`"mesh": *"([^"]+)"`).FindSubmatch(text)
	if err != nil || found == nil {
		w.t.Fatalf("no mesh in targets.json: %v", err)
	}
	return string(found[1])
}

// holds is nil where Prometheus has an answer to a query, of numbers that are numbers.
func (w *walk) holds(query string) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, w.api+"/api/v1/query?query="+url.QueryEscape(query), http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var said struct {
		Error string
		Data  struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return err
	}
	if said.Error != "" {
		return fmt.Errorf("%s: %s", query, said.Error)
	}
	for _, one := range said.Data.Result {
		if one.Value[1] != "NaN" {
			return nil
		}
	}
	return fmt.Errorf("%s has no data", query)
}
