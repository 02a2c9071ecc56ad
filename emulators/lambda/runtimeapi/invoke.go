package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	unhandled = "Unhandled" // what AWS says of every failed function

	initLimit  = 10 * time.Second // how long a process may take to ask for its first invocation, as AWS
	maxPayload = 6 << 20          // of an invocation and of its response
)

var errStopping = errors.New("the function's host is stopping")

// invoke runs the function once, in an environment that is idle or else in a new one. It needs a slot. A response that
// the function streams goes to stream, if that is not nil, and is not in the outcome.
func (h *Host) invoke(requestID string, payload []byte, stream io.Writer) (outcome, error) {
	i := &invocation{
		requestID: requestID, payload: payload, arn: h.arn(), timeout: h.Timeout, stream: stream,
		accepted: make(chan struct{}), done: make(chan outcome, 1),
	}
	for {
		e, fresh, err := h.environment()
		if err != nil {
			return outcome{errorPayload("Runtime.InvalidEntrypoint", err.Error()), unhandled}, nil
		}
		late := time.NewTimer(initLimit)
		select {
		case e.next <- i:
			late.Stop()
			return h.await(e, i)
		case <-e.exited:
			late.Stop()
			if fresh {
				return exited(e, requestID), nil
			}
			// It ended between two invocations, which is not this one's fault.
		case <-late.C:
			e.kill()
			return outcome{errorPayload("Runtime.InitTimeout", fmt.Sprintf("the function did not ask for work within %s", initLimit)), unhandled}, nil
		case <-h.stopping:
			late.Stop()
			e.stop()
			return outcome{}, errStopping
		}
	}
}

// await waits for the outcome of an invocation that the environment has taken.
func (h *Host) await(e *environment, i *invocation) (outcome, error) {
	<-i.accepted
	late := time.NewTimer(h.Timeout)
	defer late.Stop()
	select {
	case got := <-i.done:
		h.keep(e)
		return got, nil
	case <-e.exited:
		select {
		case got := <-i.done: // then it ended
			return got, nil
		default:
			return exited(e, i.requestID), nil
		}
	case <-late.C:
		e.kill()
		return outcome{errorPayload("Sandbox.Timedout",
			fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", i.requestID, h.Timeout.Seconds())), unhandled}, nil
	case <-h.stopping:
		e.stop()
		return outcome{}, errStopping
	}
}

// environment is the one that was idle for the shortest time, or a fresh one.
func (h *Host) environment() (e *environment, fresh bool, err error) {
	h.mu.Lock()
	for len(h.idle) > 0 {
		last := len(h.idle) - 1
		e, h.idle = h.idle[last], h.idle[:last]
		if !e.dead() {
			h.mu.Unlock()
			return e, false, nil
		}
	}
	h.mu.Unlock()
	e, err = h.startEnvironment()
	return e, true, err
}

// keep makes the environment idle, unless it is from before the last Hurry.
func (h *Host) keep(e *environment) {
	if e.born != h.hurried.Load() {
		e.stop()
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.idle = append(h.idle, e)
}

func (h *Host) stopIdle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	var wg sync.WaitGroup
	for _, e := range h.idle {
		wg.Go(e.stop)
	}
	wg.Wait()
	h.idle = nil
}

func exited(e *environment, requestID string) outcome {
	return outcome{errorPayload("Runtime.ExitError",
		fmt.Sprintf("RequestId: %s Error: Runtime exited: %s", requestID, e.cmd.ProcessState)), unhandled}
}

func errorPayload(kind, message string) []byte {
	doc, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // strings always can
	return doc
}
