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

type trigger struct {
	url  string
	stop func()
}

func startTrigger(bootstrap, dir string, env []string) (*trigger, error) {
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
	stopped := make(chan error, 1)
	go func() { stopped <- host.Run(ctx) }()
	return &trigger{
		url: fmt.Sprintf("http://%s/2015-03-31/functions/trigger/invocations", ln.Addr()),
		stop: func() {
			server.Close()
			cancel()
			<-stopped
		},
	}, nil
}

// invoke returns when the trigger has started the workflow.
func (t *trigger) invoke(ctx context.Context, p picture.Picture) error {
	event, err := json.Marshal(s3event.Event{Records: []s3event.Record{s3event.Created(p)}})
	if err != nil {
		return fmt.Errorf("encoding an S3 event: %w", err)
	}
	return post(ctx, t.url, event)
}

// A failed Lambda invocation has status 200 and the header X-Amz-Function-Error.
func post(ctx context.Context, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := pooledClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	message, err := io.ReadAll(res.Body)
	if res.StatusCode >= 300 || res.Header.Get("X-Amz-Function-Error") != "" {
		return errors.Join(err, fmt.Errorf("%s returned %s: %s", url, res.Status, message))
	}
	return err
}

// Go's default transport keeps only 2 idle connections per host.
var pooledClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
