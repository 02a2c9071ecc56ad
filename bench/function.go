package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"triptych/emulators/lambda/runtimeapi"
	"triptych/emulators/s3event"
	"triptych/picture"
)

// function is the shipped trigger in a local Lambda, for one namespace of one Temporal server.
type function struct {
	url  string
	stop func()
}

// openFunction serves the trigger until stop is called.
func openFunction(bootstrap, dir string, env []string) (*function, error) {
	host, err := runtimeapi.New(runtimeapi.Config{
		Name: "trigger", Bootstrap: bootstrap, Env: env, Dir: dir, Timeout: 30 * time.Second, Concurrency: 4,
	})
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for invocations: %w", err)
	}
	server := &http.Server{Handler: host}
	go server.Serve(ln)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- host.Run(ctx) }()
	return &function{
		url: fmt.Sprintf("http://%s/2015-03-31/functions/trigger/invocations", ln.Addr()),
		stop: func() {
			server.Close()
			cancel()
			<-ended
		},
	}, nil
}

// invoke hands the event of one picture to the trigger and returns when its start has been accepted.
func (f *function) invoke(ctx context.Context, p picture.Picture) error {
	return f.send(ctx, "RequestResponse", p)
}

// notify is what S3 does: the event is queued, and the trigger gets it when it gets it.
func (f *function) notify(ctx context.Context, p picture.Picture) error {
	return f.send(ctx, "Event", p)
}

func (f *function) send(ctx context.Context, invocation string, p picture.Picture) error {
	event, err := json.Marshal(s3event.Event{Records: []s3event.Record{s3event.Created(p)}})
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	return post(ctx, f.url, invocation, event)
}

// post succeeds when the body was accepted, and by a function without an error.
func post(ctx context.Context, url, invocation string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Amz-Invocation-Type", invocation)
	res, err := pool.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	why, err := io.ReadAll(res.Body)
	if res.StatusCode >= 300 || res.Header.Get("X-Amz-Function-Error") != "" {
		return errors.Join(err, fmt.Errorf("%s answered %s: %s", url, res.Status, why))
	}
	return err
}

// pool keeps its connections: making them is not what is measured.
var pool = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
