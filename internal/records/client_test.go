package records

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func TestOpen(t *testing.T) {
	for _, c := range []struct{ name, endpoint, key, want string }{
		{"a_key_that_is_not_base64_names_the_setting", "http://127.0.0.1:1", "not base64!", "COSMOS_KEY"},
		{"no_endpoint_names_the_setting", "", "a2V5", "COSMOS_ENDPOINT"},
		{"an_endpoint_without_scheme_names_the_setting", "name.documents.azure.com", "a2V5", "COSMOS_ENDPOINT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Open(c.endpoint, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want it to name %s", err, c.want)
			}
		})
	}
	t.Run("no_key_is_the_default_credential", func(t *testing.T) {
		if _, err := Open("https://name.documents.azure.com", ""); err != nil {
			t.Error(err)
		}
	})
}

// azcosmos retries by itself what it takes for passing; the caller is to decide instead.
func TestOneCallIsOneRequest(t *testing.T) {
	for _, status := range []int{408, 429, 449, 500, 502, 503, 504} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			a := serve(t)
			c := a.open(t)
			r := someRecord(t)
			if err := c.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			a.SetFault(cosmosdb.Fault{Status: status, RetryAfter: 90 * time.Second})
			a.requests.Store(0)
			_, _, err := c.Read(t.Context(), r.ID)
			meets(t, err, nil, status)
			meets(t, c.Create(t.Context(), r), nil, status)
			if got := a.requests.Load(); got != 2 {
				t.Errorf("%d requests for two calls", got)
			}
			answer, _ := errors.AsType[*azcore.ResponseError](err)
			if got := answer.RawResponse.Header.Get("x-ms-retry-after-ms"); got != "90000" {
				t.Errorf("x-ms-retry-after-ms %q", got)
			}
		})
	}
	t.Run("a_cut_connection", func(t *testing.T) {
		a := serve(t)
		c := a.open(t)
		r := someRecord(t)
		a.cut.Store(true)
		if err := c.Create(t.Context(), r); err == nil || strings.Contains(err.Error(), string(r.ID)) {
			t.Errorf("%v, want an error without the picture's ID", err)
		}
		if got := a.requests.Swap(0); got != 1 {
			t.Errorf("%d requests for one Create", got)
		}
		if _, _, err := c.Read(t.Context(), r.ID); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%v, want the lost connection", err)
		}
		if got := a.requests.Load(); got > 2 { // net/http itself repeats a GET once when a kept connection broke
			t.Errorf("%d requests for one Read", got)
		}
		a.cut.Store(false)
		if err := c.Create(t.Context(), r); err != nil {
			t.Errorf("once the connection holds: %v", err)
		}
	})
}

func TestLostAnswers(t *testing.T) {
	for name, fault := range map[string]cosmosdb.Fault{
		"a_408_after_the_write_then_ErrExists": {Status: 408, AfterApply: true, Times: 1},
		"a_cut_after_the_write_then_ErrExists": {AfterApply: true, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t)
			c := a.open(t)
			r := someRecord(t)
			a.SetFault(fault)
			if err := c.Create(t.Context(), r); err == nil || errors.Is(err, ErrExists) {
				t.Fatalf("%v, want the fault", err)
			}
			meets(t, c.Create(t.Context(), r), ErrExists, 409)
			got, _, err := c.Read(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, r)
		})
	}
}

// azcosmos v1.5.0 remembers a failed first question for five minutes.
func TestAccountThatComesBackIsFoundAtOnce(t *testing.T) {
	a := serve(t)
	if err := Provision(t.Context(), a.endpoint, a.key); err != nil {
		t.Fatal(err)
	}
	c, err := Open(a.endpoint, a.key)
	if err != nil {
		t.Fatal(err)
	}
	r := someRecord(t)
	a.SetFault(cosmosdb.Fault{Status: 503})
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if _, _, err := c.Read(t.Context(), r.ID); err == nil || errors.Is(err, ErrNotFound) {
				t.Errorf("read while the account is down: %v", err)
			}
		})
	}
	group.Wait()
	a.SetFault(cosmosdb.Fault{})
	if err := c.Create(t.Context(), r); err != nil {
		t.Errorf("create once it is back: %v", err)
	}
}

func TestFailures(t *testing.T) {
	a := serve(t)
	c := a.open(t)
	id := picture.NewID(time.Now())
	t.Run("a_missing_container_is_not_ErrNotFound", func(t *testing.T) {
		bare := serve(t)
		c, err := Open(bare.endpoint, bare.key)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.Read(t.Context(), id)
		meets(t, err, nil, 404)
		if errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "Owner resource") {
			t.Error(err)
		}
	})
	t.Run("a_missing_account_is_not_ErrNotFound", func(t *testing.T) {
		other := serve(t)
		other.SetFault(cosmosdb.Fault{Status: 404})
		c, err := Open(other.endpoint, other.key)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.Read(t.Context(), id)
		meets(t, err, nil, 404)
		if errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
	t.Run("another_key_is_401", func(t *testing.T) {
		c, err := Open(a.endpoint, "a2V5")
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.Read(t.Context(), id)
		meets(t, err, nil, 401)
	})
	t.Run("a_deadline_is_a_deadline", func(t *testing.T) {
		if _, _, err := c.Read(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		a.SetFault(cosmosdb.Fault{Delay: time.Hour})
		defer a.SetFault(cosmosdb.Fault{})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, _, err := c.Read(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
