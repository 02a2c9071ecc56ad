package supervisor

import (
	"path/filepath"
	"testing"
)

// TestTemporalite runs the tests of the tools module, because `go test ./...` ignores nested modules. They run without
// the race detector, because compiling Temporal once more takes minutes.
func TestTemporalite(t *testing.T) {
	if testing.Short() {
		t.Skip("the tests of the Temporal server take a minute")
	}
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := make(chan struct{})
	close(now)
	// Otherwise, tests of other packages would compile the server at the same time.
	if _, err := BuildServer(t.Context(), now, func(int, int) {}, t.Output()); err != nil {
		t.Fatal(err)
	}
	if out, err := goCommand(t.Context(), filepath.Join(root, "tools"), nil, nil, "test", "./temporalite/..."); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
