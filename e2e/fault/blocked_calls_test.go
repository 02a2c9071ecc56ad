package fault

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"triptych/e2e/testenv"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/pipeline"
	"triptych/picture"
)

func blockFirstVisionCall(t *testing.T, s *suite) (*testPicture, *blocker) {
	t.Helper()
	p, b := s.newStubbedPicture(t), newBlocker(t)
	var calls atomic.Int64
	p.setVisionFault(annotator.Fault{Response: emptyAnnotation, OnMatch: func() {
		if calls.Add(1) == 1 {
			b.block()
		}
	}})
	p.upload(t)
	b.awaitRequest(t)
	return p, b
}

func uploadWhileVisionIsDown(t *testing.T, s *suite) *testPicture {
	t.Helper()
	p := s.newPicture(t, testenv.Portrait(t))
	p.setVisionFault(annotator.Fault{Code: codes.Unavailable})
	p.upload(t)
	p.awaitRetry(t, stepFailure{picture.AnnotateStep, picture.Unavailable, "unavailable"})
	return p
}

func blockCosmosCreate(t *testing.T, s *suite) (*testPicture, *blocker) {
	t.Helper()
	p, b := s.newStubbedPicture(t), newBlocker(t)
	p.setCosmosFault(cosmosdb.Fault{Method: http.MethodPost, OnMatch: b.block, Times: 1})
	p.upload(t)
	b.awaitRequest(t)
	return p, b
}

func duringCosmosCreate(t *testing.T, s *suite, act func(*testPicture, *blocker)) *testPicture {
	t.Helper()
	for range 5 {
		p, b := blockCosmosCreate(t, s)
		if act(p, b); time.Since(b.blockedAt) < 2*time.Second {
			return p
		}
		p.awaitOutcome(t, annotated)
	}
	t.Fatal("the machine is too slow: five times, the test did not act within 2 s")
	return nil
}

func blockCosmosReplace(t *testing.T, s *suite) (*testPicture, *blocker) {
	t.Helper()
	p, b := s.newStubbedPicture(t), newBlocker(t)
	p.upload(t)
	record := p.awaitOutcome(t, annotated)
	p.setCosmosFault(cosmosdb.Fault{Method: http.MethodPost, Status: http.StatusServiceUnavailable, Times: 1})
	p.setCosmosFault(cosmosdb.Fault{Method: http.MethodPut, OnMatch: b.block, Times: 1})
	pic, err := picture.New(record.Bucket, record.Key, record.VersionID, record.ETag, record.Size, record.UploadedAt)
	if err != nil {
		t.Fatal(err)
	}
	order := picture.Order{Picture: pic, ReannotateBefore: time.Now()}
	if err := pipeline.Start(testenv.Context(t), s.Temporal, order, pipeline.BackfillPriority); err != nil {
		t.Fatal(err)
	}
	b.awaitRequest(t)
	return p, b
}
