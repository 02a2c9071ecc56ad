package records

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

var evening = time.Date(2026, 11, 27, 23, 0, 0, 0, time.UTC)

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

// takeAll returns the number of calls that the limit still allows.
func takeAll(t *testing.T, b *DailyLimit, now time.Time) (taken int) {
	t.Helper()
	for {
		_, err := b.Take(t.Context(), at(now))
		if e, ok := errors.AsType[*picture.Error](err); ok && e.Kind == picture.Throttled && e.Cloud == picture.Google {
			return taken
		}
		if err != nil {
			t.Fatal(err)
		}
		taken++
	}
}

func TestDailyLimit(t *testing.T) {
	for name, perDay := range map[string]int{"0": 0, "1": 1, "2": 2, "250": 250} {
		t.Run("limit_of_"+name+"_allows_exactly_as_many_calls", func(t *testing.T) {
			b := &DailyLimit{Records: startEmulator(t).provision(t), PerDay: perDay}
			for range 2 {
				if taken := takeAll(t, b, evening); taken != perDay {
					t.Fatalf("%d calls", taken)
				}
				perDay = 0
			}
		})
	}
	t.Run("concurrent_workers_use_the_limit_and_never_exceed_it", func(t *testing.T) {
		a := startEmulator(t)
		a.provision(t)
		var taken atomic.Int64
		var group sync.WaitGroup
		for range 8 {
			b := &DailyLimit{Records: open(t, a.config()), PerDay: 1000}
			for range 4 {
				group.Go(func() { taken.Add(int64(takeAll(t, b, evening))) })
			}
		}
		group.Wait()
		if taken.Load() != 1000 {
			t.Errorf("%d calls, want 1000", taken.Load())
		}
	})
	for name, fault := range map[string]cosmosdb.Fault{
		"lost_response_of_the_first_reservation": {Status: 408, AfterApply: true, Times: 1, Method: http.MethodPost},
		"lost_response_of_a_later_reservation":   {AfterApply: true, Times: 1, Method: http.MethodPut},
		"failed_reservation":                     {Status: 503, Times: 1, Method: http.MethodPut},
	} {
		t.Run(name+"_wastes_at_most_one_block", func(t *testing.T) {
			a := startEmulator(t)
			b := &DailyLimit{Records: a.provision(t), PerDay: 300}
			a.SetFault(fault)
			taken, failed := 0, 0
			for {
				_, err := b.Take(t.Context(), at(evening))
				if e, ok := errors.AsType[*picture.Error](err); ok && e.Kind == picture.Unavailable && e.Cloud == picture.Azure {
					failed++
				} else if err != nil {
					break
				} else {
					taken++
				}
			}
			if failed != 1 || taken > 300 || taken < 297 {
				t.Errorf("%d calls, %d failures, want 297 to 300 calls and 1 failure", taken, failed)
			}
		})
	}
	t.Run("crashed_workers_waste_their_blocks_and_the_limit_is_not_exceeded", func(t *testing.T) {
		a := startEmulator(t)
		a.provision(t)
		taken := 0
		for range 100 {
			if _, err := (&DailyLimit{Records: open(t, a.config()), PerDay: 200}).Take(t.Context(), at(evening)); err != nil {
				t.Fatal(err)
			}
			taken++
		}
		taken += takeAll(t, &DailyLimit{Records: open(t, a.config()), PerDay: 200}, evening)
		if taken != 100 { // blocks of two calls, of which each crashed worker made one
			t.Errorf("%d calls", taken)
		}
	})
	t.Run("next_UTC_day_starts_anew_without_the_rest_of_the_old_block", func(t *testing.T) {
		b := &DailyLimit{Records: startEmulator(t).provision(t), PerDay: 1000}
		if _, err := b.Take(t.Context(), at(evening)); err != nil || b.left != 9 {
			t.Fatalf("%d left, %v", b.left, err)
		}
		midnight := evening.Add(time.Hour).In(time.FixedZone("", -5*3600))
		if taken := takeAll(t, b, midnight); taken != 1000 {
			t.Errorf("%d calls on the next day", taken)
		}
		// A late call of the first day uses the first day's limit, of which the block is wasted.
		if taken := takeAll(t, b, evening); taken != 990 {
			t.Errorf("%d more calls on the first day, want 990", taken)
		}
	})
	t.Run("clock_that_was_wrong_for_one_call_takes_only_that_day's_calls", func(t *testing.T) {
		b := &DailyLimit{Records: startEmulator(t).provision(t), PerDay: 2}
		if taken := takeAll(t, b, evening.AddDate(4, 0, 0)); taken != 2 {
			t.Fatalf("%d calls in four years", taken)
		}
		if taken := takeAll(t, b, evening); taken != 2 {
			t.Errorf("%d calls after the clock was corrected", taken)
		}
	})
	t.Run("refunded_call_can_be_made_again_on_the_same_day", func(t *testing.T) {
		b := &DailyLimit{Records: startEmulator(t).provision(t), PerDay: 2}
		refund, err := b.Take(t.Context(), at(evening))
		if err != nil {
			t.Fatal(err)
		}
		refund()
		if refund, err = b.Take(t.Context(), at(evening)); err != nil {
			t.Fatal(err)
		}
		if taken := takeAll(t, b, evening); taken != 1 {
			t.Errorf("%d calls after one that counts", taken)
		}
		if taken := takeAll(t, b, evening.Add(time.Hour)); taken != 2 {
			t.Errorf("%d calls on the next day", taken)
		}
		refund() // of the day before
		if taken := takeAll(t, b, evening.Add(time.Hour)); taken != 0 {
			t.Errorf("%d calls after the limit", taken)
		}
	})
	t.Run("raised_limit_allows_the_difference", func(t *testing.T) {
		c := startEmulator(t).provision(t)
		if taken := takeAll(t, &DailyLimit{Records: c, PerDay: 2}, evening); taken != 2 {
			t.Fatalf("%d calls", taken)
		}
		if taken := takeAll(t, &DailyLimit{Records: c, PerDay: 5}, evening); taken != 3 {
			t.Errorf("%d calls after the limit was raised from 2 to 5", taken)
		}
	})
	t.Run("wait_ends_shortly_after_00:00_UTC", func(t *testing.T) {
		b := &DailyLimit{Records: startEmulator(t).provision(t)}
		_, err := b.Take(t.Context(), at(evening))
		e, ok := errors.AsType[*picture.Error](err)
		if !ok || e.RetryAfter < time.Hour || e.RetryAfter > time.Hour+time.Minute {
			t.Errorf("%+v", e)
		}
	})
	t.Run("unreachable_Cosmos_DB_allows_no_call_and_blocks_no_other_caller_for_long", func(t *testing.T) {
		a := startEmulator(t)
		b := &DailyLimit{Records: a.provision(t), PerDay: 1000}
		a.SetFault(cosmosdb.Fault{Delay: time.Hour})
		began := time.Now()
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				_, err := b.Take(t.Context(), at(evening))
				e, ok := errors.AsType[*picture.Error](err)
				if !ok || e.Kind != picture.Unavailable || e.Cloud != picture.Azure {
					t.Errorf("%+v, want Azure to be unavailable", e)
				}
			})
		}
		group.Wait()
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("ten callers waited %s", took)
		}
	})
}
