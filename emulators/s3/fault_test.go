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
		{"fault_sets_status_and_code", `{"status":503,"code":"SlowDown"}`, "SlowDown", "SlowDown"},
		{"status_without_a_code_gets_the_usual_code", `{"status":500}`, "InternalError", "InternalError"},
		{"conditional_PUT_can_conflict", `{"status":409,"operations":["PutObject"]}`, "", "ConditionalRequestConflict"},
		{"fault_with_operations_applies_to_no_other_operation", `{"status":403,"code":"AccessDenied","operations":["PutObject"]}`, "", "AccessDenied"},
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
	t.Run("requests_succeed_after_Times", func(t *testing.T) {
		set(t, `{"status":503,"code":"SlowDown","times":2}`, 204)
		if first, second, third := get(), get(), get(); first != "SlowDown" || second != "SlowDown" || third != "" {
			t.Errorf("GET: %q, %q, %q; want two SlowDown", first, second, third)
		}
	})
	t.Run("request_with_a_delay_succeeds", func(t *testing.T) {
		set(t, `{"delay":"10ms"}`, 204)
		if got := get(); got != "" {
			t.Errorf("GET: %q", got)
		}
	})
	t.Run("fault_with_Only_applies_to_no_other_object", func(t *testing.T) {
		set(t, `{}`, 204)
		set(t, `{"only":"b.jpg","status":503,"code":"SlowDown"}`, 204)
		defer set(t, `{"only":"b.jpg"}`, 204)
		if first, then := get(), upload(); first != "" || then != "SlowDown" {
			t.Errorf("GET of another object: %q; PUT: %q, want SlowDown", first, then)
		}
	})
	t.Run("empty_fault_clears_the_fault", func(t *testing.T) {
		set(t, `{"status":503,"code":"SlowDown"}`, 204)
		set(t, `{}`, 204)
		if got := get(); got != "" {
			t.Errorf("GET: %q", got)
		}
	})
	t.Run("events_are_dropped", func(t *testing.T) {
		set(t, `{"events":"drop"}`, 204)
		put(t, s, "pictures/lost.jpg", picture)
		set(t, `{}`, 204)
		put(t, s, "pictures/announced.jpg", picture)
		if got := l.next(t).S3.Object.URLDecodedKey; got != "pictures/announced.jpg" {
			t.Errorf("event of %q", got)
		}
	})
	for name, body := range map[string]string{
		"unknown_operation_is_refused":             `{"status":503,"operations":["Frobnicate"]}`,
		"unknown_field_is_refused":                 `{"statsu":503}`,
		"status_200_is_refused":                    `{"status":200}`,
		"unusual_status_without_a_code_is_refused": `{"status":418}`,
		"malformed_delay_is_refused":               `{"delay":"soon"}`,
		"negative_times_are_refused":               `{"status":503,"times":-1}`,
		"unknown_events_are_refused":               `{"events":"late"}`,
		"times_with_events_are_refused":            `{"events":"drop","times":1}`,
		"times_with_hideMissing_are_refused":       `{"hideMissing":true,"times":1}`,
	} {
		t.Run(name, func(t *testing.T) { set(t, body, 400) })
	}
}
