// Package faults decides which requests to an emulator fail. At most one fault applies to each request. The emulator defines
// the response to a failed request.
package faults

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Rule defines to which requests a fault applies and how long these requests wait. The zero Rule applies to every
// request until the fault is replaced.
type Rule struct {
	Only    string        // requests about one thing, such as an object key; "" means all requests
	Method  string        // requests of one method; "" means all methods
	Times   int           // number of requests that the fault applies to; 0 means no limit
	Delay   time.Duration // how long the request waits
	OnMatch func()        // called for each request that the fault applies to, before Delay; may block
}

// Wait calls r.OnMatch, if set, and then waits for the duration r.Delay. If ctx ends during the wait, Wait returns
// the error of ctx.
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

// Fault is the interface that the fault type of each emulator implements. The method Rule defines to which requests
// the fault applies.
type Fault interface{ Rule() Rule }

// Set contains the active faults of an emulator. The zero Set is empty.
type Set[F Fault] struct {
	mu     sync.Mutex
	active []active[F] // in the order of precedence
}

type active[F Fault] struct {
	fault F
	left  int // remaining requests; not used if Rule.Times is 0
}

// Put adds the fault f to the Set. If the Set contains a fault with the same values of Rule.Only and Rule.Method, Put
// replaces that fault.
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

// precedence sorts rules by the length of the field `Only`. If the lengths are equal, it compares the lengths of the
// field `Method`. Longer values come first.
func precedence(a, b Rule) int {
	return cmp.Or(cmp.Compare(len(b.Only), len(a.Only)), cmp.Compare(len(b.Method), len(a.Method)))
}

// Peek returns the matching fault with the highest precedence, or the zero fault. Unlike Take, Peek does not count
// the request against the limit Rule.Times.
func (s *Set[F]) Peek(match func(F) bool) F {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(match); i >= 0 {
		return s.active[i].fault
	}
	var none F
	return none
}

// Take returns the fault that Peek would return, and counts one request against the limit Rule.Times of this fault.
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
