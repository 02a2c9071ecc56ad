package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/emulators/s3event"
	"triptych/internal/records"
	"triptych/local/stack"
	"triptych/local/stacktest"
	"triptych/picture"
)

func TestPipeline(t *testing.T) {
	s := stacktest.Start(t)
	visitor := site(s.Endpoints.Site)
	photo := portrait(t)

	t.Run("a_photograph_of_a_face_is_annotated_and_saved", func(t *testing.T) {
		var states []picture.Status
		g := visitor.take(t, photo)
		settled := visitor.follow(t, g.ID, func(p picture.Progress) { states = append(states, p.Status) })
		if settled.Status != picture.Annotated || states[len(states)-1] != picture.Annotated {
			t.Fatalf("went through %v and ended %s: %+v", states, settled.Status, settled.Steps)
		}
		r := recordOf(t, s, g.ID)
		checkAnnotated(t, r, photo)
		checkHistory(t, s, r)
	})
	t.Run("an_upload_is_taken_once_and_a_repeat_says_that_it_arrived", func(t *testing.T) {
		g := visitor.take(t, photo)
		if status := upload(t, g, photo); status != http.StatusPreconditionFailed {
			t.Errorf("the same PUT again was answered %d, want 412", status)
		}
		visitor.follow(t, g.ID)
	})
	t.Run("a_second_one_on_the_same_directory_is_refused", func(t *testing.T) {
		var said bytes.Buffer
		second, err := stack.Open(t.Context(), stack.Config{Dir: s.Dir(), Addr: "127.0.0.1:0", Output: &said})
		if err == nil {
			second.Close()
			t.Fatal("two run on one directory")
		}
		if !strings.Contains(err.Error(), "-data") {
			t.Errorf("%q does not say what to do", err)
		}
	})
}

func checkAnnotated(t *testing.T, r picture.Record, photo []byte) {
	t.Helper()
	if r.Status != picture.Annotated || r.Size != int64(len(photo)) || r.ContentType != "image/jpeg" || r.VersionID == "" || r.UploadedAt.IsZero() {
		t.Errorf("the Record is not of this picture: %+v", r)
	}
	var annotation visionpb.AnnotateImageResponse
	if err := protojson.Unmarshal(r.Annotation, &annotation); err != nil {
		t.Fatal(err)
	}
	if len(annotation.FaceAnnotations) != 1 || annotation.FaceAnnotations[0].JoyLikelihood < visionpb.Likelihood_LIKELY {
		t.Errorf("want one joyful face, got %v", annotation.FaceAnnotations)
	}
	if len(annotation.GetImagePropertiesAnnotation().GetDominantColors().GetColors()) == 0 {
		t.Error("no colours were found")
	}
	var names []picture.StepName
	for _, step := range r.Steps {
		names = append(names, step.Name)
		if step.Status != picture.StepDone || step.StartedAt.IsZero() || step.Name != picture.PersistStep && step.FinishedAt.Before(step.StartedAt) {
			t.Errorf("step %+v", step)
		}
	}
	if !slices.Equal(names, picture.StepOrder[:]) {
		t.Errorf("steps %v, want %v", names, picture.StepOrder)
	}
	whole, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(whole, []byte("X-Amz-")) {
		t.Error("the Record holds a presigned URL")
	}
}

// checkHistory wants the three steps in the run, in order.
func checkHistory(t *testing.T, s *stack.Stack, r picture.Record) {
	t.Helper()
	var steps []string
	events := temporalOf(t, s).GetWorkflowHistory(t.Context(), r.ID.WorkflowID(), r.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
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
		t.Errorf("the history shows %v, want %v", steps, want)
	}
}

// waitForActivity returns once the workflow has completed this activity.
func waitForActivity(t *testing.T, s *stack.Stack, workflowID, name string) {
	t.Helper()
	c := temporalOf(t, s)
	completed := func(ctx context.Context) bool {
		scheduled := map[int64]string{}
		// Waits for each new event; ends with the run, or at once while there is none yet.
		events := c.GetWorkflowHistory(ctx, workflowID, "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				return false
			}
			if a := event.GetActivityTaskScheduledEventAttributes(); a != nil {
				scheduled[event.EventId] = a.ActivityType.Name
			}
			if a := event.GetActivityTaskCompletedEventAttributes(); a != nil && scheduled[a.ScheduledEventId] == name {
				return true
			}
		}
		return false
	}
	if !stacktest.Eventually(t, completed) {
		t.Fatalf("%s never completed %s", workflowID, name)
	}
}

func recordOf(t *testing.T, s *stack.Stack, id picture.ID) picture.Record {
	t.Helper()
	r, _, err := containerOf(t, s).Read(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func containerOf(t *testing.T, s *stack.Stack) *records.Container {
	t.Helper()
	container, err := records.Open(records.Config{Endpoint: s.Endpoints.Cosmos, Key: s.Endpoints.CosmosKey})
	if err != nil {
		t.Fatal(err)
	}
	return container
}

func temporalOf(t *testing.T, s *stack.Stack) client.Client {
	t.Helper()
	c, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// eventOf is the event S3 sends of a picture, as AWS documents it.
func eventOf(t *testing.T, s *stack.Stack, id picture.ID) []byte {
	t.Helper()
	key, err := id.Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	e := s.Endpoints
	head, err := bucketOf(s).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &e.Bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(s3event.Event{Records: []s3event.Record{s3event.Created(picture.Picture{
		Bucket: e.Bucket, Key: key, VersionID: aws.ToString(head.VersionId), ETag: aws.ToString(head.ETag),
		Size: aws.ToInt64(head.ContentLength), UploadedAt: time.Now(),
	})}})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func bucketOf(s *stack.Stack) *s3.Client {
	return s3.New(s3.Options{BaseEndpoint: &s.Endpoints.S3, UsePathStyle: true, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider(s.Endpoints.AccessKey, s.Endpoints.SecretKey, "")})
}

func s3Fault(t *testing.T, s *stack.Stack, fault string) {
	t.Helper()
	if err := s.SetS3Fault(t.Context(), fault); err != nil {
		t.Fatal(err)
	}
}
