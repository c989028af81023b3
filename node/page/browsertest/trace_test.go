package browsertest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// task is one turn of the page's main thread.
type task struct {
	wall, cpu time.Duration // from its beginning to its end; of that, in which it computed
}

// traceEvent is the part of a trace's event that is read. Times are in microseconds.
type traceEvent struct {
	Name       string  `json:"name"`
	Phase      string  `json:"ph"`
	Process    int     `json:"pid"`
	Thread     int     `json:"tid"`
	Duration   float64 `json:"dur"`
	ThreadTime float64 `json:"tdur"`
	Args       struct {
		Name string `json:"name"`
	} `json:"args"`
}

// tasks traces what the main threads of all pages do, for a time. On a machine that does much
// else a task stands still more than it computes: the time of the processor tells of the page,
// that of the clock of the machine.
func (b *tab) tasks(over time.Duration) (out []task, renderers int) {
	b.t.Helper()
	var events []traceEvent
	ctx, cancel := context.WithTimeout(b.ctx, over+*waits)
	defer cancel()
	collected := make(chan []traceEvent, 4096)
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*tracing.EventDataCollected); ok {
			var some []traceEvent
			for _, v := range e.Value {
				var one traceEvent
				if json.Unmarshal(v, &one) == nil {
					some = append(some, one)
				}
			}
			collected <- some
		}
	}); err != nil {
		b.t.Fatal(err)
	}
	b.run(command(tracing.Start, tracing.StartParams{TraceConfig: &tracing.TraceConfig{IncludedCategories: []string{"toplevel", "__metadata"}}}), chromedp.Sleep(over))
	if _, err := chromedp.Run(ctx, chromedp.WaitEvent(tracing.TracingComplete, nil, command(tracing.End, cdp.Empty{}))); err != nil {
		b.t.Fatal(err)
	}
	for len(collected) > 0 {
		events = append(events, <-collected...)
	}
	main := map[[2]int]bool{}
	for i := range events {
		if e := &events[i]; e.Name == "thread_name" && e.Args.Name == "CrRendererMain" {
			main[[2]int{e.Process, e.Thread}] = true
		}
	}
	for i := range events {
		if e := &events[i]; e.Phase == "X" && main[[2]int{e.Process, e.Thread}] && (e.Name == "ThreadControllerImpl::RunTask" || e.Name == "RunTask") {
			out = append(out, task{time.Duration(e.Duration * 1000), time.Duration(e.ThreadTime * 1000)})
		}
	}
	return out, len(main)
}
