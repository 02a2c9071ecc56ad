// Package check performs the calls of a deployed program once and reports which of them work.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"triptych/picture"
)

// Document is the ID of the objects, documents and workflows that checks use. No picture has this ID.
const Document picture.ID = "check"

type Call struct {
	Name string
	Do   func(context.Context) error
}

// callTimeout ends calls whose clients retry without a limit.
const callTimeout = 20 * time.Second

// Program connects a program to the clouds, and then makes the calls that connect returns. The last line starts with
// "done", so that a reader can detect an incomplete report. Program returns the number of calls that failed.
func Program(ctx context.Context, w io.Writer, connect func(context.Context) (calls []Call, disconnect func(), err error)) (failed int) {
	var calls []Call
	var disconnect func()
	failed = Run(ctx, w, Call{"settings", func(ctx context.Context) (err error) {
		calls, disconnect, err = connect(ctx)
		return err
	}})
	if failed == 0 {
		defer disconnect()
		failed = Run(ctx, w, calls...)
	}
	fmt.Fprintf(w, "done    %d calls, %d failed\n", 1+len(calls), failed)
	return failed
}

// Run makes all calls concurrently and writes one line for each. It returns the number of calls that failed.
func Run(ctx context.Context, w io.Writer, calls ...Call) (failed int) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	errs := make([]error, len(calls))
	var running sync.WaitGroup
	for i, c := range calls {
		running.Go(func() { errs[i] = c.Do(ctx) })
	}
	running.Wait()
	for i, c := range calls {
		if errs[i] == nil {
			fmt.Fprintf(w, "ok      %s\n", c.Name)
			continue
		}
		failed++
		fmt.Fprintf(w, "FAILED  %s: %s\n", c.Name, explain(errs[i]))
	}
	return failed
}

// explain returns one line. The SDKs' errors may contain signatures.
func explain(err error) string {
	e, ok := errors.AsType[*picture.Error](err)
	if !ok {
		return redact(err)
	}
	message := e.Message
	if e.Kind == picture.Unavailable {
		message += ": check the network route and firewall to it, then check again"
	}
	if e.Err != nil {
		message += " (" + redact(e.Err) + ")"
	}
	return message
}

func redact(err error) string {
	return picture.Redact(strings.Join(strings.Fields(err.Error()), " "))
}
