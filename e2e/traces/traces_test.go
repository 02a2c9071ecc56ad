// Package traces contains a test that receives the traces of pictures over OTLP.
package traces

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/local/collector"
	"triptych/local/stack"
	"triptych/picture"
)

const (
	event    = "picture/S3 event"
	start    = event + "/StartWorkflow:AnnotatePicture"
	workflow = "picture/RunWorkflow:AnnotatePicture"
	presign  = "picture/RunActivity:presign"
	annotate = "picture/RunActivity:annotate"
	persist  = "picture/RunActivity:persist"
	vision   = annotate + "/google.cloud.vision.v1.ImageAnnotator/BatchAnnotateImages"
)

func TestTraces(t *testing.T) {
	env := testenv.Start(t, func(c *stack.Config) { c.OTLP = true })
	stacktest.PauseSweeps(t, env.Stack)
	common := []string{"picture", "picture/upload", event, start, workflow, presign, annotate + "/CosmosDB GET", vision, persist + "/CosmosDB POST"}

	t.Run("annotated_picture_has_one_complete_trace", func(t *testing.T) {
		g := env.Upload(t, testenv.Portrait(t))
		trace := receive(t, env, g, picture.Annotated, common)
		for path, program := range map[string]string{"picture": "triptych-web", event: "triptych-trigger", workflow: "triptych-worker"} {
			if span := trace[path][0]; span.Program != program {
				t.Errorf("the span %s is of %s, want %s", path, span.Program, program)
			}
		}
		for path, spans := range trace {
			for _, s := range spans {
				if failed(s) {
					t.Errorf("the span %s has the error %q", path, s.Status.Message)
				}
			}
		}
		checkPage(t, env, g)
		checkLogs(t, env, g)
	})
	t.Run("history_of_a_picture_has_no_header", func(t *testing.T) {
		g := env.Upload(t, testenv.Portrait(t))
		env.Follow(t, g.Link)
		var names []string
		for _, e := range env.History(t, g.ID) {
			started, scheduled := e.GetWorkflowExecutionStartedEventAttributes(), e.GetActivityTaskScheduledEventAttributes()
			if n := len(started.GetHeader().GetFields()) + len(scheduled.GetHeader().GetFields()); n > 0 {
				t.Errorf("event %d has %d headers", e.EventId, n)
			}
			names = append(names, started.GetWorkflowType().GetName()+scheduled.GetActivityType().GetName())
		}
		if !slices.Contains(names, "AnnotatePicture") || !slices.Contains(names, "annotate") {
			t.Errorf("the history has the workflows and activities %q, want AnnotatePicture and annotate", names)
		}
	})
	t.Run("retried_picture_has_one_span_per_attempt", func(t *testing.T) {
		env.Vision.SetFault(annotator.Fault{Code: codes.Unavailable, Times: 2})
		g := env.Upload(t, testenv.Portrait(t))
		trace := receive(t, env, g, picture.Annotated, common)
		var attempts []int64
		for _, s := range trace[annotate] {
			n := attempt(s)
			attempts = append(attempts, n)
			if failed(s) != (n < 3) {
				t.Errorf("attempt %d failed: %t", n, failed(s))
			}
		}
		if slices.Sort(attempts); !slices.Equal(attempts, []int64{1, 2, 3}) {
			t.Errorf("annotate has spans for the attempts %v, want 1, 2 and 3", attempts)
		}
		if len(trace[vision]) != 3 || len(trace[persist]) != 1 {
			t.Errorf("%d calls to Google and %d attempts of persist, want 3 and 1", len(trace[vision]), len(trace[persist]))
		}
	})
	t.Run("erasure_joins_the_trace_of_its_picture", func(t *testing.T) {
		g := env.Upload(t, testenv.Portrait(t))
		env.Follow(t, g.Link)
		if status := env.Erase(t, g.Link, g.EraseToken); status != http.StatusAccepted {
			t.Fatalf("status %d", status)
		}
		receiveSpans(t, env, g, append(common, "picture/StartWorkflow:ErasePicture", "picture/RunActivity:"+picture.WriteTombstoneActivity))
	})
	t.Run("rejected_picture_shows_the_failed_step", func(t *testing.T) {
		g := env.Upload(t, []byte("not a picture"))
		trace := receive(t, env, g, picture.Rejected, append(common, annotate+"/S3 GET"))
		last := trace[annotate][len(trace[annotate])-1]
		if !failed(last) || last.Status.Message == "" {
			t.Errorf("the status of annotate is %v, want an error", last.Status)
		}
	})
}

