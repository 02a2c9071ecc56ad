package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestDependencies(t *testing.T) {
	t.Run("trigger_links_neither_Cloud_Vision_nor_Cosmos_DB", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", ".").Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		if len(deps) < 100 {
			t.Fatalf("go list returned only %d packages", len(deps))
		}
		for _, dep := range deps {
			for _, forbidden := range []string{"cloud.google.com/go/", "/azcosmos", "/azidentity", "triptych/activities", "triptych/workflows", "triptych/internal/records"} {
				if strings.Contains(dep, forbidden) {
					t.Errorf("trigger links %s", dep)
				}
			}
		}
	})
}
