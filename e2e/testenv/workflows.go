package testenv

import (
	"context"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"

	"triptych/e2e/stacktest"
)

func (e *Env) AwaitActivity(t testing.TB, workflowID, activity string) {
	t.Helper()
	completed := func(ctx context.Context) bool {
		scheduled := map[int64]string{}
		events := e.Temporal.GetWorkflowHistory(ctx, workflowID, "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				return false
			}
			if a := event.GetActivityTaskScheduledEventAttributes(); a != nil {
				scheduled[event.EventId] = a.ActivityType.Name
			}
			if a := event.GetActivityTaskCompletedEventAttributes(); a != nil && scheduled[a.ScheduledEventId] == activity {
				return true
			}
		}
		return false
	}
	if !stacktest.Eventually(t, completed) {
		t.Fatalf("%s did not complete %s", workflowID, activity)
	}
}
