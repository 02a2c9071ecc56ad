package testenv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func ReadFiles(t testing.TB, root string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return ignoreDeleted(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return ignoreDeleted(err)
		}
		name, err := filepath.Rel(root, path)
		files[name] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func ignoreDeleted(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
