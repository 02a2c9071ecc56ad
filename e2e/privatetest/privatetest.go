// Package privatetest checks that other users of the machine cannot read a program's files.
package privatetest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Check fails the test if another user can read a file in dir. It returns the number of files and directories,
// including dir.
func Check(t testing.TB, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		info, statErr := os.Lstat(path)
		if err = errors.Join(err, statErr); errors.Is(err, fs.ErrNotExist) {
			return nil // a running program has deleted the file
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		files++
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files in %s, error %v", files, dir, err)
	}
	return files
}
