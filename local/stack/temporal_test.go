package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFormerDatabaseIsDeleted(t *testing.T) {
	var output strings.Builder
	s := &Stack{config: Config{Dir: t.TempDir(), Output: &output}}
	for _, name := range []string{"temporal.db", "temporal.db-wal", "cosmos.db"} {
		if err := os.WriteFile(filepath.Join(s.config.Dir, name), []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time, there is nothing to delete
		if err := s.removeFormerDatabase(); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(s.config.Dir)
	if err != nil || len(left) != 1 || left[0].Name() != "cosmos.db" {
		t.Errorf("the directory contains %v, %v", left, err)
	}
	if n := strings.Count(output.String(), "temporal.db of an earlier version was deleted"); n != 1 {
		t.Errorf("the deletion was reported %d times", n)
	}
}
