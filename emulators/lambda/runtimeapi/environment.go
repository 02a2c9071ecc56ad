package runtimeapi

import (
	"cmp"
	"encoding/json"
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

	"github.com/google/uuid"

	"triptych/emulators/childprocess"
	"triptych/internal/loopback"
)

const (
	stopGrace  = time.Second // from SIGTERM to SIGKILL
	memorySize = 128         // MB; not enforced
)

// environment is one process of the function. Each process has its own Runtime API server.
type environment struct {
	cmd       *exec.Cmd
	output    *output
	next      chan *invocation
	initError chan outcome // receives the error that the process reports instead of its first request
	exited    chan struct{}
	retryNow  chan struct{} // Host.retryNow at the start

	mu       sync.Mutex
	current  *invocation // nil if the process is idle
	frozen   bool
	stopping bool // the processes must not be frozen again
}

// invocation is passed to one process.
type invocation struct {
	requestID     string
	payload       []byte
	traceID       string
	clientContext string    // JSON; "" if there is none
	qualifier     string    // of the function in the request, for example ":$LATEST"
	tail          bool      // return the log
	stream        io.Writer // receives a streamed response; nil buffers the response in the outcome

	// set by invoke
	arn     string
	timeout time.Duration
	done    chan outcome // receives one outcome
}

func (h *Host) startEnvironment() (*environment, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the function: %w", err)
	}
	logs, err := newOutput(h.Stderr)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	e := &environment{
		output: logs, next: make(chan *invocation), initError: make(chan outcome, 1), exited: make(chan struct{}), retryNow: h.nextRetryNow(),
	}
	api := &http.Server{Handler: loopback.RefuseBrowsers(e.runtimeAPI())}
	e.cmd = exec.Command(h.Bootstrap)
	e.cmd.Dir = filepath.Dir(h.Bootstrap)
	e.cmd.Env = append(append([]string{}, h.Env...),
		"AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME="+h.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(memorySize),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_LAMBDA_LOG_FORMAT=Text", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/"+h.Name,
		fmt.Sprintf("AWS_LAMBDA_LOG_STREAM_NAME=%s[$LATEST]%x", time.Now().UTC().Format("2006/01/02/"), [16]byte(uuid.New())),
		"LAMBDA_TASK_ROOT="+e.cmd.Dir, "_HANDLER=bootstrap")
	e.cmd.Stdout, e.cmd.Stderr = logs.w, logs.w
	if err := childprocess.Start(e.cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the function: %w", err), l.Close(), logs.w.Close())
	}
	go api.Serve(l)
	go func() {
		e.cmd.Wait() // ProcessState contains the exit status
		e.thawToStop()
		e.signal(syscall.SIGKILL) // ends the processes that the function started
		logs.close()
		close(e.exited)
		api.Close()
	}()
	slog.Info("a function's environment has started", "function", h.Name, "pid", e.cmd.Process.Pid)
	return e, nil
}

// runtimeAPI serves https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) { e.serveResult(w, r, "") })
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { e.serveResult(w, r, unhandled) })
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.serveInitError)
	return mux
}

// Most runtimes exit after the response.
func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload))
	got := outcome{payload: body, failure: unhandled}
	if err != nil || !json.Valid(body) {
		got = failed(cmp.Or(r.Header.Get("Lambda-Runtime-Function-Error-Type"), "Runtime.Unknown"), string(body))
	}
	select {
	case e.initError <- got:
	default: // only the first error counts
	}
	w.WriteHeader(http.StatusAccepted)
}

func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	var i *invocation
	select {
	case i = <-e.next:
	default:
		e.freeze()
		select {
		case i = <-e.next:
		case <-r.Context().Done():
			return
		}
		e.thaw()
	}
	e.mu.Lock()
	e.current = i
	e.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", i.requestID)
	w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", i.arn)
	w.Header().Set("Lambda-Runtime-Trace-Id", i.traceID)
	if i.clientContext != "" {
		w.Header().Set("Lambda-Runtime-Client-Context", i.clientContext)
	}
	if i.tail {
		e.output.start(i.requestID)
	}
	w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(i.timeout).UnixMilli(), 10))
	w.Write(i.payload)
}

// serveResult passes the result on before it responds to the function, because the function's process may exit after
// the response.
func (e *environment) serveResult(w http.ResponseWriter, r *http.Request, failure string) {
	e.mu.Lock()
	i := e.current
	if i == nil || i.requestID != r.PathValue("id") {
		e.mu.Unlock()
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	e.current = nil
	e.mu.Unlock()
	var payload []byte
	var err error
	isStream := failure == "" && i.stream != nil && r.Header.Get("Content-Type") == streamed
	if isStream {
		_, err = io.Copy(i.stream, r.Body)
	} else if payload, err = io.ReadAll(io.LimitReader(r.Body, maxPayload+1)); err == nil {
		_, err = io.Copy(io.Discard, r.Body) // a runtime that is still sending would not see the response
	}
	status := http.StatusAccepted
	got := outcome{payload: payload, failure: failure, streamed: isStream}
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); err != nil {
		status = http.StatusBadRequest
		got = failed("Runtime.TruncatedResponse", err.Error())
	} else if len(payload) > maxPayload {
		status = http.StatusRequestEntityTooLarge
		got = failed("Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload))
	} else if kind != "" { // sent after the body
		got = failed("Runtime.TruncatedResponse", kind)
	}
	i.done <- got
	w.WriteHeader(status)
	if status == http.StatusRequestEntityTooLarge {
		fmt.Fprintf(w, `{"errorMessage":"Exceeded maximum allowed payload size (%d bytes).","errorType":"RequestEntityTooLarge"}`, maxPayload)
	}
}

func (e *environment) stop() {
	if e.cmd.Process.Signal(syscall.SIGTERM) == nil {
		e.thawToStop()
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
