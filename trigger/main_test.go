package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/internal/loopback"
	"triptych/internal/telemetry"
	"triptych/picture"
)

func TestConnectRefusesAnInvalidBucketName(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", os.DevNull)
	t.Setenv("TRIPTYCH_SSM_PATH", "")
	t.Setenv("TRIPTYCH_BUCKET", "arn:aws:s3:::pictures") // no event would name it
	if _, err := new(trigger).connect(t.Context()); err == nil || !strings.Contains(err.Error(), "TRIPTYCH_BUCKET must be the name of a bucket") {
		t.Errorf("the error is %v", err)
	}
}

func TestTrigger(t *testing.T) {
	s := stacktest.Start(t)
	temporal, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(temporal.Close)
	t.Setenv("TEMPORAL_ADDRESS", s.Endpoints.Temporal)
	t.Setenv("TEMPORAL_CONFIG_FILE", os.DevNull)
	t.Setenv("TRIPTYCH_BUCKET", "triptych-pictures")
	t.Setenv("TRIPTYCH_PAYLOAD_KEYS", s.Endpoints.PayloadKeys)
	a, b, c := newPicture(t), newPicture(t), newPicture(t)
	encoded, doublyEncoded, deleted, negative := newPicture(t), newPicture(t), newPicture(t), newPicture(t)
	redriven1, redriven2, redriven3, elsewhere := newPicture(t), newPicture(t), newPicture(t), newPicture(t)
	bySNS, bySQS, byMinIO := newPicture(t), newPicture(t), newPicture(t)
	var valid []string // the 49 valid records of an event that also has an invalid one
	var validIDs []picture.ID
	for range 49 {
		p := newPicture(t)
		valid, validIDs = append(valid, record(p.key)), append(validIDs, p.id)
	}

	for name, test := range map[string]struct {
		event      string
		started    []picture.ID
		notStarted []picture.ID
		err        string // part of the error; "" for success
		logged     string
	}{
		"each_record_of_an_event_starts_a_workflow": {
			event: event(record(a.key), record(b.key), record(c.key)), started: []picture.ID{a.id, b.id, c.id},
		},
		"URL_encoded_key_is_decoded": {
			event: event(record(strings.ReplaceAll(encoded.key, "/", "%2F"))), started: []picture.ID{encoded.id},
		},
		"doubly_encoded_key_is_decoded_only_once": {
			event:      event(record(strings.ReplaceAll(doublyEncoded.key, "/", "%252F"))),
			notStarted: []picture.ID{doublyEncoded.id}, logged: "ignored: not uploaded through the site",
		},
		"object_that_the_site_did_not_create_is_ignored": {
			event: event(record("pictures/my+holiday.jpg")), logged: "ignored: not uploaded through the site",
		},
		"object_of_another_bucket_is_ignored": {
			event:      event(strings.Replace(record(elsewhere.key), `"triptych-pictures"`, `"someone-elses-bucket"`, 1)),
			notStarted: []picture.ID{elsewhere.id}, logged: "someone-elses-bucket",
		},
		"ObjectRemoved_event_is_ignored": {
			event:      event(strings.Replace(record(deleted.key), "ObjectCreated:Put", "ObjectRemoved:Delete", 1)),
			notStarted: []picture.ID{deleted.id}, logged: "ObjectRemoved:Delete",
		},
		"s3_TestEvent_is_ignored": {
			event:  `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-22T12:00:00.000Z","Bucket":"b","RequestId":"r","HostId":"h"}`,
			logged: "the bucket's notification is configured",
		},
		"event_without_Records_is_an_error":      {event: `{}`, err: "not an S3 event"},
		"event_that_is_a_JSON_array_is_an_error": {event: `[]`, err: "reading an S3 event"},
		"record_that_is_a_string_is_skipped":     {event: event(`"x"`), logged: "skipping an unreadable record"},
		"key_with_invalid_encoding_is_skipped":   {event: event(record("pictures/%zz.jpg")), logged: "%zz"},
		"negative_size_is_skipped_and_logged": {
			event:      event(strings.Replace(record(negative.key), "1234", "-1", 1)),
			notStarted: []picture.ID{negative.id}, logged: string(negative.id),
		},
		"invalid_record_does_not_affect_the_other_49": {
			event: event(append(valid, record("pictures/%zz.jpg"))...), started: validIDs, logged: "skipping an unreadable record",
		},
		"redriven_dead_letters_start_their_pictures": {
			event:   event(message(deadLetter(event(record(redriven1.key)))), message(deadLetter(event(record(redriven2.key))))),
			started: []picture.ID{redriven1.id, redriven2.id}, logged: "redriving a dead letter",
		},
		"SQS_message_that_is_no_dead_letter_is_an_error": {
			event: event(message(`{"hello":"world"}`)), err: "059f36b4-87a3-44ab-83d2-661975830a7d is not a dead letter",
		},
		"message_that_is_no_dead_letter_does_not_affect_the_others": {
			event:   event(message(`{"hello":"world"}`), message(deadLetter(event(record(redriven3.key))))),
			started: []picture.ID{redriven3.id}, logged: "redriving a dead letter", err: "is not a dead letter",
		},
		"S3_event_in_an_SNS_notification_is_an_error": {
			event: event(notification(event(record(bySNS.key)))), notStarted: []picture.ID{bySNS.id}, err: `comes from "aws:sns"`,
		},
		"S3_event_in_an_SQS_message_is_an_error": {
			event: event(message(event(record(bySQS.key)))), notStarted: []picture.ID{bySQS.id}, err: "is not a dead letter",
		},
		"event_of_MinIO_is_an_error": {
			event:      event(strings.NewReplacer("aws:s3", "minio:s3", "ObjectCreated", "s3:ObjectCreated").Replace(record(byMinIO.key))),
			notStarted: []picture.ID{byMinIO.id}, err: `comes from "minio:s3"`,
		},
		"record_without_a_source_is_an_error": {event: event(`{"cf":{}}`), err: `comes from ""`},
		"dead_letter_of_an_SNS_notification_is_an_error": {
			event: event(message(deadLetter(event(notification(event(record(bySNS.key))))))), notStarted: []picture.ID{bySNS.id}, err: `comes from "aws:sns"`,
		},
		"dead_letter_without_an_S3_event_is_an_error": {
			event: event(message(deadLetter(`{}`))), err: "not an S3 event",
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := captureLog(t)
			err := invoke(t.Context(), &trigger{}, test.event)
			if (err != nil) != (test.err != "") {
				t.Fatalf("the error is %v, want %q", err, test.err)
			}
			if err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error does not contain %q: %v", test.err, err)
			}
			if !strings.Contains(log.String(), test.logged) {
				t.Errorf("the log does not contain %q: %s", test.logged, log)
			}
			for _, id := range test.started {
				if !hasWorkflow(t, temporal, id) {
					t.Errorf("picture %s has no workflow", id)
				}
			}
			for _, id := range test.notStarted {
				if hasWorkflow(t, temporal, id) {
					t.Errorf("picture %s has a workflow", id)
				}
			}
			for _, id := range test.started {
				if !strings.Contains(log.String(), string(id)) {
					t.Errorf("the log does not name the picture %s", id)
				}
			}
		})
	}
	t.Run("repeated_event_starts_no_second_workflow", func(t *testing.T) {
		p := newPicture(t)
		tr := &trigger{}
		for range 2 {
			if err := invoke(t.Context(), tr, event(record(p.key))); err != nil {
				t.Fatal(err)
			}
		}
		first := temporal.GetWorkflow(t.Context(), p.id.WorkflowID(), "")
		if err := first.Get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := invoke(t.Context(), tr, event(record(p.key))); err != nil {
			t.Fatal(err)
		}
		if latest := temporal.GetWorkflow(t.Context(), p.id.WorkflowID(), ""); latest.GetRunID() != first.GetRunID() {
			t.Errorf("run %s started after run %s completed", latest.GetRunID(), first.GetRunID())
		}
	})
	t.Run("unreachable_Temporal_is_an_error_before_the_deadline_and_a_later_event_succeeds", func(t *testing.T) {
		addr, err := loopback.FreeAddr()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("TEMPORAL_ADDRESS", addr)
		tr, p := &trigger{}, newPicture(t)

		deadline := contextWithDeadline{t.Context(), time.Now().Add(3 * time.Second)}
		if err := invoke(deadline, tr, event(record(p.key))); err == nil || !strings.Contains(err.Error(), "record 1 of 1") {
			t.Errorf("the error is %v, want one that names record 1 of 1", err)
		}
		forward(t, addr, s.Endpoints.Temporal)
		succeeds := func(ctx context.Context) bool { return invoke(ctx, tr, event(record(p.key))) == nil } // Lambda retries, too
		if !stacktest.Eventually(t, succeeds) {
			t.Fatal("no event succeeded after Temporal became reachable")
		}
		if !hasWorkflow(t, temporal, p.id) {
			t.Error("the picture has no workflow")
		}
	})
	t.Run("without_payload_keys_no_workflow_starts_and_the_error_names_the_setting", func(t *testing.T) {
		t.Setenv("TRIPTYCH_PAYLOAD_KEYS", "")
		tr, p := &trigger{}, newPicture(t)
		err := invoke(t.Context(), tr, event(record(p.key)))
		if err == nil || !strings.Contains(err.Error(), "TRIPTYCH_PAYLOAD_KEYS") || hasWorkflow(t, temporal, p.id) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("invalid_Temporal_configuration_is_read_again_by_the_next_event", func(t *testing.T) {
		invalid := filepath.Join(t.TempDir(), "temporal.toml")
		if err := os.WriteFile(invalid, []byte("[profile"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TEMPORAL_CONFIG_FILE", invalid)
		tr, p := &trigger{}, newPicture(t)
		if err := invoke(t.Context(), tr, event(record(p.key))); err == nil {
			t.Fatal("the invalid configuration caused no error")
		}
		t.Setenv("TEMPORAL_CONFIG_FILE", os.DevNull)
		if err := invoke(t.Context(), tr, event(record(p.key))); err != nil || !hasWorkflow(t, temporal, p.id) {
			t.Errorf("the next event started no workflow: %v", err)
		}
	})
}

func invoke(ctx context.Context, tr *trigger, event string) error {
	_, err := lambda.NewHandler(tr.handle).Invoke(ctx, []byte(event))
	return err
}

// contextWithDeadline has a deadline but is never cancelled. Only a handler that checks the deadline passes the test.
type contextWithDeadline struct {
	context.Context
	deadline time.Time
}

func (c contextWithDeadline) Deadline() (time.Time, bool) { return c.deadline, true }

type upload struct {
	id  picture.ID
	key string
}

func newPicture(t testing.TB) upload {
	t.Helper()
	id := picture.NewID(time.Now(), rand.Text())
	key, err := id.Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	return upload{id, key}
}

func event(records ...string) string { return `{"Records":[` + strings.Join(records, ",") + `]}` }

func record(key string) string {
	k, err := json.Marshal(key)
	if err != nil {
		panic(err) // impossible: every string can be encoded
	}
	return fmt.Sprintf(`{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1","eventTime":"2026-11-22T12:00:00.000Z",
		"eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0","bucket":{"name":"triptych-pictures"},
		"object":{"key":%s,"size":1234,"eTag":"0123456789abcdef0123456789abcdef","sequencer":"0A1B2C3D4E5F678901"}}}`, k)
}

// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
func notification(event string) string {
	text, err := json.Marshal(event)
	if err != nil {
		panic(err) // impossible: every string can be encoded
	}
	return fmt.Sprintf(`{"EventVersion":"1.0","EventSubscriptionArn":"arn:aws:sns:eu-central-1:123456789012:uploads:21be56ed","EventSource":"aws:sns",
		"Sns":{"Type":"Notification","MessageId":"95df01b4-ee98-5cb9-9903-4c221d41eb5e","Subject":"Amazon S3 Notification","Message":%s}}`, text)
}

func deadLetter(event string) string { return string(testenv.DeadLetter([]byte(event))) }

func message(body string) string {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // impossible: every string can be encoded
	}
	return fmt.Sprintf(`{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a","body":%s,
		"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183","SenderId":"AIDAIENQZJOLO23YVJ4VO",
		"ApproximateFirstReceiveTimestamp":"1545082649185"},"messageAttributes":{},"md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3",
		"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:triptych-dead-letters","awsRegion":"eu-central-1"}`, b)
}

func hasWorkflow(t *testing.T, c client.Client, id picture.ID) bool {
	t.Helper()
	_, err := c.DescribeWorkflowExecution(t.Context(), id.WorkflowID(), "")
	if _, notFound := errors.AsType[*serviceerror.NotFound](err); notFound {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	var log bytes.Buffer
	previous := slog.Default()
	slog.SetDefault(telemetry.NewLogger(&log, func(string) string { return "" }))
	t.Cleanup(func() { slog.SetDefault(previous) })
	return &log
}

func forward(t *testing.T, addr, target string) {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer from.Close()
				to, err := net.Dial("tcp", target)
				if err != nil {
					return
				}
				defer to.Close()
				go func() { _, _ = io.Copy(to, from) }()
				_, _ = io.Copy(from, to)
			}()
		}
	}()
}
