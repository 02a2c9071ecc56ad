package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// A fault that is listed several times is injected more often.
var faults = []string{
	"kill worker", "kill worker", "kill worker", "kill web", "kill s3", "kill temporal", "kill trigger", "kill everything",
	"aws down", "aws slow", "aws throttle", "google down", "google slow", "google throttle",
	"azure down", "azure slow", "azure throttle", "temporal down",
}

type chaos struct {
	local    *local
	random   *rand.Rand
	injected map[string]int // by fault
}

// run ends the last fault before it returns.
func (c *chaos) run(ctx context.Context) error {
	for ctx.Err() == nil {
		fault := faults[c.random.IntN(len(faults))]
		duration, pause := c.randomDuration(8*time.Second), c.randomDuration(4*time.Second)
		if err := c.inject(ctx, fault, duration); err != nil {
			return fmt.Errorf("injecting the fault %q: %w", fault, err)
		}
		c.injected[fault]++
		sleep(ctx, pause)
	}
	return nil
}

func (c *chaos) randomDuration(spread time.Duration) time.Duration {
	return time.Second + time.Duration(c.random.Int64N(int64(spread)))
}

func (c *chaos) inject(ctx context.Context, fault string, duration time.Duration) error {
	uncancelled := context.WithoutCancel(ctx) // ends the fault even if ctx has ended
	target, action, _ := strings.Cut(fault, " ")
	switch {
	case fault == "kill everything":
		c.local.kill()
		return c.local.restart(uncancelled)
	case target == "kill":
		if err := c.local.killChild(action); !errors.Is(err, errNotRunning) {
			return err
		}
		return nil
	default:
		if err := c.setSwitch(uncancelled, target, action); err != nil {
			return err
		}
		sleep(ctx, duration)
		return c.setSwitch(uncancelled, target, "none")
	}
}

func (c *chaos) clear(ctx context.Context) error {
	for _, cloud := range []string{"aws", "google", "azure", "temporal"} {
		if err := c.setSwitch(ctx, cloud, "none"); err != nil {
			return err
		}
	}
	return nil
}

// setSwitch repeats failed requests, because the S3 emulator may be restarting.
func (c *chaos) setSwitch(ctx context.Context, cloud, fault string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		response, err := c.post(ctx, fmt.Sprintf(`{"cloud":%q,"fault":%q}`, cloud, fault))
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("setting the fault switch: %w: %s", err, response)
		}
		sleep(ctx, 100*time.Millisecond)
	}
}

func (c *chaos) post(ctx context.Context, body string) (response []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.local.endpoints.Site+"/local/faults", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if response, err = io.ReadAll(res.Body); err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return response, err
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
