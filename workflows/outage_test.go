package workflows_test

import (
	"math"
	"testing"
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"triptych/e2e/statustest"
	"triptych/picture"
	"triptych/workflows"
)

func TestOutage(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name   string
		step   picture.StepName
		kind   picture.Kind
		outage time.Duration
	}{
		{"AWS_credentials_missing_for_a_day", picture.PresignStep, picture.Forbidden, day},
		{"Google_quota_exhausted_for_an_hour", picture.AnnotateStep, picture.Throttled, time.Hour},
		{"Google_down_for_a_day", picture.AnnotateStep, picture.Unavailable, day},
		{"Google_refuses_credentials_for_a_week", picture.AnnotateStep, picture.Forbidden, 7 * day},
		{"Azure_down_for_a_day", picture.PersistStep, picture.Unavailable, day},
		{"Azure_misconfigured_for_a_week", picture.PersistStep, picture.Misconfigured, 7 * day},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := newEnvironment()
			env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&unlimitedAttempts{}}})
			began, attempts := env.Now(), 0
			failDuringOutage := func() error {
				attempts++
				if env.Now().Sub(began) < c.outage {
					return failure(c.kind)
				}
				return nil
			}
			(&script{beforeAttempt: map[picture.StepName]func() error{c.step: failDuringOutage}}).register(env)
			env.ExecuteWorkflow(workflows.AnnotatePicture, picture.Order{Picture: goldenPicture(t)})

			var outcome picture.Outcome
			if err := env.GetWorkflowResult(&outcome); err != nil || outcome.Status != picture.Annotated {
				t.Errorf("outcome %+v, %v", outcome, err)
			}
			if late := env.Now().Sub(began) - c.outage; late < 0 || late > time.Minute {
				t.Errorf("the picture continued %s after the outage", late)
			}
			if limit := int(c.outage/time.Minute) + 20; attempts > limit {
				t.Errorf("%d attempts, want at most %d", attempts, limit)
			}
		})
	}
}

// If each failed attempt added an event to the history, a long outage would exceed Temporal's limits.
func TestRetriesAddNoEventsToTheHistory(t *testing.T) {
	events := func(branch string) int {
		return len(statustest.LoadHistory(t, goldenPath(picture.AnnotateWorkflow, branch)).Events)
	}
	normal, retried := events("annotated"), events("annotate_is_retried")
	if retried != normal {
		t.Errorf("%d events with four failed attempts, %d without", retried, normal)
	}
	if n := events("presign_continues_as_durable_activity"); n > normal+6 {
		t.Errorf("%d events with missing credentials, %d without", n, normal)
	}
}

// By default, the test environment gives up an activity after ten attempts.
type unlimitedAttempts struct {
	interceptor.WorkerInterceptorBase
}

func (*unlimitedAttempts) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &unlimitedInbound{interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

type unlimitedInbound struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (u *unlimitedInbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return u.Next.Init(&unlimitedOutbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}})
}

type unlimitedOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (u *unlimitedOutbound) ExecuteActivity(ctx workflow.Context, activity string, args ...any) workflow.Future {
	options := workflow.GetActivityOptions(ctx)
	options.HeartbeatTimeout, options.StartToCloseTimeout = 0, time.Hour
	if retry := *options.RetryPolicy; retry.MaximumAttempts == 0 {
		retry.MaximumAttempts = math.MaxInt32
		options.RetryPolicy = &retry
	}
	return u.Next.ExecuteActivity(workflow.WithActivityOptions(ctx, options), activity, args...)
}
