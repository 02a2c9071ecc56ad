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
	unhandled = "Unhandled" // AWS's value of X-Amz-Function-Error for every failure

	initTimeout = 10 * time.Second // until a new process requests its first invocation, as on AWS
	maxPayload  = 6 << 20          // bytes of an invocation and of its response
)

// outcome is the result of an invocation.
type outcome struct {
	payload []byte
	failure string // X-Amz-Function-Error; "" means success
}

func failed(kind, message string) outcome {
	doc, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // never fails for strings
	return outcome{doc, unhandled}
}

var errStopping = errors.New("the function's host is stopping")

// The caller must call Host.acquire before invoke.
func (h *Host) invoke(requestID string, payload []byte, stream io.Writer) (outcome, error) {
	i := &invocation{requestID: requestID, payload: payload, arn: h.arn(), timeout: h.Timeout, stream: stream, done: make(chan outcome, 1)}
	for {
		e, isNew, err := h.acquireEnvironment()
		if err != nil {
			return failed("Runtime.InvalidEntrypoint", err.Error()), nil
		}
		select {
		case e.next <- i:
			return h.await(e, i)
		case <-e.exited:
			if isNew {
				return exited(e, requestID), nil
			}
			// try another environment
		case <-time.After(initTimeout):
			e.kill()
			return failed("Runtime.InitTimeout", fmt.Sprintf("the function did not request an invocation within %s", initTimeout)), nil
		case <-h.stopping:
			e.stop()
			return outcome{}, errStopping
		}
	}
}

func (h *Host) await(e *environment, i *invocation) (outcome, error) {
	select {
	case got := <-i.done:
		h.releaseEnvironment(e)
		return got, nil
	case <-e.exited:
		select {
		case got := <-i.done: // the process responded before it ended
			return got, nil
		default:
			return exited(e, i.requestID), nil
		}
	case <-time.After(h.Timeout):
		e.kill()
		return failed("Sandbox.Timedout",
			fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", i.requestID, h.Timeout.Seconds())), nil
	case <-h.stopping:
		e.stop()
		return outcome{}, errStopping
	}
}

func exited(e *environment, requestID string) outcome {
	return failed("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited: %s", requestID, e.cmd.ProcessState))
}

func (h *Host) acquireEnvironment() (e *environment, isNew bool, err error) {
	h.mu.Lock()
	if last := len(h.idle) - 1; last >= 0 {
		e, h.idle = h.idle[last], h.idle[:last]
		h.mu.Unlock()
		return e, false, nil
	}
	h.mu.Unlock()
	e, err = h.startEnvironment()
	return e, true, err
}

func (h *Host) releaseEnvironment(e *environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.retryNow != h.retryNow {
		e.stop()
		return
	}
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
