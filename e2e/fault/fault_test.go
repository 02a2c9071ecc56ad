// Package fault contains the fault suite. Each test injects one fault and checks that the picture still ends with exactly
// one correct Record, that its workflow has ended, and that Google was paid as rarely as possible.
//
// The programs under test are the deployed ones. The emulators inject error responses. A Toxiproxy between the worker and
// each emulator injects network faults. The files are named after the kind of fault:
//
//	lost_events_test.go        S3 events that are lost, duplicated, late, reordered or malformed
//	killed_programs_test.go    SIGKILL and SIGTERM of the worker, Temporal, web and S3
//	network_test.go            connections that are cut, reset, slow or silent
//	vision_responses_test.go   error responses of Cloud Vision
//	cosmos_responses_test.go   error responses of Cosmos DB
//	s3_objects_test.go         error responses of S3, and objects that change before they are annotated
//	expired_urls_test.go       presigned URLs that expire
//	picture_content_test.go    uploads that are not pictures, or are very large
//	erasure_test.go            erasure at each stage of a picture's workflow
//
// TestFault in e2e/local kills all programs and emulators simultaneously.
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

// faultCase injects one fault and checks the outcome that its name states.
type faultCase struct {
	name string
	slow bool // waits for a timeout or an expiry: runs only with TRIPTYCH_FAULTS=all
	run  func(*testing.T, *suite)
}

func TestFault(t *testing.T) {
	all := os.Getenv("TRIPTYCH_FAULTS") == "all"
	s := start(t)
	// These tests run one after another. A fault of a program or a connection affects all pictures, a sweep finds all
	// pictures, and a large picture takes all of the CPU.
	for _, c := range slices.Concat(killedPrograms, networkFaults, lostEvents, largePictures, expiredURLs) {
		if all || !c.slow {
			t.Run(c.name, func(t *testing.T) { c.run(t, s) })
		}
	}
	// The following tests run in parallel, after all tests above. Each of their faults affects only one picture.
	for _, c := range slices.Concat(pictureContent, visionResponses(), cosmosResponses(), s3Objects, erasures, repeatedEvents) {
		if all || !c.slow {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, s)
			})
		}
	}
}
