// Package faults selects at most one fault for each request to an emulator. The emulator decides how the request
// fails.
package faults

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Rule selects the requests that a fault applies to, and may delay them. The zero Rule selects all requests.
type Rule struct {
	Only    string        // requests about one thing, such as an object key; "" means all requests
	Method  string        // requests of one method; "" means all methods
	Times   int           // number of requests that the fault applies to; 0 means no limit
	Delay   time.Duration // how long the request waits
	OnMatch func()        // called for each request that the fault applies to, before Delay; may block
}

// Wait calls r.OnMatch and then sleeps for r.Delay. If ctx ends during the sleep, Wait returns ctx.Err().
func (r Rule) Wait(ctx context.Context) error {
	if r.OnMatch != nil {
		r.OnMatch()
	}
	if r.Delay <= 0 {
		return nil
	}
	select {
	case <-time.After(r.Delay):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Fault is implemented by the fault type of each emulator.
type Fault interface{ Rule() Rule }

// The zero Set is empty.
type Set[F Fault] struct {
	mu     sync.Mutex
	active []active[F] // in the order of precedence
}

type active[F Fault] struct {
	fault F
	left  int // remaining requests; not used if Rule.Times is 0
}

func (s *Set[F]) Put(f F) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rule := f.Rule()
	s.active = slices.DeleteFunc(s.active, func(a active[F]) bool {
		other := a.fault.Rule()
		return other.Only == rule.Only && other.Method == rule.Method
	})
	s.active = append(s.active, active[F]{f, rule.Times})
	slices.SortStableFunc(s.active, func(a, b active[F]) int { return precedence(a.fault.Rule(), b.fault.Rule()) })
}

func precedence(a, b Rule) int {
	return cmp.Or(cmp.Compare(len(b.Only), len(a.Only)), cmp.Compare(len(b.Method), len(a.Method)))
}

// Peek works like Take, but the request does not count towards Rule.Times.
func (s *Set[F]) Peek(match func(F) bool) F {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(match); i >= 0 {
		return s.active[i].fault
	}
	var none F
	return none
}

// Take returns the most specific fault that matches a request, or the zero fault. Call Take once per request, because
// each call counts towards Rule.Times.
func (s *Set[F]) Take(match func(F) bool) F {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(match)
	if i < 0 {
		var none F
		return none
	}
	f := s.active[i].fault
	if f.Rule().Times > 0 {
		if s.active[i].left--; s.active[i].left == 0 {
			s.active = slices.Delete(s.active, i, i+1)
		}
	}
	return f
}

func (s *Set[F]) find(match func(F) bool) int {
	return slices.IndexFunc(s.active, func(a active[F]) bool { return match(a.fault) })
}
