package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCacheDir(t *testing.T) {
	t.Run("directory_of_another_user_is_refused_with_a_remedy", func(t *testing.T) {
		tmp := t.TempDir()
		for name, value := range map[string]string{"HOME": "", "XDG_CACHE_HOME": "", "TMPDIR": tmp} {
			t.Setenv(name, value)
		}
		dir := filepath.Join(tmp, "triptych")
		if os.Geteuid() != 0 {
			if err := os.Symlink("/", dir); err != nil { // a directory of root
				t.Fatal(err)
			}
		} else if err := os.Mkdir(dir, 0o755); err != nil || os.Chown(dir, 65534, -1) != nil {
			t.Fatal("cannot create a directory of another user")
		}
		if _, err := CacheDir(); err == nil || !strings.Contains(err.Error(), "HOME") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("in_the_temporary_directory_is_private", func(t *testing.T) {
		for name, value := range map[string]string{"HOME": "", "XDG_CACHE_HOME": "", "TMPDIR": t.TempDir()} {
			t.Setenv(name, value)
		}
		dir, err := CacheDir()
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mode %v, error %v", info.Mode(), err)
		}
	})
}
