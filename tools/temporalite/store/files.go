package store

import (
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// walFS replaces the flush to the disk that follows each write to the log: a write that reached the operating system survives the
// process. Other files are flushed, and a log is flushed before its successor begins, so that after a power failure only the newest
// log can be incomplete.
type walFS struct{ vfs.FS }

func (fs walFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := fs.FS.Create(name, category)
	if err != nil || category != "pebble-wal" {
		return file, err
	}
	return walFile{file}, nil
}

type walFile struct{ vfs.File }

func (walFile) Sync() error     { return nil }
func (walFile) SyncData() error { return nil }

func (f walFile) Close() error {
	if err := f.File.SyncData(); err != nil {
		_ = f.File.Close()
		return err
	}
	return f.File.Close()
}

// Rename deletes the obsolete files that Pebble moves to an archive. Without an archive, Pebble would keep obsolete logs, with the data
// of deleted workflows, to overwrite them later (obsolete_files.go in Pebble 2.1.7: noRecycle).
func (fs walFS) Rename(oldname, newname string) error {
	if filepath.Base(filepath.Dir(newname)) == "archive" {
		return fs.Remove(oldname)
	}
	return fs.FS.Rename(oldname, newname)
}
