package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// waits is how long a test waits for what must come. A busy machine is slow.
var waits = flag.Duration("waits", 90*time.Second, "how long to wait for what must come")

// chromium is the browser's program; the test skips where there is none, unless CI promised one.
func chromium(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("GANGLION_CHROMIUM"); named != "" {
		return named
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no Chromium in the path, and CI is set: install Debian's chromium, as .ci/run does")
	}
	t.Skip("skipped: no Chromium in the path: install Debian's chromium, or name one in GANGLION_CHROMIUM")
	return ""
}

// look is how the page is looked at.
type look struct {
	width, height int64
	dark, still   bool   // colours; motion
	before        string // JavaScript that runs before that of the page
}

func desk() look  { return look{width: 1440, height: 900} }
func phone() look { return look{width: 360, height: 740} }

// tab is one page of a browser.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps a tab in its context

	mu      sync.Mutex
	faults  []string // what the console calls an error
	lenient bool     // faults are expected: a node that dies makes some
}

// browser is one that tabs are opened in.
type browser struct {
	ctx context.Context //nolint:containedctx // chromedp keeps a browser in its context
}

// start starts a browser, which ends with the test.
func start(t *testing.T) *browser {
	t.Helper()
	allocated, cancel := chromedp.NewExecAllocator(context.Background(), allocation(chromium(t), t.TempDir())...)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewContext(allocated)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil { // not under a deadline: the browser would end with it
		t.Fatalf("start browser: %v", err)
	}
	return &browser{ctx: ctx}
}

// open shows a page in a tab of its own, with storage of its own. It ends with the test, which
// fails if the console said that anything was wrong.
func (of *browser) open(t *testing.T, url string, how look) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(of.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	t.Cleanup(b.judge)
	scheme, motion := "light", "no-preference"
	if how.dark {
		scheme = "dark"
	}
	if how.still {
		motion = "reduce"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
	}}
	size := []chromedp.EmulateViewportOption{}
	if how.width < 600 {
		size = append(size, chromedp.EmulateMobile)
	}
	b.run(command(log.Enable, cdp.Empty{}), chromedp.EmulateViewport(how.width, how.height, size...), command(emulation.SetEmulatedMedia, media))
	if how.before != "" {
		b.run(command(cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: how.before}))
	}
	b.run(chromedp.Navigate(url))
	return b
}

// allocation is how a browser is started: headless, alone with a directory that was empty, and
// asking nobody for anything.
func allocation(program, dir string) []chromedp.ExecAllocatorOption {
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(dir), chromedp.NoFirstRun, chromedp.NoSandbox,
		chromedp.Flag("headless", "new"), chromedp.Flag("force-color-profile", "srgb"),
	}
	for _, flag := range []string{
		"disable-gpu", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
		"no-default-browser-check", "disable-default-apps", "disable-extensions", "disable-dev-shm-usage", "hide-scrollbars", "mute-audio",
		"disable-backgrounding-occluded-windows", "disable-renderer-backgrounding", "enable-precise-memory-info",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	return options
}

// command is a command of the protocol whose answer says nothing.
func command[P, R any](of cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, of, params)
		return err
	})
}

// hear notes what the console calls an error.
func (b *tab) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += ": " + thrown.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			for _, a := range e.Args {
				text += " " + string(a.Value) + a.Description
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			text = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if text != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.faults = append(b.faults, text)
	}
}

// judge fails the test for what the console said.
func (b *tab) judge() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		if b.lenient && strings.Contains(fault, "Failed to load resource") {
			continue // a node that does not answer, which is what the test is about
		}
		if strings.HasSuffix(fault, "/Look") {
			continue // a picture that the node may not have: browsers tell of each answer that is no 200
		}
		b.t.Errorf("the browser's console: %s", fault)
	}
}

// run carries actions out, for no longer than the *waits lasts.
func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, *waits)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.state())
	}
}

// state is what the page says, for a test that fails.
func (b *tab) state() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 3000)`))
	if err != nil {
		return fmt.Sprintf("(the page cannot be read: %v)", err)
	}
	return "the page:\n" + text
}

// await waits until a JavaScript expression is true.
func (b *tab) await(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, *waits+10*time.Second)
	defer cancel()
	poll := chromedp.Poll[bool]("Boolean("+expression+")", chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(*waits))
	if _, err := chromedp.Run(ctx, poll); err != nil {
		b.t.Fatalf("%s: not within %v: %v\n%s", what, *waits, err, b.state())
	}
}

// value is what a JavaScript expression is, as text.
func (b *tab) value(expression string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, *waits)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", expression, err, b.state())
	}
	return out
}

// do evaluates JavaScript for what it does.
func (b *tab) do(code string) {
	b.t.Helper()
	b.run(chromedp.Evaluate[chromedp.Void]("{" + code + "}; 0"))
}

// quoted is a text as JavaScript writes it.
func quoted(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err) // of a string
	}
	return string(out)
}

// press types keys.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.run(chromedp.KeyEvent(key))
	}
}

// shoot writes a picture of what is in sight, or of the whole page.
func (b *tab) shoot(file string, whole bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, *waits)
	defer cancel()
	action := chromedp.CaptureScreenshot()
	if whole {
		action = chromedp.FullScreenshot(100)
	}
	shot, err := chromedp.Run(ctx, action)
	if err == nil {
		shot, err = compact(shot)
	}
	if err := errors.Join(err, os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, shot, 0o644)); err != nil {
		b.t.Fatal(err)
	}
}
