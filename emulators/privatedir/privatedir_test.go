package privatedir_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"triptych/e2e/privatetest"
	"triptych/emulators/privatedir"
)

func TestCreate(t *testing.T) {
	for name, c := range map[string]struct {
		mode  fs.FileMode // of the existing directory; 0: there is none
		files []string
		want  bool
	}{
		"creates_a_private_directory":                        {want: true},
		"protects_an_empty_directory":                        {mode: 0o755, want: true},
		"protects_an_empty_directory_that_others_can_change": {mode: 0o777, want: true},
		"protects_the_files_of_an_earlier_run":               {mode: 0o755, files: []string{"marker", "data/file"}, want: true},
		"accepts_any_private_directory":                      {mode: 0o700, files: []string{"letter"}, want: true},
		"refuses_a_directory_with_other_files":               {mode: 0o755, files: []string{"letter"}},
		"refuses_files_that_others_could_change":             {mode: 0o775, files: []string{"marker"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new", "dir")
			if c.mode != 0 {
				for _, file := range append(c.files, ".") {
					path := filepath.Join(dir, file)
					if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
						t.Fatal(err)
					}
					if file != "." {
						if err := os.WriteFile(path, nil, 0o644); err != nil {
							t.Fatal(err)
						}
					} else if err := os.MkdirAll(dir, 0o755); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Chmod(dir, c.mode); err != nil {
					t.Fatal(err)
				}
			}
			if err := privatedir.Create(dir, "marker"); (err == nil) != c.want {
				t.Fatalf("error %v", err)
			}
			if c.want && c.mode != 0o700 {
				privatetest.Check(t, dir)
			} else if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != c.mode {
				t.Errorf("the mode is %v after Create, error %v", info.Mode(), err)
			}
		})
	}
	t.Run("refuses_a_directory_of_another_user", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "dir")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			if err := os.Chown(dir, 65534, -1); err != nil {
				t.Fatal(err)
			}
		} else if err := os.Remove(dir); err != nil || os.Symlink("/", dir) != nil {
			t.Fatal("cannot create a link to a directory of root")
		}
		if err := privatedir.Create(dir, "marker"); err == nil {
			t.Error("Create succeeded")
		}
	})
}
