package cosmosdb

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

func TestFault(t *testing.T) {
	w := serve(t)
	items := w.items(t, nil)
	create := func(id string) error {
		item := bytes.ReplaceAll([]byte(`{"id":"ID","pk":"p"}`), []byte("ID"), []byte(id))
		_, err := items.CreateItem(t.Context(), pk("p"), item, nil)
		return err
	}
	read := func(id string) error {
		_, err := items.ReadItem(t.Context(), pk("p"), id, nil)
		return err
	}
	t.Run("a_throttle_says_when_to_come_back", func(t *testing.T) {
		w.SetFault(Fault{Status: 429, SubStatus: 3200, RetryAfter: 1234 * time.Millisecond, Times: 1})
		err := create("throttled")
		want(t, "create", err, 429)
		answer, _ := errors.AsType[*azcore.ResponseError](err)
		if got := answer.RawResponse.Header.Get("x-ms-retry-after-ms"); got != "1234" {
			t.Errorf("x-ms-retry-after-ms %q", got)
		}
		if got := answer.RawResponse.Header.Get("x-ms-substatus"); got != "3200" {
			t.Errorf("x-ms-substatus %q", got)
		}
		want(t, "read", read("throttled"), 404)
		want(t, "create once the fault is over", create("throttled"), 0)
	})
	t.Run("a_408_after_it_applied_leaves_the_document", func(t *testing.T) {
		w.SetFault(Fault{Status: 408, AfterApply: true, Times: 1})
		want(t, "create", create("late"), 408)
		want(t, "read", read("late"), 0)
	})
	t.Run("a_cut_after_it_applied_leaves_the_document", func(t *testing.T) {
		w.SetFault(Fault{AfterApply: true, Times: 1})
		want(t, "create", create("cut"), -1)
		want(t, "read", read("cut"), 0)
	})
	t.Run("a_fault_of_one_partition_and_method_leaves_the_others_alone", func(t *testing.T) {
		met := 0
		w.SetFault(Fault{Only: "p", Method: "GET", Status: 403, Meet: func() { met++ }})
		defer w.SetFault(Fault{Only: "p", Method: "GET"})
		want(t, "create", create("particular"), 0)
		want(t, "read", read("particular"), 403)
		_, err := items.ReadItem(t.Context(), pk("q"), "particular", nil)
		want(t, "read of another partition", err, 404)
		if met != 1 {
			t.Errorf("met %d times", met)
		}
	})
	t.Run("a_write_that_meets_its_fault_is_applied_first", func(t *testing.T) {
		w.SetFault(Fault{Method: "POST", AfterApply: true, Status: 503, Times: 1, Meet: func() {
			want(t, "read", read("applied"), 0)
		}})
		want(t, "create", create("applied"), 503)
	})
	t.Run("a_fault_without_Times_lasts_until_it_is_mended", func(t *testing.T) {
		w.SetFault(Fault{Status: 503})
		for range 3 {
			want(t, "create", create("down"), 503)
		}
		w.SetFault(Fault{})
		want(t, "create", create("down"), 0)
	})
	t.Run("a_delay_ends_with_the_caller", func(t *testing.T) {
		w.SetFault(Fault{Delay: time.Hour})
		defer w.SetFault(Fault{})
		r, err := http.NewRequest("POST", w.endpoint+"/dbs", nil)
		if err != nil {
			t.Fatal(err)
		}
		impatient := http.Client{Timeout: 20 * time.Millisecond}
		r.Header.Set("x-ms-date", time.Now().UTC().Format(http.TimeFormat))
		r.Header.Set("Authorization", sign(testKey, "POST", "dbs", "", r.Header.Get("x-ms-date")))
		if answer, err := impatient.Do(r); err == nil {
			answer.Body.Close()
			t.Errorf("answered %d", answer.StatusCode)
		}
	}) // and the cleanup's web.Close would hang if the handler still slept
}
