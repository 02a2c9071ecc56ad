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

	"triptych/local/supervisor"
)

// Only CI builds for arm64, the deployed architecture, because the first build for another architecture takes
// minutes.
func TestBuild(t *testing.T) {
	t.Run("build_is_the_same_in_another_directory", func(t *testing.T) {
		otherRoot := filepath.Join(t.TempDir(), "another", "directory")
		for _, part := range []string{"internal", "picture", "trigger"} {
			if err := os.CopyFS(filepath.Join(otherRoot, part), os.DirFS(filepath.Join("..", part))); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range []string{"go.mod", "go.sum", "LICENSE"} {
			content, err := os.ReadFile(filepath.Join("..", file))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(otherRoot, file), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		first, second := buildZip(t, "..", runtime.GOARCH, "trigger"), buildZip(t, otherRoot, runtime.GOARCH, "trigger")
		if !bytes.Equal(first, second) {
			t.Errorf("the zips of %d and %d bytes differ", len(first), len(second))
		}
	})
	machine, arch := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}, runtime.GOARCH
	if os.Getenv("CI") != "" {
		arch = "arm64"
	}
	for _, function := range []string{"trigger", "web"} {
		t.Run("function_zip_contains_a_static_bootstrap_and_the_notices/"+function, func(t *testing.T) {
			packed := buildZip(t, "..", arch, function)
			files, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
			if err != nil {
				t.Fatal(err)
			}
			if len(files.File) != 2 || files.File[0].Name != "bootstrap" || files.File[0].Mode() != 0o755 ||
				files.File[1].Name != noticesFile || files.File[1].Mode() != 0o644 {
				t.Fatalf("the zip contains %v", files.File)
			}
			bootstrap := readFile(t, files.File[0])
			checkStatic(t, bootstrap, machine[arch])
			checkNotices(t, bootstrap, readFile(t, files.File[1]))
			t.Logf("%.1f MB, unpacked %.1f MB", float64(len(packed))/1e6, float64(files.File[0].UncompressedSize64)/1e6)
			if len(packed) > 25e6 { // Lambda accepts 50 MB, but each cold start loads the zip
				t.Error("the zip is larger than 25 MB; look for a new large dependency")
			}
		})
	}
	if os.Getenv("CI") != "" {
		t.Run("worker_is_static_and_built_for_arm64_with_notices", func(t *testing.T) {
			bin := compileAlone(t, "..", arch, "worker")
			worker, err := os.ReadFile(filepath.Join(bin, "worker"))
			if err != nil {
				t.Fatal(err)
			}
			checkStatic(t, worker, machine[arch])
			licences, err := notices(t.Context(), "..", arch, "worker")
			if err != nil {
				t.Fatal(err)
			}
			checkNotices(t, worker, licences)
		})
	}
}

func compileAlone(t *testing.T, root, arch, program string) (bin string) {
	t.Helper()
	lock, err := supervisor.LockBuilds(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	bin = t.TempDir()
	if err := compile(t.Context(), root, arch, bin, program); err != nil {
		t.Fatal(err)
	}
	return bin
}

func buildZip(t *testing.T, root, arch, function string) []byte {
	t.Helper()
	bin := compileAlone(t, root, arch, function)
	target := filepath.Join(bin, function+".zip")
	licences, err := notices(t.Context(), root, arch, function)
	if err != nil {
		t.Fatal(err)
	}
	if err := zipFunction(filepath.Join(bin, function), licences, target); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func readFile(t *testing.T, f *zip.File) []byte {
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

func checkStatic(t *testing.T, program []byte, machine elf.Machine) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != machine {
		t.Errorf("the program is built for %s, want %s", f.Machine, machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program is linked dynamically")
		}
	}
}
