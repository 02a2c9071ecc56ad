package stack

import "testing"

// Start runs a stack of its own for one test, on free ports and in a temporary directory.
func Start(t testing.TB) *Stack {
	t.Helper()
	return StartIn(t, t.TempDir())
}

// StartIn is Start on a given directory, to start again where another stack stopped.
func StartIn(t testing.TB, dir string) *Stack {
	t.Helper()
	s, err := Open(t.Context(), Config{Dir: dir, Addr: "127.0.0.1:0", Headless: true, Say: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
