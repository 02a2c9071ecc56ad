// Package privatedir creates data directories that other users of the machine cannot read.
package privatedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Create makes dir private. A directory that contains other files but no file named `marker` stays unchanged, because
// it could be a home directory.
func Create(dir, marker string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := checkOwner(dir); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return os.Chmod(dir, 0o700)
	}
	if _, err := os.Lstat(filepath.Join(dir, marker)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s contains other files, and other users can read it: use an empty directory", dir)
	} else if err != nil {
		return err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("other users can change files in %s: delete it", dir)
	}
	return protect(dir)
}

// checkOwner refuses a directory of another user, or a symbolic link of another user, because that user could replace
// files.
func checkOwner(dir string) error {
	for _, stat := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} {
		info, err := stat(dir)
		if err != nil {
			return err
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() {
			return fmt.Errorf("%s belongs to another user: delete it", dir)
		}
	}
	return nil
}

func protect(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			err = os.Chmod(path, info.Mode().Perm()&^0o077)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another process has deleted the file
		}
		return err
	})
}
