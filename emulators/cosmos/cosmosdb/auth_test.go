package cosmosdb

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// The signature is Microsoft's own example, from access-control-on-cosmosdb-resources.
func TestAuthorization(t *testing.T) {
	const (
		key       = "dsZQi3KtZmCv1ljt3VNWNm7sQUF1y5rJfC6kv5JiwvW0EndXdDku/dkKBp8/ufDToSxLzR4y+O/0H/t4bQtVNw=="
		date      = "Thu, 27 Apr 2017 00:51:12 GMT"
		signature = "c09PEVJrgp2uQRkr934kFbTqhByc7TVr3OHyqlu+c+c="
	)
	s, err := Open(filepath.Join(t.TempDir(), "cosmos.db"), key)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Admit("eyJhZG1pdHRlZCI")
	signed, err := http.ParseTime(date)
	if err != nil {
		t.Fatal(err)
	}
	good := url.QueryEscape("type=master&ver=1.0&sig=" + signature)
	for _, c := range []struct {
		name, authorization, date string
		now                       time.Time
		want                      int
	}{
		{"a_good_signature_passes", good, date, signed, 404},
		{"a_signature_of_14_minutes_passes", good, date, signed.Add(14 * time.Minute), 404},
		{"a_signature_of_16_minutes_is_403", good, date, signed.Add(16 * time.Minute), 403},
		{"a_signature_from_the_future_is_403", good, date, signed.Add(-7 * time.Minute), 403},
		{"no_authorization_is_401", "", date, signed, 401},
		{"no_date_is_401", good, "", signed, 401},
		{"another_date_is_401", good, "Thu, 27 Apr 2017 00:51:13 GMT", signed, 401},
		{"a_date_in_another_format_is_401", good, "2017-04-27T00:51:12Z", signed, 401},
		{"a_wrong_signature_is_401", url.QueryEscape("type=master&ver=1.0&sig=" + strings.Replace(signature, "c", "d", 1)), date, signed, 401},
		{"a_signature_that_is_not_base64_is_401", url.QueryEscape("type=master&ver=1.0&sig=!"), date, signed, 401},
		{"an_unknown_Entra_ID_token_is_401", url.QueryEscape("type=aad&ver=1.0&sig=eyJ0eXAi"), date, signed, 401},
		{"an_admitted_Entra_ID_token_passes", "type=aad&ver=1.0&sig=eyJhZG1pdHRlZCI", "", signed, 404},
		{"a_resource_token_is_401", url.QueryEscape("type=resource&ver=1.0&sig=" + signature), date, signed, 401},
		{"a_bearer_token_is_401", "Bearer eyJ0eXAi", date, signed, 401},
		{"another_version_is_401", url.QueryEscape("type=master&ver=2.0&sig=" + signature), date, signed, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.now = func() time.Time { return c.now }
			r := httptest.NewRequest("GET", "/dbs/ToDoList", nil)
			r.Header.Set("x-ms-version", "2018-12-31")
			r.Header.Set("x-ms-date", c.date)
			r.Header.Set("Authorization", c.authorization)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
			var body struct{ Code, Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Code == "" || body.Message == "" {
				t.Errorf("the error body has no code and message: %s", w.Body)
			}
		})
	}
	t.Run("another_key_is_401", func(t *testing.T) {
		w := serve(t)
		_, err := connect(t, w.endpoint, newKey()).CreateDatabase(t.Context(), azcosmos.DatabaseProperties{ID: "db"}, nil)
		want(t, "create", err, http.StatusUnauthorized)
	})
	t.Run("an_Entra_ID_token_makes_no_database", func(t *testing.T) {
		r := httptest.NewRequest("POST", "/dbs", strings.NewReader(`{"id":"db"}`))
		r.Header.Set("x-ms-version", "2018-12-31")
		r.Header.Set("Authorization", "type=aad&ver=1.0&sig=eyJhZG1pdHRlZCI")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || w.Header().Get("x-ms-substatus") != "5300" {
			t.Errorf("%d, sub-status %s: %s", w.Code, w.Header().Get("x-ms-substatus"), w.Body)
		}
	})
}
