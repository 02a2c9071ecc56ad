package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestBuild builds for this machine; what is deployed is for arm64, and compiling all of that takes minutes the first
// time, so it is left to CI. The sizes go into the log.
func TestBuild(t *testing.T) {
	t.Run("the_same_source_elsewhere_is_the_same_bytes", func(t *testing.T) {
		elsewhere := filepath.Join(t.TempDir(), "another", "directory")
		for _, part := range []string{"internal", "picture", "trigger"} {
			if err := os.CopyFS(filepath.Join(elsewhere, part), os.DirFS(filepath.Join("..", part))); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range []string{"go.mod", "go.sum"} {
			content, err := os.ReadFile(filepath.Join("..", file))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(elsewhere, file), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		here, there := zipped(t, "..", runtime.GOARCH, "trigger"), zipped(t, elsewhere, runtime.GOARCH, "trigger")
		if !bytes.Equal(here, there) {
			t.Errorf("%d bytes here and %d there differ", len(here), len(there))
		}
	})
	machine, arch := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}, runtime.GOARCH
	if os.Getenv("CI") != "" {
		arch = "arm64"
	}
	for _, function := range []string{"trigger", "web"} {
		t.Run("a_function_is_one_static_bootstrap_that_Lambda_takes/"+function, func(t *testing.T) {
			packed := zipped(t, "..", arch, function)
			files, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
			if err != nil {
				t.Fatal(err)
			}
			if len(files.File) != 1 || files.File[0].Name != "bootstrap" || files.File[0].Mode() != 0o755 {
				t.Fatalf("it holds %v", files.File)
			}
			inspect(t, contentOf(t, files.File[0]), machine[arch])
			t.Logf("%.1f MB, unpacked %.1f MB", float64(len(packed))/1e6, float64(files.File[0].UncompressedSize64)/1e6)
			if len(packed) > 25e6 { // Lambda takes 50 MB, but each cold start loads it
				t.Error("something large came in")
			}
		})
	}
	if os.Getenv("CI") != "" {
		t.Run("the_worker_is_static_and_for_the_machine_it_runs_on", func(t *testing.T) {
			bin := t.TempDir()
			if err := compile(t.Context(), "..", arch, bin, "worker"); err != nil {
				t.Fatal(err)
			}
			worker, err := os.ReadFile(filepath.Join(bin, "worker"))
			if err != nil {
				t.Fatal(err)
			}
			inspect(t, worker, machine[arch])
		})
	}
}

// zipped is a function as buildAll leaves it in dist.
func zipped(t *testing.T, root, arch, function string) []byte {
	t.Helper()
	bin := t.TempDir()
	if err := compile(t.Context(), root, arch, bin, function); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(bin, function+".zip")
	if err := zipBootstrap(filepath.Join(bin, function), target); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func contentOf(t *testing.T, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// inspect checks that a program runs on the machine without anything else being there.
func inspect(t *testing.T, program []byte, machine elf.Machine) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != machine {
		t.Errorf("it is for %s, want %s", f.Machine, machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it is linked dynamically")
		}
	}
}
