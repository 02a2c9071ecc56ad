package terraform_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// If one resource stays in the state, every plan for an own server fails with "Failed to get namespace: Unauthenticated".
func TestMoveToOwnServerRemovesAllTemporalCloudResources(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`state rm\s+temporalcloud_\{([^}]*)\}`).FindSubmatch(readme)
	if command == nil {
		t.Fatal("README.md contains no command that removes the resources of Temporal Cloud from the state")
	}
	got := map[string]bool{}
	for address := range strings.SplitSeq(string(command[1]), ",") {
		got["temporalcloud_"+address] = true
	}
	want := map[string]bool{}
	for _, r := range mustPlan(t, readSources(t), nil) {
		if strings.HasPrefix(r.typ, "temporalcloud_") {
			address, _, _ := strings.Cut(r.address, "[")
			want[address] = true
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the command removes %v, the configuration contains %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}