func receive(t *testing.T, env *testenv.Env, g siteclient.Grant, status picture.Status, want []string) (trace map[string][]collector.Span) {
	t.Helper()
	if final := env.Follow(t, g.Link); final.Status != status {
		t.Fatalf("the picture is %s, want %s", final.Status, status)
	}
	return receiveSpans(t, env, g, want)
}

// receiveSpans waits for the spans and checks that they form one tree without secrets. It returns them by path.
func receiveSpans(t *testing.T, env *testenv.Env, g siteclient.Grant, want []string) (trace map[string][]collector.Span) {
	t.Helper()
	sum := sha256.Sum256([]byte(g.ID))
	var spans []collector.Span
	complete := stacktest.Eventually(t, func(context.Context) bool {
		spans = env.Traces.Spans([16]byte(sum[:16]))
		trace = byPath(spans)
		return !slices.ContainsFunc(want, func(path string) bool { return trace[path] == nil })
	})
	for path := range trace {
		t.Log(len(trace[path]), path)
		if !complete || !strings.HasPrefix(path, "picture") || strings.HasPrefix(path, "picture/?") || strings.Contains(path, "StartActivity") {
			t.Errorf("incomplete trace, or unexpected span: %s", path)
		}
	}
	if !complete {
		t.Fatalf("want %v", want)
	}
	e := env.Endpoints
	for _, s := range spans {
		text := protojson.Format(s.Span)
		for _, secret := range []string{"X-Amz-", "Signature", g.Link, g.EraseToken, e.SecretKey, e.CosmosKey, e.PayloadKeys, "authorization", "?"} {
			if strings.Contains(text, secret) {
				t.Errorf("a span contains %q: %s", secret, text)
			}
		}
	}
	return trace
}

// byPath names each span by its ancestors. An ancestor that has not arrived is "?".
func byPath(spans []collector.Span) map[string][]collector.Span {
	byID := map[string]collector.Span{}
	for _, s := range spans {
		byID[string(s.SpanId)] = s
	}
	paths := map[string][]collector.Span{}
	for _, s := range spans {
		path := s.Name
		for parent := string(s.ParentSpanId); parent != ""; {
			p, ok := byID[parent]
			if !ok {
				path = "?/" + path
				break
			}
			path, parent = p.Name+"/"+path, string(p.ParentSpanId)
		}
		paths[path] = append(paths[path], s)
	}
	return paths
}

func failed(s collector.Span) bool {
	return s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR
}

func attempt(s collector.Span) int64 {
	for _, a := range s.Attributes {
		if a.Key == "attempt" {
			return a.Value.GetIntValue()
		}
	}
	return 0
}

func checkLogs(t *testing.T, env *testenv.Env, g siteclient.Grant) {
	t.Helper()
	sum := sha256.Sum256([]byte(g.ID))
	for program, message := range map[string]string{"web": "request", "trigger": "started", "worker": "step"} {
		log, err := os.ReadFile(filepath.Join(env.Dir(), "logs", program+".log"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for line := range strings.Lines(string(log)) {
			line = strings.NewReplacer(`"`, "", ":", "=").Replace(line) // the trigger writes JSON, as in Lambda
			found = found || strings.Contains(line, message) && strings.Contains(line, "picture="+string(g.ID)) && strings.Contains(line, "trace="+hex.EncodeToString(sum[:16]))
		}
		if !found {
			t.Errorf("the log of %s has no line %q with the picture and its trace: %s", program, message, log)
		}
	}
}

func checkPage(t *testing.T, env *testenv.Env, g siteclient.Grant) {
	t.Helper()
	res, err := http.Get(env.Endpoints.Traces)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("status %s, error %v", res.Status, err)
	}
	for _, want := range []string{string(g.ID), "RunActivity:annotate", "BatchAnnotateImages", "triptych-trigger"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
}
