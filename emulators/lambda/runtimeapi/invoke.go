package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	unhandled = "Unhandled" // AWS's value of X-Amz-Function-Error for every failure

	initTimeout = 10 * time.Second // until a new process requests its first invocation, as on AWS
	maxRequest  = 6 << 20          // bytes; AWS's message for larger requests contains this number
	maxPayload  = 6<<20 + 100      // bytes of a response; AWS's message for larger responses contains this number
)

// outcome is the result of an invocation.
type outcome struct {
	payload  []byte
	failure  string // X-Amz-Function-Error; "" means success
	streamed bool   // the response was written to invocation.stream
	log      []byte // X-Amz-Log-Result
}

func failed(kind, message string) outcome {
	doc, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // never fails for strings
	return outcome{payload: doc, failure: unhandled}
}

var errStopping = errors.New("the function's host is stopping")

// The caller must call Host.acquire before invoke.
func (h *Host) invoke(i *invocation) (outcome, error) {
	i.arn, i.timeout, i.done = h.arn()+i.qualifier, h.Timeout, make(chan outcome, 1)
	for {
		e, isNew, err := h.acquireEnvironment()
		if err != nil {
			return failed("Runtime.InvalidEntrypoint", err.Error()), nil
		}
		select {
		case e.next <- i:
			got, reusable, err := h.await(e, i)
			if i.tail && err == nil {
				got.log = e.output.end(i.requestID)
			}
			if reusable { // only now, because the next invocation writes to the same output
				h.releaseEnvironment(e)
			}
			return got, err
		case got := <-e.initError:
			e.stop()
			return got, nil
		case <-e.exited:
			if isNew {
				return exited(e, i.requestID), nil
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

func (h *Host) await(e *environment, i *invocation) (_ outcome, reusable bool, _ error) {
	select {
	case got := <-i.done:
		return got, true, nil
	case <-e.exited:
		select {
		case got := <-i.done: // the process responded before it ended
			return got, false, nil
		default:
			return exited(e, i.requestID), false, nil
		}
	case <-time.After(h.Timeout):
		e.kill()
		return failed("Sandbox.Timedout",
			fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", i.requestID, h.Timeout.Seconds())), false, nil
	case <-h.stopping:
		e.stop()
		return outcome{}, false, errStopping
	}
}

func exited(e *environment, requestID string) outcome {
	select {
	case got := <-e.initError: // the process reported it before it ended
		return got
	default:
	}
	reason := "without providing a reason"
	if !e.cmd.ProcessState.Success() {
		reason = "with error: " + e.cmd.ProcessState.String()
	}
	return failed("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited %s", requestID, reason))
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
