package faults_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"triptych/emulators/faults"
)

type fault struct {
	rule faults.Rule
	name string
}

func (f fault) Rule() faults.Rule { return f.rule }

func matching(key, method string) func(fault) bool {
	return func(f fault) bool {
		return strings.Contains(key, f.rule.Only) && (f.rule.Method == "" || f.rule.Method == method)
	}
}

func TestSet(t *testing.T) {
	var s faults.Set[fault]
	expect := func(t *testing.T, key, method, want string) {
		t.Helper()
		if got := s.Take(matching(key, method)).name; got != want {
			t.Errorf("%s %s: fault %q, want %q", method, key, got, want)
		}
	}
	t.Run("an_empty_set_has_no_fault", func(t *testing.T) { expect(t, "a", "GET", "") })

	s.Put(fault{name: "all"})
	s.Put(fault{faults.Rule{Method: "GET"}, "GET"})
	s.Put(fault{faults.Rule{Only: "a"}, "a"})
	s.Put(fault{faults.Rule{Only: "a", Method: "PUT"}, "PUT a"})
	t.Run("the_most_specific_fault_applies", func(t *testing.T) {
		expect(t, "b", "PUT", "all")
		expect(t, "b", "GET", "GET")
		expect(t, "a", "GET", "a")
		expect(t, "a", "PUT", "PUT a")
	})
	t.Run("Put_replaces_the_fault_with_the_same_Only_and_Method", func(t *testing.T) {
		s.Put(fault{faults.Rule{Only: "a"}, "new"})
		expect(t, "a", "GET", "new")
		expect(t, "a", "PUT", "PUT a")
		expect(t, "b", "GET", "GET")
	})
	t.Run("a_fault_ends_after_Times_requests", func(t *testing.T) {
		s.Put(fault{faults.Rule{Only: "twice", Times: 2}, "twice"})
		for _, want := range []string{"twice", "twice", "all"} {
			expect(t, "twice", "PUT", want)
		}
	})
	t.Run("Peek_does_not_count_against_Times", func(t *testing.T) {
		s.Put(fault{faults.Rule{Only: "once", Times: 1}, "once"})
		if got := s.Peek(matching("once", "PUT")).name; got != "once" {
			t.Errorf("Peek returned %q", got)
		}
		expect(t, "once", "PUT", "once")
		expect(t, "once", "PUT", "all")
	})
}

func TestWait(t *testing.T) {
	t.Run("OnMatch_is_called_before_the_delay", func(t *testing.T) {
		calls := 0
		start := time.Now()
		rule := faults.Rule{Delay: 10 * time.Millisecond, OnMatch: func() { calls++ }}
		if err := rule.Wait(t.Context()); err != nil || calls != 1 || time.Since(start) < rule.Delay {
			t.Errorf("error %v, %d calls, waited %s", err, calls, time.Since(start))
		}
	})
	t.Run("the_delay_ends_with_the_context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		rule := faults.Rule{Delay: time.Hour, OnMatch: cancel}
		if err := rule.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}
