package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	deliveryWorkers = 8
	minPause        = 50 * time.Millisecond
	maxPause        = 2 * time.Second
)

// deliver sends the outbox's events until ctx ends. It repeats each event until it is accepted, in no particular order.
func deliver(ctx context.Context, box *outbox, notify string) {
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: deliveryWorkers},
	}
	var wg sync.WaitGroup
	for range deliveryWorkers {
		wg.Go(func() { deliverEach(ctx, box, client, notify) })
	}
	wg.Wait()
}

// deliverEach delivers one event at a time. An event that is not accepted goes to the end of the queue, and deliverEach
// pauses; the pause doubles with each failure in a row.
func deliverEach(ctx context.Context, box *outbox, client *http.Client, notify string) {
	pause := time.Duration(0)
	for {
		name, event, err := box.next(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = send(context.WithoutCancel(ctx), client, notify, event) // a shutdown does not interrupt the request
		}
		if err == nil {
			box.done(name)
			pause = 0
			continue
		}
		box.enqueue(name)
		if pause == 0 {
			slog.Warn("an event was not accepted; it is sent again until it is", "error", err)
		}
		pause = min(max(2*pause, minPause), maxPause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// send invokes the function asynchronously, as in https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. The status
// 202 means that Lambda has accepted the event.
func send(ctx context.Context, client *http.Client, notify string, event []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, notify, bytes.NewReader(event))
	if err != nil {
		return fmt.Errorf("creating the invocation: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Amz-Invocation-Type", "Event")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("invoking the function: %w", err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("invoking the function: %s %q instead of 202", resp.Status, body)
	}
	return nil
}
