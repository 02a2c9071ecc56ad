package local

import (
	"testing"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/local/stack"
	"triptych/picture"
)

func TestRealCloudsReplaceTheEmulators(t *testing.T) {
	clouds := testenv.Start(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3":             clouds.Endpoints.S3,
		"AWS_ACCESS_KEY_ID":               clouds.Endpoints.AccessKey,
		"AWS_SECRET_ACCESS_KEY":           clouds.Endpoints.SecretKey,
		"AWS_REGION":                      "eu-central-1",
		"TRIPTYCH_BUCKET":                 clouds.Endpoints.Bucket,
		"VISION_EMULATOR_HOST":            clouds.Endpoints.Vision,
		"TRIPTYCH_FEATURES":               "FACE_DETECTION,IMAGE_PROPERTIES",
		"TRIPTYCH_ANNOTATIONS_PER_SECOND": "30",
		"COSMOS_ENDPOINT":                 clouds.Endpoints.Cosmos,
		"COSMOS_KEY":                      clouds.Endpoints.CosmosKey,
	} {
		t.Setenv(name, value)
	}
	s, err := stack.Open(t.Context(), stack.Config{
		Dir: t.TempDir(), Addr: "127.0.0.1:0", Output: t.Output(), Real: []string{"aws", "google", "azure"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	env := testenv.Connect(t, s)
	clouds.InjectS3Fault(t, `{"events":"drop"}`)
	stacktest.PauseSweeps(t, clouds.Stack)

	g := env.Upload(t, testenv.Portrait(t))
	if final := env.Follow(t, g.Link); final.Status != picture.Annotated {
		t.Fatalf("final status %s, want %s: %+v", final.Status, picture.Annotated, final.Steps)
	}
	r := clouds.Record(t, g.ID)
	description, err := env.Temporal.DescribeWorkflowExecution(t.Context(), g.ID.WorkflowID(), r.RunID)
	if err != nil || description.WorkflowExecutionInfo.Execution.RunId != r.RunID {
		t.Errorf("the Record's workflow run %s is not in the Temporal of the first stack: %v", r.RunID, err)
	}
	if s.Vision != nil || s.Cosmos != nil {
		t.Error("emulators run although the real clouds are used")
	}
}
