package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/internal/records"
	"triptych/local/stack"
	"triptych/local/vision/annotator"
	"triptych/picture"
)

func TestPipeline(t *testing.T) {
	s := stack.Start(t)
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
	t.Run("what_is_no_image_is_rejected_with_a_reason", func(t *testing.T) {
		g := visitor.take(t, []byte("<html>not a picture</html>"))
		settled := visitor.follow(t, g.ID)
		if why := recordOf(t, s, g.ID).Rejection; settled.Status != picture.Rejected || why == nil || why.Kind != picture.BadImage || why.Step != picture.Annotate {
			t.Errorf("ended %s for %+v", settled.Status, why)
		}
	})
	t.Run("what_Google_cannot_fetch_is_sent_by_bytes", func(t *testing.T) {
		s.Vision.SetFault(annotator.Fault{ImageCode: codes.Unavailable, Times: 1})
		g := visitor.take(t, photo)
		if settled := visitor.follow(t, g.ID); settled.Status != picture.Annotated {
			t.Fatalf("ended %s: %+v", settled.Status, settled.Steps)
		}
		if n := scheduled(t, s, g.ID, picture.Annotate); n != 2 {
			t.Errorf("annotate was scheduled %d times, want once by URL and once by bytes", n)
		}
	})
	t.Run("a_cloud_that_is_down_is_waited_for_and_said", func(t *testing.T) {
		s.Vision.SetFault(annotator.Fault{Code: codes.ResourceExhausted, Message: "quota"})
		g := visitor.take(t, photo)
		var told string
		settled := visitor.follow(t, g.ID, func(p picture.Progress) {
			if step := p.Steps[1]; step.Status == picture.StepRetrying && told == "" {
				told = step.Error
				s.Vision.SetFault(annotator.Fault{})
			}
		})
		if settled.Status != picture.Annotated || !strings.Contains(told, "quota") {
			t.Errorf("ended %s, and said meanwhile %q", settled.Status, told)
		}
		if step := recordOf(t, s, g.ID).Steps[1]; step.Attempt < 2 {
			t.Errorf("the Record tells of attempt %d", step.Attempt)
		}
	})
	t.Run("an_upload_is_taken_once_and_a_repeat_says_that_it_arrived", func(t *testing.T) {
		g := visitor.take(t, photo)
		if status := upload(t, g, photo); status != http.StatusPreconditionFailed {
			t.Errorf("the same PUT again was answered %d, want 412", status)
		}
		visitor.follow(t, g.ID)
	})
	t.Run("the_same_event_100_times_makes_one_run_and_one_Record", func(t *testing.T) {
		testSameEvent(t, s, visitor, photo)
	})
	t.Run("an_erased_picture_leaves_a_tombstone_and_no_object", func(t *testing.T) {
		g := visitor.take(t, photo)
		visitor.follow(t, g.ID)
		if status := visitor.erase(t, g.ID, "wrong"); status != http.StatusForbidden {
			t.Errorf("a wrong token was answered %d", status)
		}
		if status := visitor.erase(t, g.ID, g.EraseToken); status != http.StatusAccepted {
			t.Fatalf("the erasure was answered %d", status)
		}
		waitForActivity(t, s, g.ID.EraseWorkflowID(), picture.Delete)
		if r := recordOf(t, s, g.ID); r.Status != picture.Erased || r.Key != "" || r.Annotation != nil {
			t.Errorf("kept of it: %+v", r)
		}
		// If-None-Match would refuse this if the object were still there. What it brings back goes when the grant
		// has expired, with the workflow's second deletion.
		if status := upload(t, g, photo); status != http.StatusOK {
			t.Errorf("the object is still there: uploading again was answered %d", status)
		}
	})
	t.Run("a_killed_worker_is_started_again", func(t *testing.T) {
		if err := s.Signal("worker", syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		g := visitor.take(t, photo)
		if settled := visitor.follow(t, g.ID); settled.Status != picture.Annotated {
			t.Errorf("ended %s", settled.Status)
		}
	})
	t.Run("a_second_one_on_the_same_directory_is_refused", func(t *testing.T) {
		var said bytes.Buffer
		second, err := stack.Open(t.Context(), stack.Config{Dir: s.Dir(), Addr: "127.0.0.1:0", Say: &said})
		if err == nil {
			second.Close()
			t.Fatal("two run on one directory")
		}
		if !strings.Contains(err.Error(), "-data") {
			t.Errorf("%q does not say what to do", err)
		}
	})
}

// testSameEvent loses S3's own event and delivers it a hundred times itself, at once.
func testSameEvent(t *testing.T, s *stack.Stack, visitor site, photo []byte) {
	s3Fault(t, s, `{"events":"drop"}`)
	g := visitor.take(t, photo)
	s3Fault(t, s, `{}`)
	event := eventOf(t, s, g.ID)
	billed := s.Vision.Annotated()

	var deliveries sync.WaitGroup
	for range 100 {
		deliveries.Go(func() {
			// RequestResponse returns once the trigger has handled the event.
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.LambdaURL, bytes.NewReader(event))
			if err != nil {
				t.Error(err)
				return
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			if failed := res.Header.Get("X-Amz-Function-Error"); failed != "" || res.StatusCode != http.StatusOK {
				t.Errorf("a delivery was answered %s %s", res.Status, failed)
			}
		})
	}
	deliveries.Wait()
	if settled := visitor.follow(t, g.ID); settled.Status != picture.Annotated {
		t.Fatalf("ended %s", settled.Status)
	}
	c := temporalOf(t, s)
	latest, err := c.DescribeWorkflowExecution(t.Context(), g.ID.WorkflowID(), "")
	if err != nil {
		t.Fatal(err)
	}
	if run := latest.WorkflowExecutionInfo.Execution.RunId; run != recordOf(t, s, g.ID).RunID {
		t.Errorf("the latest run %s is not the one that saved the Record", run)
	}
	if n := s.Vision.Annotated() - billed; n != 1 {
		t.Errorf("Google looked %d times", n)
	}
	// A delivery after the Record is there starts nothing either.
	res, err := http.Post(s.LambdaURL, "application/json", bytes.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	after, err := c.DescribeWorkflowExecution(t.Context(), g.ID.WorkflowID(), "")
	if err != nil {
		t.Fatal(err)
	}
	if after.WorkflowExecutionInfo.Execution.RunId != latest.WorkflowExecutionInfo.Execution.RunId {
		t.Error("a late delivery started a second run")
	}
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
		if step.Status != picture.StepDone || step.StartedAt.IsZero() || step.Name != picture.Persist && step.FinishedAt.Before(step.StartedAt) {
			t.Errorf("step %+v", step)
		}
	}
	if !slices.Equal(names, picture.Steps[:]) {
		t.Errorf("steps %v, want %v", names, picture.Steps)
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

func scheduled(t *testing.T, s *stack.Stack, id picture.ID, step picture.StepName) int {
	t.Helper()
	n := 0
	events := temporalOf(t, s).GetWorkflowHistory(t.Context(), id.WorkflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == string(step) {
			n++
		}
	}
	return n
}

// waitForActivity returns once the workflow has completed this activity.
func waitForActivity(t *testing.T, s *stack.Stack, workflowID, name string) {
	t.Helper()
	c := temporalOf(t, s)
	for t.Context().Err() == nil {
		scheduled := map[int64]string{}
		// Waits for each new event; ends with the run, or at once while there is none yet.
		events := c.GetWorkflowHistory(t.Context(), workflowID, "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				break
			}
			if a := event.GetActivityTaskScheduledEventAttributes(); a != nil {
				scheduled[event.EventId] = a.ActivityType.Name
			}
			if a := event.GetActivityTaskCompletedEventAttributes(); a != nil && scheduled[a.ScheduledEventId] == name {
				return
			}
		}
	}
	t.Fatalf("%s never completed %s", workflowID, name)
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
	container, err := records.Open(s.Endpoints.Cosmos, s.Endpoints.CosmosKey)
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
	event, err := json.Marshal(events.S3Event{Records: []events.S3EventRecord{{
		EventVersion: "2.1", EventSource: "aws:s3", EventName: "ObjectCreated:Put", EventTime: time.Now().UTC(),
		S3: events.S3Entity{Bucket: events.S3Bucket{Name: e.Bucket}, Object: events.S3Object{
			Key: key, VersionID: aws.ToString(head.VersionId), ETag: strings.Trim(aws.ToString(head.ETag), `"`), Size: aws.ToInt64(head.ContentLength),
		}},
	}}})
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
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.S3Control+"/fault", strings.NewReader(fault))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode >= 300 {
		t.Fatalf("setting the fault %s was answered %s", fault, res.Status)
	}
}
