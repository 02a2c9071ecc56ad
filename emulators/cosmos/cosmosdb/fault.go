package cosmosdb

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Fault makes the server answer as Azure does on a bad day. The zero Fault is a healthy server. A Fault
// with Times, AfterApply, Only or Method meets only requests for documents, because a client asks for the account
// whenever it likes; any other meets every request.
type Fault struct {
	Only       string        // meets only requests about the partition of this key
	Method     string        // meets only requests of this HTTP method
	Status     int           // what to answer; 0 with AfterApply cuts the connection instead
	SubStatus  int           // sent as x-ms-substatus
	RetryAfter time.Duration // sent as x-ms-retry-after-ms
	AfterApply bool          // do as asked before all else: a write whose answer got lost
	Meet       func()        // is called by each request that is met, and may keep it waiting
	Delay      time.Duration // to wait before anything else is done
	Times      int           // how many requests it meets; 0 is every one until the next SetFault
}

// selector is whom a Fault meets.
type selector struct{ only, method string }

// SetFault replaces the fault that is in force for the same Only and Method. A request meets one Fault, rather one
// that is particular.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[selector{f.Only, f.Method}] = f
}

func (s *Server) strike(r *http.Request, t target) Fault {
	var key []string
	if err := json.Unmarshal([]byte(r.Header.Get("x-ms-documentdb-partitionkey")), &key); err != nil || len(key) != 1 {
		key = []string{""} // no single string: no Fault is about this request in particular
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, about := range []selector{{key[0], r.Method}, {key[0], ""}, {"", r.Method}, {"", ""}} {
		f, set := s.faults[about]
		if !set || !t.ofDocuments() && !f.everywhere() {
			continue
		}
		if f.Times == 1 {
			delete(s.faults, about)
		} else if f.Times > 1 {
			left := f
			left.Times--
			s.faults[about] = left
		}
		return f
	}
	return Fault{}
}

// everywhere says that the fault is not one of documents alone.
func (f Fault) everywhere() bool {
	return f.Times == 0 && !f.AfterApply && f.Only == "" && f.Method == ""
}

func (f Fault) wait(ctx context.Context) {
	if f.Meet != nil {
		f.Meet()
	}
	if f.Delay <= 0 {
		return
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (f Fault) reply() reply {
	answer := refused(refuse(f.Status, f.SubStatus, "This fault was asked for: the local Cosmos DB answers %d", f.Status))
	answer.retryAfter = f.RetryAfter
	return answer
}
