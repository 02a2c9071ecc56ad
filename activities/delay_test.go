package activities

import (
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"triptych/picture"
)

func TestDelay(t *testing.T) {
	c := openClouds(t)
	for _, tt := range []struct {
		activity string
		status   picture.Status
		input    func(picture.Record, Delay) any
	}{
		{string(picture.PersistStep), picture.Annotated, func(r picture.Record, d Delay) any {
			return PersistInput{Record: r, Delay: d}
		}},
		{picture.DiscardActivity, picture.Erased, func(r picture.Record, d Delay) any {
			return DiscardInput{Picture: picture.Picture{ID: r.ID, Bucket: r.Bucket, Key: r.Key}, Delay: d}
		}},
	} {
		checkWritten := func(t *testing.T, r picture.Record, notBefore time.Time, options ...environmentOption) {
			t.Helper()
			got, err := execute[picture.Outcome](t, c, tt.activity, tt.input(r, Delay{notBefore}), options...)
			if want := (picture.Outcome{ID: r.ID, Status: tt.status}); err != nil || got != want {
				t.Errorf("%+v, %v, want %+v", got, err, want)
			}
		}
		t.Run("first_attempt_of_"+tt.activity+"_fails_with_NextRetryDelay_and_records_a_heartbeat", func(t *testing.T) {
			r, notBefore := newRecord(t), time.Now().Add(time.Hour).UTC()
			var recorded time.Time
			_, err := execute[picture.Outcome](t, c, tt.activity, tt.input(r, Delay{notBefore}),
				func(env *testsuite.TestActivityEnvironment) {
					env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
						if err := details.Get(&recorded); err != nil {
							t.Error(err)
						}
					})
				})
			failure := checkFailure(t, err, picture.Throttled)
			checkCloud(t, failure, picture.Azure)
			if delay := failure.NextRetryDelay(); delay > time.Hour || delay < 59*time.Minute {
				t.Errorf("next retry after %s, want one hour", delay)
			}
			if !recorded.Equal(notBefore) {
				t.Errorf("the heartbeat contains %s, want %s", recorded, notBefore)
			}
			c.checkNoRecord(t, r.ID)
		})
		t.Run("attempt_1_of_"+tt.activity+"_after_a_reset_writes_immediately", func(t *testing.T) {
			notBefore := time.Now().Add(time.Hour)
			checkWritten(t, newRecord(t), notBefore, func(env *testsuite.TestActivityEnvironment) { env.SetHeartbeatDetails(notBefore) })
		})
		t.Run("first_attempt_of_"+tt.activity+"_after_NotBefore_writes_immediately", func(t *testing.T) {
			checkWritten(t, newRecord(t), time.Now())
		})
	}
}
