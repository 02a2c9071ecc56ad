package main

import (
	"bytes"
	"context"
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

	"triptych/emulators/loopback"
	"triptych/local/stacktest"
	"triptych/picture"
)

func TestTrigger(t *testing.T) {
	s := stacktest.Start(t)
	runs, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(runs.Close)
	t.Setenv("TEMPORAL_ADDRESS", s.Endpoints.Temporal)
	t.Setenv("TEMPORAL_CONFIG_FILE", os.DevNull)
	a, b, c := newPicture(t), newPicture(t), newPicture(t)
	decoded, twice, removed, negative, dead, deader := newPicture(t), newPicture(t), newPicture(t), newPicture(t), newPicture(t), newPicture(t)
	var fifty []string // but for a broken one
	var others []picture.ID
	for range 49 {
		p := newPicture(t)
		fifty, others = append(fifty, record(p.key)), append(others, p.id)
	}

	for name, test := range map[string]struct {
		event   string
		started []picture.ID
		ignored []picture.ID
		err     []string // all in the error; nil for success
		logged  string
	}{
		"every_record_of_an_event_starts_a_run": {
			event: event(record(a.key), record(b.key), record(c.key)), started: []picture.ID{a.id, b.id, c.id},
		},
		"a_key_is_decoded_once": {
			event: event(record(strings.ReplaceAll(decoded.key, "/", "%2F"))), started: []picture.ID{decoded.id},
		},
		"a_key_is_not_decoded_twice": {
			event:   event(record(strings.ReplaceAll(twice.key, "/", "%252F"))),
			ignored: []picture.ID{twice.id}, logged: "ignored: not uploaded through the site",
		},
		"a_foreign_key_is_ignored": {
			event: event(record("pictures/my+holiday.jpg")), logged: "ignored: not uploaded through the site",
		},
		"a_removal_is_ignored": {
			event:   event(strings.Replace(record(removed.key), "ObjectCreated:Put", "ObjectRemoved:Delete", 1)),
			ignored: []picture.ID{removed.id}, logged: "ObjectRemoved:Delete",
		},
		"the_test_event_of_a_new_notification_is_ignored": {
			event:  `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-22T12:00:00.000Z","Bucket":"b","RequestId":"r","HostId":"h"}`,
			logged: "the bucket's notification is set up",
		},
		"an_event_without_records_is_an_error":     {event: `{}`, err: []string{"no S3 event"}},
		"an_event_that_is_a_list_is_an_error":      {event: `[]`, err: []string{"no S3 event"}},
		"a_record_that_is_no_record_is_left_out":   {event: event(`"x"`), logged: "cannot be read and is left out"},
		"a_key_that_cannot_be_decoded_is_left_out": {event: event(record("pictures/%zz.jpg")), logged: "%zz"},
		"a_size_that_cannot_be_is_left_out_by_a_short_name": {
			event:   event(strings.Replace(record(negative.key), "1234", "-1", 1)),
			ignored: []picture.ID{negative.id}, logged: negative.id.Redacted(),
		},
		"one_broken_record_does_not_keep_the_other_49": {
			event: event(append(fifty, record("pictures/%zz.jpg"))...), started: others, logged: "cannot be read and is left out",
		},
		"a_dead_letter_that_comes_back_by_SQS_starts_what_it_holds": {
			event:   event(message(deadLetter(event(record(dead.key)))), message(deadLetter(event(record(deader.key))))),
			started: []picture.ID{dead.id, deader.id}, logged: "a dead letter comes back",
		},
		"a_message_that_is_no_dead_letter_is_an_error": {
			event: event(message(`{"hello":"world"}`)), err: []string{"059f36b4-87a3-44ab-83d2-661975830a7d is no dead letter"},
		},
		"a_dead_letter_of_what_was_no_S3_event_is_an_error": {
			event: event(message(deadLetter(`{}`))), err: []string{"no S3 event"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := captureLog(t)
			err := invoke(t.Context(), &trigger{}, test.event)
			if (err != nil) != (test.err != nil) {
				t.Fatalf("answered %v", err)
			}
			for _, want := range test.err {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if !strings.Contains(log.String(), test.logged) {
				t.Errorf("the log does not say %q: %s", test.logged, log)
			}
			for _, id := range test.started {
				if !hasRun(t, runs, id) {
					t.Errorf("no run of %s", id.Redacted())
				}
				if strings.Contains(log.String(), string(id)) {
					t.Error("the log holds a whole picture ID")
				}
			}
			for _, id := range test.ignored {
				if strings.Contains(log.String(), string(id)) {
					t.Error("the log holds a whole picture ID")
				}
				if hasRun(t, runs, id) {
					t.Errorf("%s was started", id.Redacted())
				}
			}
		})
	}
	t.Run("an_event_that_comes_again_starts_no_second_run", func(t *testing.T) {
		p := newPicture(t)
		tr := &trigger{}
		for range 2 {
			if err := invoke(t.Context(), tr, event(record(p.key))); err != nil {
				t.Fatal(err)
			}
		}
		run := runs.GetWorkflow(t.Context(), p.id.WorkflowID(), "")
		if err := run.Get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := invoke(t.Context(), tr, event(record(p.key))); err != nil {
			t.Fatal(err)
		}
		if latest := runs.GetWorkflow(t.Context(), p.id.WorkflowID(), ""); latest.GetRunID() != run.GetRunID() {
			t.Errorf("run %s came after %s", latest.GetRunID(), run.GetRunID())
		}
	})
	t.Run("an_unreachable_Temporal_is_an_error_before_Lambda_gives_up_and_is_reached_when_it_is_back", func(t *testing.T) {
		away, err := loopback.Claim("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := away.Addr().String()
		away.Close()
		t.Setenv("TEMPORAL_ADDRESS", addr)
		tr, p := &trigger{}, newPicture(t)

		if err := invoke(limit{t.Context(), time.Now().Add(3 * time.Second)}, tr, event(record(p.key))); err == nil || !strings.Contains(err.Error(), "record 1 of 1") {
			t.Errorf("answered %v", err)
		}
		forward(t, addr, s.Endpoints.Temporal)
		works := func(ctx context.Context) bool { return invoke(ctx, tr, event(record(p.key))) == nil } // as Lambda does, until it works
		if !stacktest.Eventually(t, works) {
			t.Fatal("it never worked again")
		}
		if !hasRun(t, runs, p.id) {
			t.Error("still not started")
		}
	})
	t.Run("a_failure_to_read_the_settings_is_not_kept", func(t *testing.T) {
		broken := filepath.Join(t.TempDir(), "temporal.toml")
		if err := os.WriteFile(broken, []byte("[profile"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TEMPORAL_CONFIG_FILE", broken)
		tr, p := &trigger{}, newPicture(t)
		if err := invoke(t.Context(), tr, event(record(p.key))); err == nil {
			t.Fatal("a broken configuration went unnoticed")
		}
		t.Setenv("TEMPORAL_CONFIG_FILE", os.DevNull)
		if err := invoke(t.Context(), tr, event(record(p.key))); err != nil || !hasRun(t, runs, p.id) {
			t.Errorf("still not started: %v", err)
		}
	})
}

// invoke hands the event over as the Lambda runtime does.
func invoke(ctx context.Context, tr *trigger, event string) error {
	_, err := lambda.NewHandler(tr.handle).Invoke(ctx, []byte(event))
	return err
}

// limit tells a deadline and does not end at it, but with the test: who answers has kept the deadline by itself, and not
// because it was reminded. How long that took on a busy machine does not matter.
type limit struct {
	context.Context
	deadline time.Time
}

func (l limit) Deadline() (time.Time, bool) { return l.deadline, true }

type minted struct {
	id  picture.ID
	key string
}

func newPicture(t testing.TB) minted {
	t.Helper()
	id := picture.NewID(time.Now())
	key, err := id.Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	return minted{id, key}
}

func event(records ...string) string { return `{"Records":[` + strings.Join(records, ",") + `]}` }

// record is a record as AWS documents it, of an object that is not there: its run ends rejected.
func record(key string) string {
	k, err := json.Marshal(key)
	if err != nil {
		panic(err) // a string always encodes
	}
	return fmt.Sprintf(`{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1","eventTime":"2026-11-22T12:00:00.000Z",
		"eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0","bucket":{"name":"triptych-pictures"},
		"object":{"key":%s,"size":1234,"eTag":"0123456789abcdef0123456789abcdef","sequencer":"0A1B2C3D4E5F678901"}}}`, k)
}

// deadLetter is what Lambda keeps of an event that it gave up, as AWS documents it.
func deadLetter(event string) string {
	return fmt.Sprintf(`{"version":"1.0","timestamp":"2026-11-22T12:04:00.000Z","requestContext":{"requestId":"e4b46cbf-b738-xmpl-8880-a18cdf61200e",
		"functionArn":"arn:aws:lambda:eu-central-1:123456789012:function:trigger:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},
		"requestPayload":%s,"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},
		"responsePayload":{"errorMessage":"record 1 of 1: starting the run","errorType":"joinError"}}`, event)
}

// message is a record of what SQS brings, as AWS documents it.
func message(body string) string {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // a string always encodes
	}
	return fmt.Sprintf(`{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a","body":%s,
		"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183","SenderId":"AIDAIENQZJOLO23YVJ4VO",
		"ApproximateFirstReceiveTimestamp":"1545082649185"},"messageAttributes":{},"md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3",
		"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:triptych-dead-letters","awsRegion":"eu-central-1"}`, b)
}

func hasRun(t *testing.T, c client.Client, id picture.ID) bool {
	t.Helper()
	_, err := c.DescribeWorkflowExecution(t.Context(), id.WorkflowID(), "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
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
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}

// forward answers on addr with what is at target, until the test ends.
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
