package e2e

import (
	"context"
	"encoding/base64"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc/codes"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

func TestSweep(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)

	t.Run("starts_a_picture_again_whose_workflow_was_terminated", func(t *testing.T) {
		env.Vision.SetFault(annotator.Fault{Code: codes.Unavailable})
		g := env.Upload(t, testenv.Portrait(t))
		var once sync.Once
		final := env.Follow(t, g.Link, func(p picture.Progress) {
			if p.Steps[1].Status != picture.StepRetrying {
				return
			}
			once.Do(func() {
				if err := env.Temporal.TerminateWorkflow(t.Context(), g.ID.WorkflowID(), "", "end-to-end test"); err != nil {
					t.Error(err)
				}
				env.Vision.SetFault(annotator.Fault{})
				if counts := env.RunSweep(t, "manual-sweep", picture.Sweep{Within: 3600}); counts.Started != 1 {
					t.Errorf("sweep counts %+v, want 1 started", counts)
				}
			})
		})
		if final.Status != picture.Annotated {
			t.Errorf("final status %s, want %s", final.Status, picture.Annotated)
		}
	})
	t.Run("starts_a_picture_without_a_Record_again_after_its_workflow_completed", func(t *testing.T) {
		g := env.Upload(t, testenv.Portrait(t))
		env.AwaitNewRun(t, g.ID, "")
		env.AwaitWorkflowEnd(t, g.ID, "")
		first := env.LatestRun(t, g.ID.WorkflowID())
		env.Cosmos.SetFault(cosmosdb.Fault{Only: string(g.ID), Method: http.MethodGet, Status: http.StatusNotFound, Times: 1})
		env.RunSweep(t, "manual-sweep", picture.Sweep{})
		second := env.LatestRun(t, g.ID.WorkflowID())
		if second == first {
			t.Fatal("the sweep started no workflow")
		}
		if outcome := env.AwaitWorkflowEnd(t, g.ID, second); outcome.Status != picture.Annotated {
			t.Errorf("the workflow ended with status %s, want %s", outcome.Status, picture.Annotated)
		}
	})
	t.Run("skips_pictures_that_have_a_Record_and_objects_that_the_site_did_not_name", func(t *testing.T) {
		g := env.Upload(t, testenv.Portrait(t))
		env.Follow(t, g.Link)
		env.PutObject(t, "pictures/not-ours.jpg", testenv.Portrait(t))
		if counts := env.RunSweep(t, "manual-sweep", picture.Sweep{}); counts.Examined < 2 || counts.Started != 0 {
			t.Errorf("sweep counts %+v, want at least 2 examined and 0 started", counts)
		}
	})
	t.Run("with_a_prefix_backfills_objects_with_any_name_once", func(t *testing.T) {
		var objects []picture.Picture
		for _, key := range []string{"old/me.jpg", "old/a b+c%2B.jpg", "old/\u202eüñ📷", "old/%2e%2e/me?#.png"} {
			objects = append(objects, env.PutObject(t, key, testenv.Portrait(t)))
		}
		want := picture.SweepCounts{Examined: len(objects), Started: len(objects)}
		if counts := env.RunSweep(t, "backfill", picture.Sweep{Bucket: testenv.BackfillBucket, Prefix: "old/"}); counts != want {
			t.Errorf("sweep counts %+v, want %+v", counts, want)
		}
		for _, p := range objects {
			env.AwaitWorkflowEnd(t, p.ID, "")
			if r := env.Record(t, p.ID); r.Status != picture.Annotated || r.Key != p.Key {
				t.Errorf("object %q has a Record with status %s and key %q, want %s", p.Key, r.Status, r.Key, picture.Annotated)
			}
		}
		want.Started = 0
		if counts := env.RunSweep(t, "backfill", picture.Sweep{Bucket: testenv.BackfillBucket, Prefix: "old/"}); counts != want {
			t.Errorf("second sweep: counts %+v, want %+v", counts, want)
		}
	})
	t.Run("schedules_cover_the_last_day_every_15_min_and_all_pictures_daily_without_overlap", func(t *testing.T) {
		for id, want := range map[string]schedule{
			"sweep":     {15 * time.Minute, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, picture.Sweep{Within: 25 * 3600}},
			"sweep-all": {24 * time.Hour, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, picture.Sweep{}},
		} {
			if got := readSchedule(t, env, id); got != want {
				t.Errorf("schedule %s is %+v, want %+v", id, got, want)
			}
		}
	})
	for name, change := range map[string]func(*client.Schedule){
		"interval":       func(s *client.Schedule) { s.Spec.Intervals[0].Every = 99 * time.Hour },
		"overlap_policy": func(s *client.Schedule) { s.Policy.Overlap = enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL },
	} {
		t.Run("schedule_with_a_wrong_"+name+"_is_corrected_when_a_worker_starts", func(t *testing.T) {
			want, updated := readSchedule(t, env, "sweep"), lastUpdate(t, env, "sweep-all")
			err := env.Temporal.ScheduleClient().GetHandle(t.Context(), "sweep").Update(t.Context(), client.ScheduleUpdateOptions{
				DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
					change(&in.Description.Schedule)
					return &client.ScheduleUpdate{Schedule: &in.Description.Schedule}, nil
				}})
			if err != nil || readSchedule(t, env, "sweep") == want {
				t.Fatalf("the schedule was not changed: %v", err)
			}
			if err := env.Signal("worker", syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if !stacktest.Eventually(t, func(context.Context) bool { return readSchedule(t, env, "sweep") == want }) {
				t.Fatal("the restarted worker did not correct the schedule")
			}
			env.RunSweep(t, "manual-sweep", picture.Sweep{}) // the worker has started, so it has compared both schedules
			if got := lastUpdate(t, env, "sweep-all"); got != updated {
				t.Errorf("the worker updated a correct schedule at %s", got)
			}
		})
	}
	t.Run("schedule_encrypted_with_a_removed_key_is_corrected_when_a_worker_starts", func(t *testing.T) {
		other := testenv.Dial(t, env.Endpoints.Temporal, "other:"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
		err := other.ScheduleClient().GetHandle(t.Context(), "sweep-all").Update(t.Context(), client.ScheduleUpdateOptions{
			DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				in.Description.Schedule.Action.(*client.ScheduleWorkflowAction).Args = []any{picture.Sweep{}}
				return &client.ScheduleUpdate{Schedule: &in.Description.Schedule}, nil
			}})
		if err != nil || isReadable(t, env, "sweep-all") {
			t.Fatalf("the worker's key decrypts the schedule: %v", err)
		}
		if err := env.Signal("worker", syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if !stacktest.Eventually(t, func(context.Context) bool { return isReadable(t, env, "sweep-all") }) {
			t.Fatal("the restarted worker did not correct the schedule")
		}
	})
}

func isReadable(t *testing.T, env *testenv.Env, id string) bool {
	t.Helper()
	d, err := env.Temporal.ScheduleClient().GetHandle(t.Context(), id).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sweep picture.Sweep
	input := d.Schedule.Action.(*client.ScheduleWorkflowAction).Args[0].(*commonpb.Payload)
	return converter.GetDefaultDataConverter().FromPayload(input, &sweep) == nil
}

func lastUpdate(t *testing.T, env *testenv.Env, id string) time.Time {
	t.Helper()
	d, err := env.Temporal.ScheduleClient().GetHandle(t.Context(), id).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d.Info.LastUpdateAt
}

type schedule struct {
	every   time.Duration
	overlap enumspb.ScheduleOverlapPolicy
	sweep   picture.Sweep
}

func readSchedule(t *testing.T, env *testenv.Env, id string) schedule {
	t.Helper()
	d, err := env.Temporal.ScheduleClient().GetHandle(t.Context(), id).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := schedule{every: d.Schedule.Spec.Intervals[0].Every, overlap: d.Schedule.Policy.Overlap}
	input := d.Schedule.Action.(*client.ScheduleWorkflowAction).Args[0].(*commonpb.Payload)
	if err := converter.GetDefaultDataConverter().FromPayload(input, &s.sweep); err != nil {
		t.Fatal(err)
	}
	return s
}
