package cosmosdb

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

func TestFault(t *testing.T) {
	e := newEmulator(t)
	items := e.newContainer(t)
	create := func(id string) error {
		_, err := items.CreateItem(t.Context(), partition(id), item(id), nil)
		return err
	}
	read := func(id string) error {
		_, err := items.ReadItem(t.Context(), partition(id), id, nil)
		return err
	}
	t.Run("throttling_response_has_retry-after_and_sub-status", func(t *testing.T) {
		e.SetFault(Fault{Status: 429, SubStatus: 3200, RetryAfter: 1234 * time.Millisecond, Times: 1})
		err := create("throttled")
		expectStatus(t, "create", err, 429)
		failure, _ := errors.AsType[*azcore.ResponseError](err)
		if got := failure.RawResponse.Header.Get("x-ms-retry-after-ms"); got != "1234" {
			t.Errorf("x-ms-retry-after-ms %q", got)
		}
		if got := failure.RawResponse.Header.Get("x-ms-substatus"); got != "3200" {
			t.Errorf("x-ms-substatus %q", got)
		}
		expectStatus(t, "read", read("throttled"), 404)
		expectStatus(t, "create after the fault", create("throttled"), 0)
	})
	t.Run("408_after_the_write_was_applied_leaves_the_document", func(t *testing.T) {
		e.SetFault(Fault{Status: 408, AfterApply: true, Times: 1})
		expectStatus(t, "create", create("late"), 408)
		expectStatus(t, "read", read("late"), 0)
	})
	t.Run("connection_closed_after_the_write_was_applied_leaves_the_document", func(t *testing.T) {
		e.SetFault(Fault{AfterApply: true, Times: 1})
		expectStatus(t, "create", create("cut"), -1)
		expectStatus(t, "read", read("cut"), 0)
	})
	t.Run("fault_with_Only_and_Method_applies_to_no_other_request", func(t *testing.T) {
		matches := 0
		e.SetFault(Fault{Only: "this", Method: "GET", Status: 403, OnMatch: func() { matches++ }})
		defer e.SetFault(Fault{Only: "this", Method: "GET"})
		expectStatus(t, "create", create("this"), 0)
		expectStatus(t, "read", read("this"), 403)
		expectStatus(t, "read of another document", read("that"), 404)
		if matches != 1 {
			t.Errorf("OnMatch was called %d times", matches)
		}
	})
	t.Run("AfterApply_writes_the_document_before_OnMatch", func(t *testing.T) {
		e.SetFault(Fault{Method: "POST", AfterApply: true, Status: 503, Times: 1, OnMatch: func() {
			expectStatus(t, "read", read("applied"), 0)
		}})
		expectStatus(t, "create", create("applied"), 503)
	})
	t.Run("fault_without_Times_lasts_until_it_is_replaced", func(t *testing.T) {
		e.SetFault(Fault{Status: 503})
		for range 3 {
			expectStatus(t, "create", create("down"), 503)
		}
		e.SetFault(Fault{})
		expectStatus(t, "create", create("down"), 0)
	})
	t.Run("delay_ends_when_the_client_disconnects", func(t *testing.T) {
		e.SetFault(Fault{Delay: time.Hour})
		defer e.SetFault(Fault{})
		r, err := http.NewRequest("POST", e.endpoint+"/dbs", nil)
		if err != nil {
			t.Fatal(err)
		}
		client := http.Client{Timeout: 20 * time.Millisecond}
		r.Header.Set("x-ms-date", time.Now().UTC().Format(http.TimeFormat))
		r.Header.Set("Authorization", sign(testKey, "POST", "dbs", "", r.Header.Get("x-ms-date")))
		if res, err := client.Do(r); err == nil {
			res.Body.Close()
			t.Errorf("status %d, want a timeout", res.StatusCode)
		}
	}) // if the handler were still waiting, the cleanup's web.Close would hang
}
