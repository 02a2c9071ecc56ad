package supervisor

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBuildServer(t *testing.T) {
	t.Run("error_without_network_names_the_download_and_its_reason", func(t *testing.T) {
		useEmptyCaches(t)
		t.Setenv("GOPROXY", "off")
		path, err := BuildServer(t.Context(), nil, nil, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "downloading the source of the Temporal server") || !strings.Contains(err.Error(), "GOPROXY=off") {
			t.Errorf("%q, %v", path, err)
		}
		if found, err := FindServer(t.Context()); found != "" || err != nil {
			t.Errorf("FindServer returned %q, %v", found, err)
		}
	})
	t.Run("interrupted_build_leaves_no_version_marked_as_built", func(t *testing.T) {
		modules, err := exec.Command("go", "env", "GOMODCACHE").Output()
		if err != nil {
			t.Fatal(err)
		}
		useEmptyCaches(t)
		t.Setenv("GOMODCACHE", strings.TrimSpace(string(modules)))
		root, err := moduleRoot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		path, _, err := serverFiles(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{path, sourceFile(path)} {
			if err := os.WriteFile(file, []byte("other version"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		mayCompile := make(chan struct{})
		close(mayCompile)
		interrupt := func(int, int) { cancel() }
		if _, err := BuildServer(ctx, mayCompile, interrupt, io.Discard); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want an interrupted build", err)
		}
		if isBuilt(path, "other version") {
			t.Error("the other version would be started without a build")
		}
	})
}

func TestGoCommand(t *testing.T) {
	t.Run("reports_each_package_and_stops_with_its_compilers_when_the_context_ends", func(t *testing.T) {
		useEmptyCaches(t)
		cache, temporary := t.TempDir(), t.TempDir()
		t.Setenv("GOCACHE", cache)
		t.Setenv("GOTMPDIR", temporary)
		ctx, cancel := context.WithCancel(t.Context())
		var packages []string
		_, err := goCommand(ctx, ".", func(name string) {
			packages = append(packages, name)
			cancel()
		}, []string{"nice"}, "build", "-v", "std")
		if !errors.Is(err, context.Canceled) || len(packages) == 0 {
			t.Errorf("%v, packages %v", err, packages)
		}
		if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
			t.Errorf("go left %v, %v", left, err)
		}
		processes, err := exec.Command("pgrep", "-f", temporary).Output() // a compiler's arguments contain the directory
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
			t.Errorf("still running: %s, %v", processes, err)
		}
	})
	t.Run("error_contains_the_messages_without_packages_and_downloads", func(t *testing.T) {
		var packages []string
		output := packageNames{found: func(name string) { packages = append(packages, name) }}
		for _, part := range []string{"go: downloading a v1\ninternal/", "cpu\nexample", ".com/a\n# example.com/a\n", "a.go:1:2: undefined: x\n"} {
			io.WriteString(&output, part)
		}
		if want := []string{"internal/cpu", "example.com/a"}; !slices.Equal(packages, want) {
			t.Errorf("packages %v, want %v", packages, want)
		}
		if want := "# example.com/a\na.go:1:2: undefined: x\n"; output.others.String() != want {
			t.Errorf("messages %q, want %q", output.others.String(), want)
		}
	})
}

// useEmptyCaches keeps the caches of Go and of this package from answering.
func useEmptyCaches(t *testing.T) {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"HOME": "", "XDG_CACHE_HOME": "", "TMPDIR": t.TempDir(), // see CacheDir
		"GOCACHE": strings.TrimSpace(string(cache)), "GOPATH": t.TempDir(), "GOMODCACHE": "", "GOFLAGS": "-modcacherw",
	} {
		t.Setenv(name, value)
	}
}

func TestHashSourceIgnoresFilesThatAreNotCompiled(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		hash, err := hashSource(dir)
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	source := write("main.go")
	if err := os.Symlink("user@host.1", filepath.Join(dir, ".#main.go")); err != nil { // a lock of Emacs
		t.Fatal(err)
	}
	for _, name := range []string{"main_test.go", "README.md", ".main.go.swp", "000001.log"} {
		if write(name) != source {
			t.Errorf("%s changed the hash", name)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "other.go"} {
		changed := write(name)
		if changed == source {
			t.Errorf("%s did not change the hash", name)
		}
		source = changed
	}
}
