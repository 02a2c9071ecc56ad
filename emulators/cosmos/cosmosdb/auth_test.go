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

// Microsoft's example: https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
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
	s.Admit("eyJhZG1pdHRlZCI", DataContributor)
	signed, err := http.ParseTime(date)
	if err != nil {
		t.Fatal(err)
	}
	valid := url.QueryEscape("type=master&ver=1.0&sig=" + signature)
	for _, c := range []struct {
		name, authorization, date string
		now                       time.Time
		want                      int
	}{
		{"valid_signature_is_accepted", valid, date, signed, 404},
		{"signature_14_minutes_old_is_accepted", valid, date, signed.Add(14 * time.Minute), 404},
		{"signature_16_minutes_old_is_403", valid, date, signed.Add(16 * time.Minute), 403},
		{"signature_7_minutes_ahead_is_403", valid, date, signed.Add(-7 * time.Minute), 403},
		{"missing_authorization_is_401", "", date, signed, 401},
		{"missing_date_is_401", valid, "", signed, 401},
		{"date_that_was_not_signed_is_401", valid, "Thu, 27 Apr 2017 00:51:13 GMT", signed, 401},
		{"date_in_ISO_8601_is_401", valid, "2017-04-27T00:51:12Z", signed, 401},
		{"wrong_signature_is_401", url.QueryEscape("type=master&ver=1.0&sig=" + strings.Replace(signature, "c", "d", 1)), date, signed, 401},
		{"signature_that_is_not_base64_is_401", url.QueryEscape("type=master&ver=1.0&sig=!"), date, signed, 401},
		{"unknown_Entra_ID_token_is_401", url.QueryEscape("type=aad&ver=1.0&sig=eyJ0eXAi"), date, signed, 401},
		{"admitted_Entra_ID_token_is_accepted", "type=aad&ver=1.0&sig=eyJhZG1pdHRlZCI", "", signed, 404},
		{"resource_token_is_401", url.QueryEscape("type=resource&ver=1.0&sig=" + signature), date, signed, 401},
		{"bearer_token_is_401", "Bearer eyJ0eXAi", date, signed, 401},
		{"version_2.0_is_401", url.QueryEscape("type=master&ver=2.0&sig=" + signature), date, signed, 401},
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
				t.Errorf("the error body must have a code and a message: %s", w.Body)
			}
		})
	}
	t.Run("signature_by_another_key_is_401", func(t *testing.T) {
		e := newEmulator(t)
		_, err := connect(t, e.endpoint, newKey()).CreateDatabase(t.Context(), azcosmos.DatabaseProperties{ID: "db"}, nil)
		expectStatus(t, "create", err, http.StatusUnauthorized)
	})
	t.Run("Entra_ID_token_cannot_create_a_database", func(t *testing.T) {
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
