package settings_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"triptych/internal/objects"
	"triptych/internal/settings"
	"triptych/picture"
)

func TestSignGetWithExpiringCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		lifetime    time.Duration // of the first credentials
		renewal     int           // HTTP status of all later requests for credentials
		urlLifetime time.Duration
	}{
		"long_lived_credentials_are_used":           {lifetime: time.Hour, renewal: http.StatusOK, urlLifetime: 15 * time.Minute},
		"URL_expires_with_its_credentials":          {lifetime: 10 * time.Minute, renewal: http.StatusOK, urlLifetime: 10 * time.Minute},
		"expiring_credentials_are_renewed":          {lifetime: 30 * time.Second, renewal: http.StatusOK, urlLifetime: 15 * time.Minute},
		"old_credentials_are_used_if_renewal_fails": {lifetime: 30 * time.Second, renewal: http.StatusServiceUnavailable, urlLifetime: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				lifetime := c.lifetime
				if requests.Add(1) > 1 {
					lifetime = time.Hour
					w.WriteHeader(c.renewal)
				}
				fmt.Fprintf(w, `{"AccessKeyId":"key","SecretAccessKey":"secret","Expiration":%q}`,
					time.Now().UTC().Add(5*time.Minute+lifetime).Format(time.RFC3339Nano))
			}))
			t.Cleanup(container.Close)
			for _, variable := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
				t.Setenv(variable, "")
			}
			t.Setenv("AWS_CONFIG_FILE", "/dev/null")
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
			t.Setenv("AWS_REGION", "eu-central-1")
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.URL)
			s, err := settings.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			started := time.Now()
			_, expires, err := objects.SignGet(t.Context(), objects.Open(s.AWS), picture.Picture{Bucket: "bucket", Key: "key"}, 15*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if lifetime := expires.Sub(started); lifetime < c.urlLifetime-time.Second || lifetime > c.urlLifetime+time.Minute {
				t.Errorf("the URL is valid for %s, want %s", lifetime, c.urlLifetime)
			}
		})
	}
}
