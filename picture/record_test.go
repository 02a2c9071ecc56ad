package picture_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"triptych/picture"
)

func TestOlderThan(t *testing.T) {
	steps := []picture.Step{{Name: picture.AnnotateStep, StartedAt: noon.Add(-time.Hour)}, {Name: picture.PersistStep, StartedAt: noon}}
	for name, c := range map[string]struct {
		record picture.Record
		t      time.Time
		want   bool
	}{
		"Record_whose_last_step_began_before_t":       {picture.Record{Status: picture.Annotated, Steps: steps}, noon.Add(1), true},
		"Record_whose_last_step_began_at_t":           {picture.Record{Status: picture.Annotated, Steps: steps}, noon, false},
		"rejected_Record":                             {picture.Record{Status: picture.Rejected, Steps: steps}, noon.Add(1), true},
		"Record_whose_reannotation_was_rejected_at_t": {picture.Record{Status: picture.Annotated, Steps: steps[:1], ReannotationRejectedAt: noon}, noon, false},
		"tombstone":                       {picture.Tombstone("id"), noon, false},
		"Record_without_steps":            {picture.Record{Status: picture.Annotated}, noon, true},
		"Record_without_steps_and_zero_t": {picture.Record{Status: picture.Annotated}, time.Time{}, false},
	} {
		t.Run(fmt.Sprintf("%s_is_%t", name, c.want), func(t *testing.T) {
			if got := c.record.OlderThan(c.t); got != c.want {
				t.Errorf("OlderThan = %t, want %t", got, c.want)
			}
		})
	}
}

func TestTombstone(t *testing.T) {
	t.Run("contains_only_ID_schema_and_status", func(t *testing.T) {
		id := picture.NewID(noon, rand.Text())
		b, err := json.Marshal(picture.Tombstone(id))
		if want := fmt.Sprintf(`{"id":%q,"schema":1,"status":"erased"}`, id); err != nil || string(b) != want {
			t.Errorf("%s, %v; want %s", b, err, want)
		}
	})
}

func TestRecord(t *testing.T) {
	t.Run("decoded_Record_equals_the_encoded_one", func(t *testing.T) {
		key, _ := picture.NewID(noon, rand.Text()).Key("image/png")
		p, err := picture.New("b", key, "v", `"e"`, 5, noon)
		if err != nil {
			t.Fatal(err)
		}
		steps := []picture.Step{{Name: picture.PresignStep, Cloud: "aws", Status: picture.StepDone, Attempt: 1, StartedAt: noon, FinishedAt: noon}}
		want := p.AnnotatedRecord(json.RawMessage(`{"faceAnnotations":[]}`), noon, steps, "run")
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got picture.Record
		if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
		if got.ContentType != "image/png" || got.ETag != "e" {
			t.Errorf("content type %q, ETag %q", got.ContentType, got.ETag)
		}
	})
}

func TestWaitingSteps(t *testing.T) {
	t.Run("presign_is_in_AWS_annotate_in_Google_and_persist_in_Azure", func(t *testing.T) {
		want := []picture.Step{
			{Name: picture.PresignStep, Cloud: picture.AWS, Status: picture.StepWaiting},
			{Name: picture.AnnotateStep, Cloud: picture.Google, Status: picture.StepWaiting},
			{Name: picture.PersistStep, Cloud: picture.Azure, Status: picture.StepWaiting},
		}
		if got := picture.WaitingSteps(); !reflect.DeepEqual(got, want) {
			t.Errorf("WaitingSteps = %+v, want %+v", got, want)
		}
	})
}
