package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func TestMain(m *testing.M) {
	if os.Getenv("COSMOS_TEST_CHILD") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestCommand(t *testing.T) {
	dir := t.TempDir() + "/data"
	cmd := exec.Command(os.Args[0], "-addr", "127.0.0.1:0", "-dir", dir)
	cmd.Env = append(os.Environ(), "COSMOS_TEST_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	endpoint := strings.TrimPrefix(strings.TrimSpace(line), "COSMOS_ENDPOINT=")

	for _, host := range []string{"127.0.0.1", "localhost"} {
		t.Run("azcosmos_creates_a_database_at_"+host, func(t *testing.T) {
			credential, err := azcosmos.NewKeyCredential(wellKnownKey)
			if err != nil {
				t.Fatal(err)
			}
			client, err := azcosmos.NewClientWithKey(strings.Replace(endpoint, "127.0.0.1", host, 1), credential, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.CreateDatabase(t.Context(), azcosmos.DatabaseProperties{ID: host}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("data_is_readable_by_the_owner_only", func(t *testing.T) {
		for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, dir + "/cosmos.db": 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode() != want {
				t.Errorf("%s: %v %v, want mode %v", path, info, err, want)
			}
		}
	})
	t.Run("interrupt_ends_it_without_an_error", func(t *testing.T) {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
}
