package runtimeapi

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// maxLog is the size of X-Amz-Log-Result before base64.
const maxLog = 4 << 10

// output is what an environment's processes write to stdout and stderr.
type output struct {
	r, w *os.File // a pipe; the processes write to w

	mu      sync.Mutex
	last    []byte        // at least the last maxLog bytes
	changed chan struct{} // closed after the next write
	ended   bool          // all processes have ended
	began   time.Time     // of the invocation
	ending  bool          // end needs all of last
}

// newOutput copies the output to w, which may be nil.
func newOutput(w io.Writer) (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("creating a pipe for the function's output: %w", err)
	}
	o := &output{r: read, w: write, changed: make(chan struct{})}
	go o.copy(w)
	return o, nil
}

// close does not wait for processes that have left the process group.
func (o *output) close() {
	o.w.Close()
	o.r.SetReadDeadline(time.Now().Add(stopGrace))
}

func (o *output) copy(w io.Writer) {
	defer o.r.Close()
	var err error
	for b := make([]byte, 32<<10); err == nil; {
		var n int
		n, err = o.r.Read(b)
		if n > 0 && w != nil {
			_, _ = w.Write(b[:n])
		}
		o.mu.Lock()
		o.last = append(o.last, b[:n]...)
		if excess := len(o.last) - 16*maxLog; excess > 0 && !o.ending {
			o.last = append([]byte(nil), o.last[excess:]...)
		}
		o.ended = err != nil
		close(o.changed)
		o.changed = make(chan struct{})
		o.mu.Unlock()
	}
}

// start and end write the lines that AWS writes to the log. Everything that the function wrote before its response
// precedes the line of end in the pipe.
func (o *output) start(requestID string) {
	o.mu.Lock()
	o.began = time.Now()
	o.mu.Unlock()
	fmt.Fprintf(o.w, "START RequestId: %s Version: $LATEST\n", requestID)
}

// end returns the last maxLog bytes of an invocation's output.
func (o *output) end(requestID string) []byte {
	o.mu.Lock()
	ms := float64(time.Since(o.began).Microseconds()) / 1000
	o.ending = true
	o.mu.Unlock()
	report := "REPORT RequestId: " + requestID
	fmt.Fprintf(o.w, "END RequestId: %s\n%s\tDuration: %.2f ms\tMemory Size: %d MB\n", requestID, report, ms, memorySize)
	for {
		o.mu.Lock()
		last, ended, changed := o.last, o.ended, o.changed
		before, rest, found := bytes.Cut(last, []byte(report))
		if end := bytes.IndexByte(rest, '\n'); found && end >= 0 {
			last, ended = last[:len(before)+len(report)+end+1], true
		}
		o.ending = !ended
		o.mu.Unlock()
		if ended {
			if start := bytes.Index(last, []byte("START RequestId: "+requestID)); start >= 0 {
				last = last[start:]
			}
			return last[max(0, len(last)-maxLog):]
		}
		<-changed
	}
}
