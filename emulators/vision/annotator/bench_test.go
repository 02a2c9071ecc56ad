package annotator_test

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

// BenchmarkAnnotate is a webcam's picture, 1280 × 720 with a face and a cup, from the client and back. peakMB is the most
// memory that the whole process has had meanwhile, its code and the client included; Linux alone tells it.
func BenchmarkAnnotate(b *testing.B) {
	for _, of := range []struct {
		name   string
		wanted []*visionpb.Feature
	}{
		{"faces", face},
		{"objects", features(visionpb.Feature_OBJECT_LOCALIZATION)},
		{"colours", colour},
		{"faces_and_objects", features(visionpb.Feature_FACE_DETECTION, visionpb.Feature_OBJECT_LOCALIZATION)},
		{"everything", everything},
	} {
		b.Run(of.name, func(b *testing.B) {
			forgetPeak()
			_, client := serve(b)
			image := photograph(b, "desk.jpg")
			one(b, client, image, of.wanted) // loads the networks
			b.ReportAllocs()
			for b.Loop() {
				if response := one(b, client, image, of.wanted); response.Error != nil {
					b.Fatal(response.Error)
				}
			}
			if peak, ok := peakMemory(); ok {
				b.ReportMetric(peak/1e6, "peakMB")
			}
		})
	}
}

// forgetPeak gives back what earlier benchmarks took, and has Linux count from here.
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // proc_pid_clear_refs(5); elsewhere there is no peak either
}

// peakMemory is the most resident memory this process has had, in bytes.
func peakMemory() (float64, bool) {
	status, _ := os.ReadFile("/proc/self/status")
	_, after, found := strings.Cut(string(status), "VmHWM:")
	kB, err := strconv.ParseFloat(strings.TrimSpace(strings.Split(after, "kB")[0]), 64)
	return kB * 1024, found && err == nil
}
