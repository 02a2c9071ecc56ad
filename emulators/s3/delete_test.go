package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Extended attributes are part of the file, so a hard link is a copy of the version.
func TestDeletionOfTheCurrentVersion(t *testing.T) {
	dir := t.TempDir()
	s, key := start(t, dir, ""), "pictures/a.jpg"
	if _, err := os.Stat(filepath.Join(dir, "attributes")); err == nil {
		t.Skip("the file system has no extended attributes")
	}
	versions := (&store{versions: filepath.Join(dir, "versions")}).versionDir(bucket, key)
	current := filepath.Join(dir, "objects", bucket, key)
	stat := func(t *testing.T, path string) os.FileInfo {
		t.Helper()
		file, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	check := func(t *testing.T, want ...string) {
		t.Helper()
		if got, markers := s.versions(t, key); !slices.Equal(got, want) || len(markers) > 0 {
			t.Errorf("versions %q and delete markers %q, want versions %q", got, markers, want)
		}
	}
	oldest, older := put(t, s, key, "oldest").VersionId, put(t, s, key, "older").VersionId
	t.Run("renames_the_previous_one_so_that_kill_-9_loses_nothing", func(t *testing.T) {
		latest := put(t, s, key, "latest").VersionId
		previous := stat(t, filepath.Join(versions, *older))
		s.remove(t, &key, latest)
		if !os.SameFile(previous, stat(t, current)) {
			t.Error("the current version is a copy")
		}
		check(t, *older, *oldest)
	})
	t.Run("renames_the_version_before_a_delete_marker", func(t *testing.T) {
		s.remove(t, &key, nil)
		previous := stat(t, filepath.Join(versions, *older))
		_, markers := s.versions(t, key)
		s.remove(t, &key, &markers[0])
		if !os.SameFile(previous, stat(t, current)) {
			t.Error("the current version is a copy")
		}
		check(t, *older, *oldest)
		if resp := s.fetch(t, "GET", key, ""); text(t, resp) != "older" {
			t.Errorf("GET: %s", resp.Status)
		}
	})
	t.Run("also_removes_the_copy_that_a_killed_PUT_left_and_that_lists_do_not_show", func(t *testing.T) {
		for _, tt := range []struct {
			version *string
			remain  []string
		}{{older, []string{*oldest}}, {oldest, nil}} {
			if err := os.MkdirAll(versions, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(current, filepath.Join(versions, *tt.version)); err != nil {
				t.Fatal(err)
			}
			check(t, append([]string{*tt.version}, tt.remain...)...)
			s.remove(t, &key, tt.version)
			check(t, tt.remain...)
		}
	})
}
