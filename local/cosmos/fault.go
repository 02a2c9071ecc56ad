package cosmos

import (
	"context"
	"time"
)

// Fault makes the server answer as Azure does on a bad day. The zero Fault is a healthy server. A Fault
// with Times or AfterApply meets only requests for documents, because a client asks for the account
// whenever it likes; any other meets every request.
type Fault struct {
	Status     int           // what to answer; 0 with AfterApply cuts the connection instead
	SubStatus  int           // sent as x-ms-substatus
	RetryAfter time.Duration // sent as x-ms-retry-after-ms
	Delay      time.Duration // to wait before anything is done
	AfterApply bool          // do as asked first, then fail: a write whose answer got lost
	Times      int           // how many requests it meets; 0 is every one until the next SetFault
}

// SetFault replaces the fault that is in force.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.left = f, f.Times
}

func (s *Server) strike(t target) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fault
	if f.Times == 0 && !f.AfterApply {
		return f
	}
	if !t.ofDocuments() {
		return Fault{}
	}
	if f.Times > 0 {
		if s.left--; s.left == 0 {
			s.fault = Fault{}
		}
	}
	return f
}

func (f Fault) wait(ctx context.Context) {
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
