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

	"triptych/local/stack"
	"triptych/picture"
)

func TestTrigger(t *testing.T) {
	s := stack.Start(t)
	runs, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(runs.Close)
	t.Setenv("TEMPORAL_ADDRESS", s.Endpoints.Temporal)
	t.Setenv("TEMPORAL_CONFIG_FILE", os.DevNull)
	a, b, c := newPicture(t), newPicture(t), newPicture(t)
	decoded, twice, removed, first, third := newPicture(t), newPicture(t), newPicture(t), newPicture(t), newPicture(t)

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
		"an_event_without_records_is_an_error":   {event: `{}`, err: []string{"no S3 event"}},
		"an_event_that_is_a_list_is_an_error":    {event: `[]`, err: []string{"no S3 event"}},
		"a_record_that_is_no_record_is_an_error": {event: event(`"x"`), err: []string{"record 1 of 1"}},
		"a_key_that_cannot_be_decoded_is_an_error": {
			event: event(record("pictures/%zz.jpg")), err: []string{"record 1 of 1"},
		},
		"a_broken_record_does_not_take_the_others_with_it": {
			event:   event(record(first.key), record("pictures/%zz.jpg"), record(third.key)),
			started: []picture.ID{first.id, third.id}, err: []string{"record 2 of 3"},
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
					t.Errorf("no run of %s", id.Short())
				}
				if strings.Contains(log.String(), string(id)) {
					t.Error("the log holds a whole picture ID")
				}
			}
			for _, id := range test.ignored {
				if hasRun(t, runs, id) {
					t.Errorf("%s was started", id.Short())
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
		away, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := away.Addr().String()
		away.Close()
		t.Setenv("TEMPORAL_ADDRESS", addr)
		tr, p := &trigger{}, newPicture(t)

		deadline := time.Now().Add(3 * time.Second)
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		if err := invoke(ctx, tr, event(record(p.key))); err == nil || !strings.Contains(err.Error(), "record 1 of 1") {
			t.Errorf("answered %v", err)
		}
		if ctx.Err() != nil {
			t.Error("the answer came after the deadline")
		}
		forward(t, addr, s.Endpoints.Temporal)
		for invoke(t.Context(), tr, event(record(p.key))) != nil { // as Lambda does, until it works
			if t.Context().Err() != nil {
				t.Fatal("it never worked again")
			}
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

type minted struct {
	id  picture.ID
	key string
}

func newPicture(t *testing.T) minted {
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
