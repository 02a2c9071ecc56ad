package objects

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"triptych/picture"
)

// Credentials come as a container of AWS gets them, and the SDK takes five minutes off.
func TestSignGetWithExpiringCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		last   time.Duration // of the first credentials
		status int           // of the answer to who asks again
		signed time.Duration // how long the URL lives, to a second
	}{
		"that_live_long_are_kept":               {last: time.Hour, status: http.StatusOK, signed: 15 * time.Minute},
		"that_live_shorter_than_the_URL_do_too": {last: 10 * time.Minute, status: http.StatusOK, signed: 10 * time.Minute},
		"that_are_about_to_expire_are_renewed":  {last: 30 * time.Second, status: http.StatusOK, signed: 15 * time.Minute},
		"that_cannot_be_renewed_yet_are_used":   {last: 30 * time.Second, status: http.StatusServiceUnavailable, signed: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				lasts := c.last
				if asked.Add(1) > 1 {
					lasts = time.Hour
					w.WriteHeader(c.status)
				}
				fmt.Fprintf(w, `{"AccessKeyId":"key","SecretAccessKey":"secret","Expiration":%q}`,
					time.Now().UTC().Add(5*time.Minute+lasts).Format(time.RFC3339Nano))
			}))
			t.Cleanup(container.Close)
			for _, variable := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
				t.Setenv(variable, "")
			}
			t.Setenv("AWS_CONFIG_FILE", "/dev/null")
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
			t.Setenv("AWS_REGION", "eu-central-1")
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.URL)
			client, err := Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, expires, err := SignGet(t.Context(), client, picture.Picture{Bucket: "bucket", Key: "key"}, 15*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if lives := expires.Sub(began); lives < c.signed-time.Second || lives > c.signed+time.Minute {
				t.Errorf("the URL lives %s, want %s", lives, c.signed)
			}
		})
	}
}
