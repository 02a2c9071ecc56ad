package records

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func TestOpen(t *testing.T) {
	for _, c := range []struct{ name, endpoint, key, want string }{
		{"key_that_is_not_base64_names_the_setting", "http://127.0.0.1:1", "not base64!", "COSMOS_KEY"},
		{"missing_endpoint_names_the_setting", "", "a2V5", "COSMOS_ENDPOINT"},
		{"endpoint_without_scheme_names_the_setting", "name.documents.azure.com", "a2V5", "COSMOS_ENDPOINT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Open(Config{Endpoint: c.endpoint, Key: c.key}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want it to name %s", err, c.want)
			}
		})
	}
	for name, endpoint := range map[string]string{
		"connection_string":           "AccountEndpoint=https://name.documents.azure.com:443/;AccountKey=c2VjcmV0;",
		"rest_of_a_connection_string": "https://name.documents.azure.com:443/;AccountKey=c2VjcmV0;",
		"key_in_the_query":            "https://name.documents.azure.com?AccountKey=c2VjcmV0",
		"key_as_a_password":           "https://name:c2VjcmV0@name.documents.azure.com",
		"other_scheme":                "ftp://name.documents.azure.com/c2VjcmV0",
		"path":                        "https://name.documents.azure.com/c2VjcmV0",
		"space":                       "https://name.documents.azure.com c2VjcmV0",
		"only_a_port":                 "https://:443",
	} {
		t.Run(name+"_is_refused_and_not_in_the_error", func(t *testing.T) {
			_, err := Open(Config{Endpoint: endpoint, Key: "a2V5"})
			if err == nil || !strings.Contains(err.Error(), "COSMOS_ENDPOINT must be the URI of the account") || strings.Contains(err.Error(), "c2VjcmV0") {
				t.Errorf("the error is %v", err)
			}
		})
	}
	for _, endpoint := range []string{"https://name.documents.azure.com:443/", "http://127.0.0.1:8081", "http://[::1]:8081"} {
		t.Run(endpoint+"_is_accepted", func(t *testing.T) {
			if _, err := Open(Config{Endpoint: endpoint, Key: "a2V5"}); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("missing_key_selects_the_default_credential", func(t *testing.T) {
		if _, err := Open(Config{Endpoint: "https://name.documents.azure.com"}); err != nil {
			t.Error(err)
		}
	})
}

func TestOneRequestPerCall(t *testing.T) {
	for _, status := range []int{408, 429, 449, 500, 502, 503, 504} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			a := startEmulator(t)
			c := a.provision(t)
			r := newRecord(t)
			if err := c.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			a.SetFault(cosmosdb.Fault{Status: status, RetryAfter: 90 * time.Second})
			a.requests.Store(0)
			_, _, err := c.Read(t.Context(), r.ID)
			checkError(t, err, nil, status)
			checkError(t, c.Create(t.Context(), r), nil, status)
			if got := a.requests.Load(); got != 2 {
				t.Errorf("%d requests for two calls", got)
			}
			if got := Explain(err).RetryAfter; got != 90*time.Second {
				t.Errorf("retry after %s", got)
			}
		})
	}
	t.Run("closed_connection", func(t *testing.T) {
		a := startEmulator(t)
		c := a.provision(t)
		r := newRecord(t)
		a.closeConnections.Store(true)
		if err := c.Create(t.Context(), r); err == nil || !strings.Contains(err.Error(), "connecting to Cosmos DB") {
			t.Errorf("%v, want a connection error", err)
		}
		if got := a.requests.Swap(0); got != 1 {
			t.Errorf("%d requests for one Create", got)
		}
		if _, _, err := c.Read(t.Context(), r.ID); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%v, want a connection error", err)
		}
		if got := a.requests.Load(); got > 2 { // net/http repeats a GET once if an idle connection was closed
			t.Errorf("%d requests for one Read", got)
		}
		a.closeConnections.Store(false)
		if err := c.Create(t.Context(), r); err != nil {
			t.Errorf("after the connection is back: %v", err)
		}
	})
}

func TestLostResponse(t *testing.T) {
	for name, fault := range map[string]cosmosdb.Fault{
		"second_Create_fails_after_408":                 {Status: 408, AfterApply: true, Times: 1},
		"second_Create_fails_after_a_closed_connection": {AfterApply: true, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := startEmulator(t)
			c := a.provision(t)
			r := newRecord(t)
			a.SetFault(fault)
			if err := c.Create(t.Context(), r); err == nil || errors.Is(err, ErrExists) {
				t.Fatalf("%v, want the fault", err)
			}
			checkError(t, c.Create(t.Context(), r), ErrExists, 409)
			got, _, err := c.Read(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			checkEqual(t, got, r)
		})
	}
}

func TestAccountIsUsedAsSoonAsItIsBack(t *testing.T) {
	a := startEmulator(t)
	c := a.provision(t)
	r := newRecord(t)
	a.SetFault(cosmosdb.Fault{Status: 503})
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if _, _, err := c.Read(t.Context(), r.ID); err == nil || errors.Is(err, ErrNotFound) {
				t.Errorf("Read while the account is down: %v", err)
			}
		})
	}
	group.Wait()
	a.SetFault(cosmosdb.Fault{})
	if err := c.Create(t.Context(), r); err != nil {
		t.Errorf("Create after the account is back: %v", err)
	}
}

// Status 403 can mean that another region now accepts the writes. The account document names this region.
func TestAccountIsReadAgainAfter403(t *testing.T) {
	a := startEmulator(t)
	c := a.provision(t)
	a.SetFault(cosmosdb.Fault{Status: 403, Times: 1})
	for _, want := range []int32{1, 2, 2} {
		if _, _, err := c.Read(t.Context(), picture.NewID(time.Now(), rand.Text())); err == nil {
			t.Fatal("the Read succeeded")
		}
		if got := a.accountRequests.Load(); got != want {
			t.Errorf("%d requests for the account document, want %d", got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	a := startEmulator(t)
	c := a.provision(t)
	id := picture.NewID(time.Now(), rand.Text())
	t.Run("missing_container_is_not_ErrNotFound", func(t *testing.T) {
		_, _, err := open(t, startEmulator(t).config()).Read(t.Context(), id)
		checkError(t, err, nil, 404)
		if errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "Owner resource") {
			t.Error(err)
		}
	})
	t.Run("missing_account_is_not_ErrNotFound", func(t *testing.T) {
		other := startEmulator(t)
		other.SetFault(cosmosdb.Fault{Status: 404})
		_, _, err := open(t, other.config()).Read(t.Context(), id)
		checkError(t, err, nil, 404)
		if errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
	t.Run("wrong_key_is_401", func(t *testing.T) {
		_, _, err := open(t, Config{Endpoint: a.endpoint, Key: "a2V5"}).Read(t.Context(), id)
		checkError(t, err, nil, 401)
	})
	t.Run("deadline_is_reported_as_such", func(t *testing.T) {
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

func TestSlowAccountDocumentIsReadOnce(t *testing.T) {
	a := startEmulator(t)
	a.accountGate = make(chan struct{})
	c := a.provision(t)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, _, err := c.Read(ctx, "unknown"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
	}
	close(a.accountGate)
	if _, _, err := c.Read(t.Context(), "unknown"); !errors.Is(err, ErrNotFound) || a.accountRequests.Load() != 1 {
		t.Errorf("%v after %d requests for the account document", err, a.accountRequests.Load())
	}
}
