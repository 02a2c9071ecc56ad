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

// mishaps are what may happen, each as likely as it is often in the list.
var mishaps = []string{
	"kill worker", "kill worker", "kill worker", "kill web", "kill s3", "kill temporal", "kill trigger", "kill everything",
	"aws down", "aws slow", "aws throttle", "google down", "google slow", "google throttle",
	"azure down", "azure slow", "azure throttle", "temporal down",
}

// chaos breaks one thing after another.
type chaos struct {
	host   *host
	random *rand.Rand
	done   map[string]int // how often each mishap happened
}

// rage goes on until ctx ends. Whatever it breaks for a while is whole again afterwards.
func (c *chaos) rage(ctx context.Context) error {
	for ctx.Err() == nil {
		what := mishaps[c.random.IntN(len(mishaps))]
		lasts, quiet := c.upTo(8*time.Second), c.upTo(4*time.Second)
		if err := c.happen(ctx, what, lasts); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		c.done[what]++
		rest(ctx, quiet)
	}
	return nil
}

func (c *chaos) upTo(most time.Duration) time.Duration {
	return time.Second + time.Duration(c.random.Int64N(int64(most)))
}

func (c *chaos) happen(ctx context.Context, what string, lasts time.Duration) error {
	whole := context.WithoutCancel(ctx) // what was broken is mended, even when the time is up
	cloud, fault, _ := strings.Cut(what, " ")
	switch {
	case what == "kill everything":
		c.host.kill()
		return c.host.again(whole)
	case cloud == "kill":
		if err := c.host.killChild(fault); !errors.Is(err, errNotRunning) {
			return err
		}
		return nil
	default:
		if err := c.plug(whole, cloud, fault); err != nil {
			return err
		}
		rest(ctx, lasts)
		return c.plug(whole, cloud, "none")
	}
}

// mend makes sure that every plug is in.
func (c *chaos) mend(ctx context.Context) error {
	for _, cloud := range []string{"aws", "google", "azure", "temporal"} {
		if err := c.plug(ctx, cloud, "none"); err != nil {
			return err
		}
	}
	return nil
}

// plug sets one of the site's switches. S3 may be just starting, after it was killed.
func (c *chaos) plug(ctx context.Context, cloud, fault string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		said, err := c.throw(ctx, fmt.Sprintf(`{"cloud":%q,"fault":%q}`, cloud, fault))
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("setting the switch: %w: %s", err, said)
		}
		rest(ctx, 100*time.Millisecond)
	}
}

func (c *chaos) throw(ctx context.Context, setting string) (said []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.host.endpoints.Site+"/local/faults", strings.NewReader(setting))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if said, err = io.ReadAll(res.Body); err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return said, err
}

// rest waits, but not longer than ctx lasts.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
