package main

import (
	"testing"

	"triptych/local/stack"
	"triptych/local/stacktest"
	"triptych/picture"
)

// There are no accounts to test with, so one stack's local parts stand in for another stack's real clouds: what
// is tested is that the second one really uses what its environment names, and its own parts for nothing of it.
func TestReal(t *testing.T) {
	clouds := stacktest.Start(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3":   clouds.Endpoints.S3,
		"AWS_ACCESS_KEY_ID":     clouds.Endpoints.AccessKey,
		"AWS_SECRET_ACCESS_KEY": clouds.Endpoints.SecretKey,
		"AWS_REGION":            "eu-central-1",
		"TRIPTYCH_BUCKET":       clouds.Endpoints.Bucket,
		"VISION_EMULATOR_HOST":  clouds.Endpoints.Vision,
		"TRIPTYCH_FEATURES":     "FACE_DETECTION,IMAGE_PROPERTIES",
		"COSMOS_ENDPOINT":       clouds.Endpoints.Cosmos,
		"COSMOS_KEY":            clouds.Endpoints.CosmosKey,
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
	// The other stack's own run of the picture would leave a Record too.
	s3Fault(t, clouds, `{"events":"drop"}`)
	stacktest.PauseSweeps(t, clouds)

	visitor := site(s.Endpoints.Site)
	g := visitor.take(t, portrait(t))
	if settled := visitor.follow(t, g.ID); settled.Status != picture.Annotated {
		t.Fatalf("ended %s: %+v", settled.Status, settled.Steps)
	}
	r := recordOf(t, clouds, g.ID)
	run, err := temporalOf(t, s).DescribeWorkflowExecution(t.Context(), g.ID.WorkflowID(), r.RunID)
	if err != nil || run.WorkflowExecutionInfo.Execution.RunId != r.RunID {
		t.Errorf("the Record's run %s is not one of this stack: %v", r.RunID, err)
	}
	if s.Vision != nil || s.Cosmos != nil {
		t.Error("local parts run beside the real clouds")
	}
}
