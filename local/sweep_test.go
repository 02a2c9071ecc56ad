package main

import (
	"bytes"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"

	"triptych/local/stack"
	"triptych/local/vision/annotator"
	"triptych/picture"
)

func TestSweep(t *testing.T) {
	s := stack.Start(t)
	visitor := site(s.Endpoints.Site)
	c := temporalOf(t, s)
	schedules := c.ScheduleClient()

	t.Run("starts_a_picture_again_whose_run_was_terminated", func(t *testing.T) {
		s.Vision.SetFault(annotator.Fault{Code: codes.Unavailable})
		g := visitor.take(t, portrait(t))
		var once sync.Once
		settled := visitor.follow(t, g.ID, func(p picture.Progress) {
			if p.Steps[1].Status != picture.StepRetrying {
				return
			}
			once.Do(func() {
				if err := c.TerminateWorkflow(t.Context(), g.ID.WorkflowID(), "", "by hand"); err != nil {
					t.Error(err)
				}
				s.Vision.SetFault(annotator.Fault{})
				if swept := sweepNow(t, c, "by-hand", picture.Sweep{Within: 3600}); swept.Started != 1 {
					t.Errorf("swept %+v", swept)
				}
			})
		})
		if settled.Status != picture.Annotated {
			t.Errorf("ended %s", settled.Status)
		}
	})
	t.Run("leaves_alone_what_has_a_Record_and_what_is_foreign", func(t *testing.T) {
		g := visitor.take(t, portrait(t))
		visitor.follow(t, g.ID)
		put(t, s, "pictures/not-ours.jpg", portrait(t))
		if swept := sweepNow(t, c, "by-hand", picture.Sweep{}); swept.Looked < 2 || swept.Started != 0 {
			t.Errorf("swept %+v", swept)
		}
	})
	t.Run("backfills_objects_of_any_name", func(t *testing.T) {
		var olds []picture.Picture
		for _, key := range []string{"old/me.jpg", "old/a b+c%2B.jpg", "old/\u202eüñ📷", "old/%2e%2e/me?#.png"} {
			olds = append(olds, put(t, s, key, portrait(t)))
		}
		if swept := sweepNow(t, c, "backfill", picture.Sweep{Prefix: "old/"}); swept != (picture.Swept{Looked: len(olds), Started: len(olds)}) {
			t.Errorf("swept %+v", swept)
		}
		for _, p := range olds {
			if settled := visitor.follow(t, p.ID); settled.Status != picture.Annotated || settled.Record.Key != p.Key {
				t.Errorf("%q ended %s", p.Key, settled.Status)
			}
		}
		if swept := sweepNow(t, c, "backfill", picture.Sweep{Prefix: "old/"}); swept != (picture.Swept{Looked: len(olds)}) {
			t.Errorf("swept again %+v", swept)
		}
	})
	t.Run("is_scheduled_again_as_it_should_be_by_the_next_worker", func(t *testing.T) {
		handle := schedules.GetHandle(t.Context(), "sweep")
		every := func() time.Duration {
			d, err := handle.Describe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return d.Schedule.Spec.Intervals[0].Every
		}
		want := every()
		err := handle.Update(t.Context(), client.ScheduleUpdateOptions{DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			in.Description.Schedule.Spec.Intervals[0].Every = 99 * time.Hour
			return &client.ScheduleUpdate{Schedule: &in.Description.Schedule}, nil
		}})
		if err != nil || every() == want {
			t.Fatalf("the schedule could not be changed: %v", err)
		}
		if err := s.Signal("worker", syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for every() != want {
			if t.Context().Err() != nil {
				t.Fatal("it stays changed")
			}
		}
	})
}

// sweepNow runs SweepPictures by hand and returns what came of it.
func sweepNow(t *testing.T, c client.Client, id string, sweep picture.Sweep) picture.Swept {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: picture.PicturesQueue}, picture.SweepWorkflow, sweep)
	if err != nil {
		t.Fatal(err)
	}
	var swept picture.Swept
	if err := run.Get(t.Context(), &swept); err != nil {
		t.Fatal(err)
	}
	return swept
}

// put stores an object past the site.
func put(t *testing.T, s *stack.Stack, key string, content []byte) picture.Picture {
	t.Helper()
	out, err := bucketOf(s).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.Endpoints.Bucket, Key: &key, Body: bytes.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.New(s.Endpoints.Bucket, key, aws.ToString(out.VersionId), aws.ToString(out.ETag), int64(len(content)), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}
