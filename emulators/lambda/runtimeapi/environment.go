package runtimeapi

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// stopGrace is how long an environment may take over SIGTERM before it is killed.
const stopGrace = time.Second

// environment is one process of the function and the Runtime API that it, and nobody else, talks to.
type environment struct {
	cmd    *exec.Cmd
	next   chan *invocation
	exited chan struct{}
	born   int64 // how often the Host had been hurried

	mu      sync.Mutex
	current *invocation // what the process works on, if anything
}

// invocation is what the Runtime API hands to the process.
type invocation struct {
	requestID string
	payload   []byte
	arn       string
	timeout   time.Duration
	stream    io.Writer     // what takes a streamed response as it comes; nil to have it whole
	accepted  chan struct{} // closed when the process has it
	done      chan outcome  // of one
}

// outcome is what the process, or its end, says of an invocation.
type outcome struct {
	payload []byte
	failure string // X-Amz-Function-Error; "" for success
}

// startEnvironment starts the process; it asks for its first invocation when it is ready.
func (h *Host) startEnvironment() (*environment, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the function: %w", err)
	}
	e := &environment{next: make(chan *invocation), exited: make(chan struct{}), born: h.hurried.Load()}
	api := &http.Server{Handler: e.runtimeAPI()}
	e.cmd = exec.Command(h.Bootstrap)
	e.cmd.Dir = filepath.Dir(h.Bootstrap)
	e.cmd.Env = append(append([]string{}, h.Env...),
		"AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME="+h.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"LAMBDA_TASK_ROOT="+e.cmd.Dir, "_HANDLER=bootstrap")
	e.cmd.Stdout, e.cmd.Stderr = h.Stderr, h.Stderr
	e.cmd.SysProcAttr = attributes()
	e.cmd.WaitDelay = stopGrace
	if err := launch(e.cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("start the function: %w", err), l.Close())
	}
	go api.Serve(l)
	go func() {
		e.cmd.Wait() // how it ended is in ProcessState
		close(e.exited)
		api.Close()
	}()
	slog.Info("a function's environment has started", "function", h.Name, "pid", e.cmd.Process.Pid)
	return e, nil
}

// runtimeAPI is https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.serveResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { e.finish(w, r, unhandled) })
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted) // the process ends itself now
	})
	return mux
}

func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	var i *invocation
	select {
	case i = <-e.next:
	case <-r.Context().Done():
		return
	}
	e.mu.Lock()
	e.current = i
	e.mu.Unlock()
	close(i.accepted)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", i.requestID)
	w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", i.arn)
	w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(i.timeout).UnixMilli(), 10))
	w.Write(i.payload)
}

// serveResponse passes a streamed response on to whoever waits for it.
func (e *environment) serveResponse(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	i := e.current
	if i == nil || i.requestID != r.PathValue("id") || i.stream == nil || r.Header.Get("Content-Type") != streamed {
		e.mu.Unlock()
		e.finish(w, r, "")
		return
	}
	e.current = nil
	e.mu.Unlock()
	if _, err := io.Copy(i.stream, r.Body); err != nil {
		i.done <- outcome{errorPayload("Runtime.TruncatedResponse", err.Error()), unhandled}
		http.Error(w, "the response broke off", http.StatusBadRequest)
		return
	}
	got := outcome{}
	if err := broken(r); err != nil {
		got = outcome{errorPayload("Runtime.TruncatedResponse", err.Error()), unhandled}
	}
	i.done <- got
	w.WriteHeader(http.StatusAccepted)
}

// broken is what the function, once its body was read, says went wrong with it.
func broken(r *http.Request) error {
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		return errors.New(kind)
	}
	return nil
}

// finish takes the outcome before it answers: a process that ends upon the answer has not failed.
func (e *environment) finish(w http.ResponseWriter, r *http.Request, failure string) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		failure = unhandled
		payload = errorPayload("Function.ResponseSizeTooLarge", fmt.Sprintf("the response is over %d bytes", tooLarge.Limit))
	} else if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	i := e.current
	if i == nil || i.requestID != r.PathValue("id") {
		e.mu.Unlock()
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	e.current = nil
	e.mu.Unlock()
	if failure == "" && broken(r) != nil {
		failure = unhandled
	}
	i.done <- outcome{payload, failure}
	w.WriteHeader(http.StatusAccepted)
}

func (e *environment) dead() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// stop ends the process and waits for its end.
func (e *environment) stop() {
	if e.cmd.Process.Signal(syscall.SIGTERM) == nil {
		select {
		case <-e.exited:
			return
		case <-time.After(stopGrace):
		}
	}
	e.kill()
}

func (e *environment) kill() {
	if err := e.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		slog.Error("cannot kill a function's process", "pid", e.cmd.Process.Pid, "error", err)
	}
	<-e.exited
}
