// Package fault tests the pipeline with injected faults. After each fault, the picture must have exactly one correct
// Record, its workflow must have ended, and Google must have charged no more often than necessary.
//
// The tests use the same programs as a deployment. The emulators inject error responses, and a Toxiproxy between the
// worker and each emulator injects network faults.
//
//	lost_events_test.go        S3 events that are lost, duplicated, late, reordered or malformed
//	killed_programs_test.go    SIGKILL and SIGTERM sent to the worker, Temporal, web or S3
//	network_test.go            connections that are cut, reset, slow or silent
//	vision_responses_test.go   error responses of Cloud Vision
//	cosmos_responses_test.go   error responses of Cosmos DB
//	s3_objects_test.go         error responses of S3, and objects that change before they are annotated
//	s3_semantics_test.go       conflicts, hidden objects, throttled listings, and events that S3 sends twice or late
//	expired_urls_test.go       presigned URLs that expire
//	picture_content_test.go    uploads that are not pictures, or are very large
//	erasure_test.go            erasure at each stage of a picture's workflow
//	frozen_functions_test.go   Lambda functions that lose their connections while they are frozen
//
// TestFault in package e2e/local kills all programs and emulators at the same time.
//
//	go test ./e2e/fault                       # without the tests that wait for a timeout
//	TRIPTYCH_FAULTS=all go test ./e2e/fault   # all tests
package fault

import (
	"flag"
	"os"
	"slices"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Parse()
	parallel := flag.Lookup("test.parallel") // the tests wait much longer than they compute
	if err := parallel.Value.Set("12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

type faultCase struct {
	name string
	slow bool // waits for a timeout or an expiry: runs only with TRIPTYCH_FAULTS=all
	run  func(*testing.T, *suite)
}

func TestFault(t *testing.T) {
	all := os.Getenv("TRIPTYCH_FAULTS") == "all"
	s := start(t)
	// Not in parallel: each of these faults can affect all pictures.
	for _, c := range slices.Concat(killedPrograms, networkFaults, lostEvents, throttledListings, largePictures, expiredURLs) {
		if all || !c.slow {
			t.Run(c.name, func(t *testing.T) { c.run(t, s) })
		}
	}
	// In parallel: each of these faults affects only one picture.
	for _, c := range slices.Concat(pictureContent, visionResponses(), cosmosResponses(), s3Objects, s3Semantics, erasures, repeatedEvents, frozenFunctions) {
		if all || !c.slow {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, s)
			})
		}
	}
}
