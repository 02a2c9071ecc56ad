package annotator_test

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

// BenchmarkAnnotate reports peakMB on Linux: the peak memory of the test process, which contains the server and the
// client.
func BenchmarkAnnotate(b *testing.B) {
	for _, bb := range []struct {
		name     string
		features []*visionpb.Feature
	}{
		{"faces", face},
		{"objects", features(visionpb.Feature_OBJECT_LOCALIZATION)},
		{"colours", colour},
		{"faces_and_objects", features(visionpb.Feature_FACE_DETECTION, visionpb.Feature_OBJECT_LOCALIZATION)},
		{"everything", everything},
	} {
		b.Run(bb.name, func(b *testing.B) {
			resetPeak()
			_, client := serve(b)
			image := photograph(b, "desk.jpg")
			one(b, client, image, bb.features) // warms up
			b.ReportAllocs()
			for b.Loop() {
				if response := one(b, client, image, bb.features); response.Error != nil {
					b.Fatal(response.Error)
				}
			}
			if peak, ok := peakMemory(); ok {
				b.ReportMetric(peak/1e6, "peakMB")
			}
		})
	}
}

func resetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // proc_pid_clear_refs(5); other systems do not report a peak
}

func peakMemory() (float64, bool) {
	status, _ := os.ReadFile("/proc/self/status")
	_, after, found := strings.Cut(string(status), "VmHWM:")
	kB, err := strconv.ParseFloat(strings.TrimSpace(strings.Split(after, "kB")[0]), 64)
	return kB * 1024, found && err == nil
}
