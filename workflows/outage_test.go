package workflows_test

import (
	"math"
	"testing"
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
	"triptych/workflows"
)

// Nothing of a picture is lost however long a cloud is away or an operator takes, and it goes on within a minute.
func TestOutage(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		outcome string
		step    picture.StepName
		kind    picture.Kind
		away    time.Duration
	}{
		{"credentials_for_AWS_are_missing_for_a_day", picture.PresignStep, picture.Forbidden, day},
		{"Google's_quota_is_gone_for_an_hour", picture.AnnotateStep, picture.Throttled, time.Hour},
		{"Google_is_down_for_a_day", picture.AnnotateStep, picture.Unavailable, day},
		{"Google_refuses_the_credentials_for_a_week", picture.AnnotateStep, picture.Forbidden, 7 * day},
		{"Azure_is_down_for_a_day", picture.PersistStep, picture.Unavailable, day},
		{"Azure_is_set_up_wrong_for_a_week", picture.PersistStep, picture.Misconfigured, 7 * day},
	} {
		t.Run(c.outcome, func(t *testing.T) {
			env := environment()
			env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&patience{}}})
			began, attempts := env.Now(), 0
			failing := func() error {
				attempts++
				if env.Now().Sub(began) < c.away {
					return says(c.kind)
				}
				return nil
			}
			(&script{before: map[picture.StepName]func() error{c.step: failing}}).register(env)
			env.ExecuteWorkflow(workflows.AnnotatePicture, picture.Order{Picture: goldenPicture(t)})

			var outcome picture.Outcome
			if err := env.GetWorkflowResult(&outcome); err != nil || outcome.Status != picture.Annotated {
				t.Errorf("ended %+v, %v", outcome, err)
			}
			if late := env.Now().Sub(began) - c.away; late < 0 || late > time.Minute {
				t.Errorf("it went on %s after the cloud was back", late)
			}
			if most := int(c.away/time.Minute) + 20; attempts > most {
				t.Errorf("%d attempts, want at most %d: one a minute", attempts, most)
			}
		})
	}
}

// TestHistoryOfAnOutage compares what a real server recorded: attempts are not events, so that no outage fills a history.
func TestHistoryOfAnOutage(t *testing.T) {
	events := func(branch string) int {
		return len(load(t, recorded(picture.AnnotateWorkflow, branch)).Events)
	}
	well, failedFourTimes := events("a_picture_is_annotated"), events("a_cloud_that_is_down_is_waited_for")
	if failedFourTimes != well {
		t.Errorf("%d events, %d when all is well", failedFourTimes, well)
	}
	// Credentials cost one marker and one durable activity, once.
	if waited := events("credentials_that_are_missing_for_a_moment_are_waited_for"); waited > well+6 {
		t.Errorf("%d events, %d when all is well", waited, well)
	}
}

// patience makes the test environment as patient as a server: it gives up after ten attempts what may have any number.
type patience struct {
	interceptor.WorkerInterceptorBase
}

func (*patience) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &patientInbound{interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

type patientInbound struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (p *patientInbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return p.Next.Init(&patientOutbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}})
}

type patientOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (p *patientOutbound) ExecuteActivity(ctx workflow.Context, activity string, args ...any) workflow.Future {
	options := workflow.GetActivityOptions(ctx)
	// The environment counts these in real time, and over all attempts together: a week's are 10,000.
	options.HeartbeatTimeout, options.StartToCloseTimeout = 0, time.Hour
	if retry := *options.RetryPolicy; retry.MaximumAttempts == 0 {
		retry.MaximumAttempts = math.MaxInt32
		options.RetryPolicy = &retry
	}
	return p.Next.ExecuteActivity(workflow.WithActivityOptions(ctx, options), activity, args...)
}
