package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	enumspb "go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/e2e/testenv"
	"triptych/local/stack"
	"triptych/picture"
)

func TestPipeline(t *testing.T) {
	env := testenv.Start(t)
	photo := testenv.Portrait(t)

	t.Run("photograph_of_a_face_is_annotated_and_stored", func(t *testing.T) {
		var states []picture.Status
		g := env.Upload(t, photo)
		final := env.Follow(t, g.Link, func(p picture.Progress) { states = append(states, p.Status) })
		if final.Status != picture.Annotated || states[len(states)-1] != picture.Annotated {
			t.Fatalf("statuses %v, final status %s, want %s: %+v", states, final.Status, picture.Annotated, final.Steps)
		}
		r := env.Record(t, g.ID)
		checkAnnotated(t, r, photo)
		checkHistory(t, env, r)
	})
	t.Run("second_upload_with_the_same_grant_returns_412", func(t *testing.T) {
		g := env.Upload(t, photo)
		if status := testenv.Put(t, g, photo); status != http.StatusPreconditionFailed {
			t.Errorf("the second PUT returned status %d, want 412", status)
		}
		env.Follow(t, g.Link)
	})
	t.Run("second_local_on_the_same_data_directory_fails", func(t *testing.T) {
		var output bytes.Buffer
		second, err := stack.Open(t.Context(), stack.Config{Dir: env.Dir(), Addr: "127.0.0.1:0", Output: &output})
		if err == nil {
			second.Close()
			t.Fatal("two stacks run on one data directory")
		}
		if !strings.Contains(err.Error(), "-data") {
			t.Errorf("the error %q does not mention -data", err)
		}
	})
}

func checkAnnotated(t *testing.T, r picture.Record, photo []byte) {
	t.Helper()
	if r.Status != picture.Annotated || r.Size != int64(len(photo)) || r.ContentType != "image/jpeg" || r.VersionID == "" || r.UploadedAt.IsZero() {
		t.Errorf("the Record does not describe the uploaded picture: %+v", r)
	}
	var annotation visionpb.AnnotateImageResponse
	if err := protojson.Unmarshal(r.Annotation, &annotation); err != nil {
		t.Fatal(err)
	}
	if len(annotation.FaceAnnotations) != 1 || annotation.FaceAnnotations[0].JoyLikelihood < visionpb.Likelihood_LIKELY {
		t.Errorf("faces %v, want one joyful face", annotation.FaceAnnotations)
	}
	if len(annotation.GetImagePropertiesAnnotation().GetDominantColors().GetColors()) == 0 {
		t.Error("the annotation contains no colours")
	}
	var names []picture.StepName
	for _, step := range r.Steps {
		names = append(names, step.Name)
		if step.Status != picture.StepDone || step.StartedAt.IsZero() || step.Name != picture.PersistStep && step.FinishedAt.Before(step.StartedAt) {
			t.Errorf("step %+v is not done", step)
		}
	}
	if !slices.Equal(names, picture.StepOrder[:]) {
		t.Errorf("steps %v, want %v", names, picture.StepOrder)
	}
	document, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(document, []byte("X-Amz-")) {
		t.Error("the Record contains a presigned URL")
	}
}

func checkHistory(t *testing.T, env *testenv.Env, r picture.Record) {
	t.Helper()
	var steps []string
	events := env.Temporal.GetWorkflowHistory(testenv.Context(t), r.ID.WorkflowID(), r.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if data := event.GetMarkerRecordedEventAttributes().GetDetails()["data"]; data != nil {
			var marker struct{ ActivityType string }
			if err := json.Unmarshal(data.Payloads[0].Data, &marker); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, marker.ActivityType)
		}
		if a := event.GetActivityTaskScheduledEventAttributes(); a != nil {
			steps = append(steps, a.ActivityType.Name)
		}
	}
	if want := []string{"presign", "annotate", "persist"}; !slices.Equal(steps, want) {
		t.Errorf("the history contains the steps %v, want %v", steps, want)
	}
}
