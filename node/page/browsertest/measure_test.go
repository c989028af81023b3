package browsertest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"
)

// measure has the goals of the page held to, which take a machine that does nothing else.
var measure = flag.Bool("measure", false, "measure the page and hold it to its goals: on a machine that does nothing else")

// observed notes when the first whole view was drawn, which is all nodes and the verdicts of the
// first answer, tasks over 50 ms, and how long frames are.
const observed = `
	window.tasks = []; window.frames = [];
	new PerformanceObserver((l) => { for (const e of l.getEntries()) window.tasks.push([e.startTime, e.duration]); }).observe({ type: 'longtask', buffered: true });
	{
		let last = 0;
		const look = (t) => {
			if (last && window.frames.length < 100000) window.frames.push(t - last);
			last = t;
			if (!window.firstView && document.querySelectorAll('.node').length >= 100 && document.querySelectorAll('.verdict:not([hidden]) .class').length > 7) {
				requestAnimationFrame(() => { window.firstView ??= performance.now(); });
			}
			requestAnimationFrame(look);
		};
		requestAnimationFrame(look);
	}`

// hurried has the time of day pass faster.
const hurried = `{ const real = Date.now.bind(Date), t0 = real(); Date.now = () => t0 + (real() - t0) * %d; }`

// number is what a JavaScript expression is, as a number.
func (b *tab) number(expression string) float64 {
	b.t.Helper()
	v, err := strconv.ParseFloat(b.value(expression), 64)
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// inMs is a duration in milliseconds, as the goals have it.
func inMs(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// load is how many want a processor, over the last minute, and how many processors there are: a
// task by the clock is as long as others leave it.
func load() string {
	said, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	minute, _, _ := strings.Cut(string(said), " ")
	return fmt.Sprintf("%s on %d processors", minute, runtime.NumCPU())
}

// processor is for how long all processes of the browser have computed.
func (b *tab) processor() (all time.Duration) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, *waits)
	defer cancel()
	out, err := chromedp.CallBrowser(ctx, systeminfo.GetProcessInfo, cdp.Empty{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, one := range out.ProcessInfo {
		all += time.Duration(one.CPUTime * float64(time.Second))
	}
	return all
}

// TestMeasure measures what the page promises of itself: when the first view is drawn, that no
// task is long at 200 verdicts a second and 100 nodes, and that an hour does not grow.
func TestMeasure(t *testing.T) {
	if !*measure {
		t.Skip("skipped: `make measure-page` measures, on a machine that does nothing else")
	}
	t.Logf("load %s", load())
	defer func() { t.Logf("load %s", load()) }()
	f := serve(t, newMesh(100, 8, 64, 200))
	how := desk()
	how.before = observed
	t.Run("first view", func(t *testing.T) { measureFirstView(t, f, how) })
	t.Run("tasks", func(t *testing.T) { measureTasks(t, f, how) })
	t.Run("processor", func(t *testing.T) { measureProcessor(t, f, how) })
	t.Run("an hour", func(t *testing.T) { measureHour(t, how) })
}

// settled is a browser that has been up for a while, as those are in which people open a page: one
// that has just started is busy with itself for two seconds.
func settled(t *testing.T) *browser {
	t.Helper()
	of := start(t)
	of.open(t, "about:blank", desk()).await("three seconds", `performance.now() > 3000`)
	return of
}

func measureFirstView(t *testing.T, f *feed, how look) {
	t.Helper()
	var times []float64
	for range 7 {
		t.Run("", func(t *testing.T) { // so that the browser ends, with all that it keeps
			b := settled(t).open(t, f.url, how)
			b.await("a view", `window.firstView`)
			times = append(times, b.number(`window.firstView`))
		})
	}
	slices.Sort(times)
	t.Logf("first view of 100 nodes: median %.0f ms, worst %.0f ms of %d", times[len(times)/2], times[len(times)-1], len(times))
	if times[len(times)-1] > 1000 {
		t.Errorf("the worst is %.0f ms, the goal 1000 ms", times[len(times)-1])
	}
}

func measureTasks(t *testing.T, f *feed, how look) {
	t.Helper()
	b := settled(t).open(t, f.url, how)
	b.await("a view", `window.firstView`)
	b.await("a minute", `performance.now() > 60000`)
	loading := b.number(`Math.max(0, ...window.tasks.filter((x) => x[0] < window.firstView).map((x) => x[1]))`)
	longest := b.number(`Math.max(0, ...window.tasks.filter((x) => x[0] >= window.firstView).map((x) => x[1]))`)
	count := b.number(`window.tasks.filter((x) => x[0] >= window.firstView).length`)
	p50 := b.number(`window.frames.toSorted((a, b) => a - b)[Math.floor(window.frames.length * 0.5)]`)
	p99 := b.number(`window.frames.toSorted((a, b) => a - b)[Math.floor(window.frames.length * 0.99)]`)
	t.Logf("load %s", load())
	t.Logf("a minute at 200 verdicts/s and 100 nodes: %.0f tasks over 50 ms, longest %.0f ms (while loading %.0f ms); frames: half within %.1f ms, 99 %% within %.1f ms", count, longest, loading, p50, p99)
	if longest > 50 || loading > 50 {
		t.Errorf("a task of %.0f ms, %.0f ms while loading: the goal is 50 ms", longest, loading)
	}
}

// measureProcessor tells what a task computes from what it waits for: on a machine with other work
// a task by the clock is as long as others leave it.
func measureProcessor(t *testing.T, f *feed, how look) {
	t.Helper()
	b := settled(t).open(t, f.url, how)
	b.await("a view", `window.firstView`)
	const over = time.Minute
	before := b.processor()
	began := time.Now()
	tasks, _ := b.tasks(over)
	whole := (b.processor() - before).Seconds() / time.Since(began).Seconds()
	var computes, stands task // the one that computes longest, and the one that takes longest
	var all time.Duration
	long := 0
	for _, one := range tasks {
		all += one.cpu
		if one.cpu > computes.cpu {
			computes = one
		}
		if one.wall > stands.wall {
			stands = one
		}
		if one.wall > 50*time.Millisecond {
			long++
		}
	}
	t.Logf("%d tasks in %v: the longest computes for %s, all of them for %.1f %% of a core; the whole browser for %.0f %%, tracing included",
		len(tasks), over, inMs(computes.cpu), 100*all.Seconds()/over.Seconds(), 100*whole)
	t.Logf("by the clock: %d tasks over 50 ms, longest %s, of which it computes for %s", long, inMs(stands.wall), inMs(stands.cpu))
	if len(tasks) == 0 || computes.cpu > 50*time.Millisecond {
		t.Errorf("the longest of %d tasks computes for %v, the goal is 50ms", len(tasks), computes.cpu)
	}
}

func measureHour(t *testing.T, how look) {
	t.Helper()
	const pace = 24
	f := serve(t, newMesh(100, 8, 64, 200))
	f.change(func(f *feed, _ *mesh) { f.pace, f.every = pace, 100*time.Millisecond })
	how.before += fmt.Sprintf(hurried, pace)
	b := settled(t).open(t, f.url, how)
	b.await("a view", `window.firstView`)
	heap := func(minutes int) float64 {
		b.await("time passes", fmt.Sprintf(`performance.now() * %d > %d * 60000`, pace, minutes))
		b.run(command(heapprofiler.CollectGarbage, cdp.Empty{}))
		return b.number(`performance.memory.usedJSHeapSize / 1e6`)
	}
	marks := []int{15, 30, 45, 60, 75}
	var sizes []float64
	for _, m := range marks {
		sizes = append(sizes, heap(m))
		t.Logf("after %d minutes: heap %.1f MB, %.0f elements", m, sizes[len(sizes)-1], b.number(`document.getElementsByTagName('*').length`))
	}
	if grown := sizes[len(sizes)-1] - sizes[0]; grown > 1 {
		t.Errorf("from the first quarter to the last the heap has grown by %.1f MB", grown)
	}
}
