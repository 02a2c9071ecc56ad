package stacktest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"sync"
	"testing"

	"triptych/local/stack"
)

// Unbuilt is a stack whose site is open, but whose Temporal server is not built yet.
type Unbuilt struct {
	Site   string                       // URL
	Report func(compiled, packages int) // sets the progress of the build

	finish chan error
	opened chan opened
}

type opened struct {
	stack *stack.Stack
	err   error
}

// OpenUnbuilt returns when the site is open.
func OpenUnbuilt(ctx context.Context, t testing.TB, dir string) *Unbuilt {
	t.Helper()
	u := &Unbuilt{finish: make(chan error, 1), opened: make(chan opened, 1)}
	reports := make(chan func(int, int), 1)
	output := &siteOutput{Writer: t.Output(), site: make(chan string, 1)}
	config := stack.Config{Dir: dir, Addr: "127.0.0.1:0", Output: output}
	config.HoldServer = func(ctx context.Context, report func(compiled, packages int)) error {
		reports <- report
		select {
		case err := <-u.finish:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	go func() {
		s, err := stack.Open(ctx, config)
		if err == nil {
			t.Cleanup(s.Close)
		}
		u.opened <- opened{s, err}
	}()
	t.Cleanup(func() { u.Fail() }) // a stack that is still opening
	select {
	case u.Site = <-output.site:
		u.Report = <-reports
	case o := <-u.opened:
		u.opened <- o
		t.Fatalf("the site did not open: %v", o.err)
	}
	return u
}

// Finish builds the server, and returns when everything is ready.
func (u *Unbuilt) Finish(t testing.TB) *stack.Stack {
	t.Helper()
	s, err := u.end(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Fail lets the build fail and returns the error of stack.Open.
func (u *Unbuilt) Fail() error {
	_, err := u.end(errors.New("no space left on device"))
	return err
}

// Wait returns the error of stack.Open.
func (u *Unbuilt) Wait() error {
	o := <-u.opened
	u.opened <- o
	return o.err
}

func (u *Unbuilt) end(err error) (*stack.Stack, error) {
	select {
	case u.finish <- err:
	default: // it has ended before
	}
	o := <-u.opened
	u.opened <- o
	return o.stack, o.err
}

// siteOutput receives the messages of a stack.
type siteOutput struct {
	io.Writer
	site chan string

	mu   sync.Mutex
	text bytes.Buffer
}

var openSite = regexp.MustCompile(`The site is open at (http://[0-9.:]+)\. `)

func (o *siteOutput) Write(message []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(message)
	if found := openSite.FindSubmatch(o.text.Bytes()); found != nil {
		o.text.Reset()
		o.site <- string(found[1])
	}
	return o.Writer.Write(message)
}
