package benchmesh

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"ganglion/proto/controlpb"
)

// scrapeEvery is how often the metrics of each node are read: oftener than anybody does.
const scrapeEvery = time.Second

// watch has the coordinator's page followed and the metrics of all nodes read, until stop is
// called, which returns what went wrong: a mesh that nobody could watch was not measured.
func watch(ctx context.Context, m *liveMesh) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return follow(ctx, m.coordinator) })
	for _, one := range m.members {
		group.Go(func() error { return scrape(ctx, one) })
	}
	return func() error {
		cancel()
		return group.Wait()
	}
}

// follow reads what a page is told.
func follow(ctx context.Context, of *member) error {
	stream, err := of.Watch(ctx, &controlpb.WatchRequest{})
	if err != nil {
		return of.Explain(err)
	}
	defer stream.Close() //nolint:errcheck // it is only read from
	for stream.Receive() {
	}
	if ctx.Err() != nil {
		return nil // it was ended
	}
	return of.Explain(stream.Err())
}

// scrape reads the metrics of a node again and again.
func scrape(ctx context.Context, of *member) error {
	ticker := time.NewTicker(scrapeEvery)
	defer ticker.Stop()
	for {
		if err := readMetrics(ctx, of); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// readMetrics reads them once.
func readMetrics(ctx context.Context, of *member) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+of.Status.GetApi()+"/metrics", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it is only read from
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("metrics of %s: %s", of.Name(), answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
