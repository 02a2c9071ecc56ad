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
	couriers   = 8
	firstPause = 50 * time.Millisecond
	longPause  = 2 * time.Second
)

// deliver sends the outbox's events until ctx ends, each until it is accepted, in no particular order.
func deliver(ctx context.Context, box *outbox, notify string) {
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: couriers},
	}
	var wg sync.WaitGroup
	for range couriers {
		wg.Go(func() { courier(ctx, box, client, notify) })
	}
	wg.Wait()
}

// courier delivers one event after the other. One that is not accepted goes to the end of the queue, and
// the courier pauses, longer every time in a row.
func courier(ctx context.Context, box *outbox, client *http.Client, notify string) {
	pause := time.Duration(0)
	for {
		name, event, err := box.next(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = send(context.WithoutCancel(ctx), client, notify, event) // what is on its way arrives
		}
		if err == nil {
			box.done(name)
			pause = 0
			continue
		}
		box.again(name)
		if pause == 0 {
			slog.Warn("an event was not accepted; it is sent until it is", "error", err)
		}
		pause = min(max(2*pause, firstPause), longPause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// send is the asynchronous Invoke of
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: 202 means that Lambda has it.
func send(ctx context.Context, client *http.Client, notify string, event []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, notify, bytes.NewReader(event))
	if err != nil {
		return fmt.Errorf("make the invocation: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Amz-Invocation-Type", "Event")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("invoke the function: %w", err)
	}
	defer resp.Body.Close()
	why, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("invoke the function: %s %q instead of 202", resp.Status, why)
	}
	return nil
}
