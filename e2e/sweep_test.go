package main

import (
	"bytes"
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc/codes"

	"triptych/emulators/vision/annotator"
	"triptych/local/stack"
	"triptych/local/stacktest"
	"triptych/picture"
)

func TestSweep(t *testing.T) {
	s := stacktest.Start(t)
	stacktest.PauseSweeps(t, s)
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
		if swept := sweepNow(t, c, "by-hand", picture.Sweep{}); swept.Examined < 2 || swept.Started != 0 {
			t.Errorf("swept %+v", swept)
		}
	})
	t.Run("backfills_objects_of_any_name", func(t *testing.T) {
		var olds []picture.Picture
		for _, key := range []string{"old/me.jpg", "old/a b+c%2B.jpg", "old/\u202eüñ📷", "old/%2e%2e/me?#.png"} {
			olds = append(olds, put(t, s, key, portrait(t)))
		}
		if swept := sweepNow(t, c, "backfill", picture.Sweep{Prefix: "old/"}); swept != (picture.SweepCounts{Examined: len(olds), Started: len(olds)}) {
			t.Errorf("swept %+v", swept)
		}
		for _, p := range olds {
			if settled := visitor.follow(t, p.ID); settled.Status != picture.Annotated || settled.Record.Key != p.Key {
				t.Errorf("%q ended %s", p.Key, settled.Status)
			}
		}
		if swept := sweepNow(t, c, "backfill", picture.Sweep{Prefix: "old/"}); swept != (picture.SweepCounts{Examined: len(olds)}) {
			t.Errorf("swept again %+v", swept)
		}
	})
	t.Run("looks_at_a_day_every_quarter_of_an_hour_and_at_everything_once_a_day_and_never_twice_at_once", func(t *testing.T) {
		for id, want := range map[string]picture.Sweep{"sweep": {Within: 25 * 3600}, "sweep-all": {}} {
			have := scheduled(t, schedules, id)
			every := map[string]time.Duration{"sweep": 15 * time.Minute, "sweep-all": 24 * time.Hour}[id]
			if have.every != every || have.overlap != enumspb.SCHEDULE_OVERLAP_POLICY_SKIP || have.sweep != want {
				t.Errorf("%s is %+v", id, have)
			}
		}
	})
	for name, spoil := range map[string]func(*client.Schedule){
		"when_it_came_too_rarely": func(s *client.Schedule) { s.Spec.Intervals[0].Every = 99 * time.Hour },
		"when_two_could_overlap":  func(s *client.Schedule) { s.Policy.Overlap = enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL },
	} {
		t.Run("is_scheduled_as_it_should_be_by_the_next_worker_"+name, func(t *testing.T) {
			want := scheduled(t, schedules, "sweep")
			err := schedules.GetHandle(t.Context(), "sweep").Update(t.Context(), client.ScheduleUpdateOptions{DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				spoil(&in.Description.Schedule)
				return &client.ScheduleUpdate{Schedule: &in.Description.Schedule}, nil
			}})
			if err != nil || scheduled(t, schedules, "sweep") == want {
				t.Fatalf("the schedule could not be changed: %v", err)
			}
			if err := s.Signal("worker", syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if !stacktest.Eventually(t, func(context.Context) bool { return scheduled(t, schedules, "sweep") == want }) {
				t.Fatal("it stays changed")
			}
		})
	}
}

// plan is what a schedule does.
type plan struct {
	every   time.Duration
	overlap enumspb.ScheduleOverlapPolicy
	sweep   picture.Sweep
}

func scheduled(t *testing.T, schedules client.ScheduleClient, id string) plan {
	t.Helper()
	d, err := schedules.GetHandle(t.Context(), id).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := plan{every: d.Schedule.Spec.Intervals[0].Every, overlap: d.Schedule.Policy.Overlap}
	input := d.Schedule.Action.(*client.ScheduleWorkflowAction).Args[0].(*commonpb.Payload)
	if err := converter.GetDefaultDataConverter().FromPayload(input, &p.sweep); err != nil {
		t.Fatal(err)
	}
	return p
}

// sweepNow runs SweepPictures by hand and returns what came of it.
func sweepNow(t *testing.T, c client.Client, id string, sweep picture.Sweep) picture.SweepCounts {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: picture.PicturesQueue}, picture.SweepWorkflow, sweep)
	if err != nil {
		t.Fatal(err)
	}
	var swept picture.SweepCounts
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
