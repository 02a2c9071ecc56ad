package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestFault(t *testing.T) {
	l := startLambda(t)
	s := start(t, t.TempDir(), l.URL)
	put(t, s, "pictures/a.jpg", picture)
	l.next(t)
	set := func(t *testing.T, body string, status int) {
		t.Helper()
		if resp := do(t, "PUT", s.control, nil, body); resp.StatusCode != status {
			t.Fatalf("PUT /fault %s: %s %s, want %d", body, resp.Status, text(t, resp), status)
		}
	}
	get := func() string {
		_, err := s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("pictures/a.jpg")})
		return code(err)
	}
	upload := func() string {
		_, err := s.PutObject(t.Context(), once("pictures/b.jpg"))
		return code(err)
	}
	for _, tt := range []struct {
		name, fault string
		get, upload string
	}{
		{"a_throttled_S3_says_SlowDown", `{"status":503,"code":"SlowDown"}`, "SlowDown", "SlowDown"},
		{"a_status_has_its_usual_code", `{"status":500}`, "InternalError", "InternalError"},
		{"only_the_named_operation_fails", `{"status":403,"code":"AccessDenied","operations":["PutObject"]}`, "", "AccessDenied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set(t, tt.fault, 204)
			if got := get(); got != tt.get {
				t.Errorf("GET: %q, want %q", got, tt.get)
			}
			if got := upload(); got != tt.upload {
				t.Errorf("PUT: %q, want %q", got, tt.upload)
			}
		})
	}
	t.Run("it_passes_after_the_given_times", func(t *testing.T) {
		set(t, `{"status":503,"code":"SlowDown","times":2}`, 204)
		if first, second, third := get(), get(), get(); first != "SlowDown" || second != "SlowDown" || third != "" {
			t.Errorf("GET: %q, %q, %q; want two SlowDown", first, second, third)
		}
	})
	t.Run("a_delay_alone_lets_the_request_pass", func(t *testing.T) {
		set(t, `{"delay":"10ms"}`, 204)
		if got := get(); got != "" {
			t.Errorf("GET: %q", got)
		}
	})
	t.Run("one_of_one_object_leaves_the_others_alone", func(t *testing.T) {
		set(t, `{}`, 204)
		set(t, `{"only":"b.jpg","status":503,"code":"SlowDown"}`, 204)
		defer set(t, `{"only":"b.jpg"}`, 204)
		if first, then := get(), upload(); first != "" || then != "SlowDown" {
			t.Errorf("GET of the other: %q; PUT: %q, want SlowDown", first, then)
		}
	})
	t.Run("it_is_cleared", func(t *testing.T) {
		set(t, `{"status":503,"code":"SlowDown"}`, 204)
		set(t, `{}`, 204)
		if got := get(); got != "" {
			t.Errorf("GET: %q", got)
		}
	})
	t.Run("events_get_lost", func(t *testing.T) {
		set(t, `{"events":"drop"}`, 204)
		put(t, s, "pictures/lost.jpg", picture)
		set(t, `{}`, 204)
		put(t, s, "pictures/told.jpg", picture)
		if got := l.next(t).S3.Object.URLDecodedKey; got != "pictures/told.jpg" {
			t.Errorf("event of %q", got)
		}
	})
	for name, fault := range map[string]string{
		"an_unknown_operation_is_refused": `{"status":503,"operations":["Frobnicate"]}`,
		"an_unknown_field_is_refused":     `{"statsu":503}`,
		"a_success_is_no_fault":           `{"status":200}`,
		"a_status_needs_a_code":           `{"status":418}`,
		"a_bad_delay_is_refused":          `{"delay":"soon"}`,
		"negative_times_are_refused":      `{"status":503,"times":-1}`,
		"unknown_events_are_refused":      `{"events":"twice"}`,
	} {
		t.Run(name, func(t *testing.T) { set(t, fault, 400) })
	}
}
