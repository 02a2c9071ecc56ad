package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestBootstrap(t *testing.T) {
	t.Run("links_neither_Cloud_Vision_nor_Cosmos_DB", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", ".").Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		if len(deps) < 100 {
			t.Fatalf("go list names only %d packages", len(deps))
		}
		for _, dep := range deps {
			for _, forbidden := range []string{"cloud.google.com/go/", "/azcosmos", "/azidentity", "triptych/activities", "triptych/workflows", "triptych/internal/records"} {
				if strings.Contains(dep, forbidden) {
					t.Errorf("trigger links %s", dep)
				}
			}
		}
	})
	// What is deployed is for arm64. Compiling all of it for another machine takes minutes the first time, in which the
	// other tests wait for the Temporal dev server, so outside CI it is built for this one. The size goes into the log.
	t.Run("builds_for_provided.al2023", func(t *testing.T) {
		bootstrap := filepath.Join(t.TempDir(), "bootstrap")
		build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-tags", "lambda.norpc", "-o", bootstrap, ".")
		if os.Getenv("CI") != "" {
			build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64")
		}
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		info, err := os.Stat(bootstrap)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%.1f MB", float64(info.Size())/1e6)
		if info.Size() > 40e6 {
			t.Errorf("%.1f MB: something large came in", float64(info.Size())/1e6)
		}
	})
}
